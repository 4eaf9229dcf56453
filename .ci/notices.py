"""Runs a mail server (aiosmtpd) and FASTCore beside it, and reads the mails as a mail program does."""

import base64
import datetime
import email
import email.policy
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
import warnings
import zoneinfo

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

# The certificate makes the connection secure before SMTP begins, which aiosmtpd does not see.
warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
BINARY = sys.argv[1]
TOKEN = "0123456789abcdef" * 3
PASSWORD = "p@ss:word/%"


class Mailbox:
    """Keeps what arrives."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((session.ssl is not None, envelope))
        return "250 2.0.0 queued"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"leads@example.com" and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


class Server(Controller):
    """A mail server with a certificate for localhost: TLS from the start, or STARTTLS."""

    def __init__(self, mailbox, implicit):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain("cert.pem", "key.pem")
        self.implicit = implicit
        context = self.context if implicit else None
        super().__init__(mailbox, hostname="127.0.0.1", port=0, ssl_context=context, ready_timeout=30)

    def factory(self):
        starttls = None if self.implicit else self.context
        return SMTP(
            self.handler,
            tls_context=starttls,
            require_starttls=not self.implicit,
            authenticator=authenticate,
            auth_required=True,
            auth_require_tls=not self.implicit,
        )

    def _trigger_server(self):
        # The port is known once the server listens.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def environment(server, more):
    scheme, query = ("smtps", "") if server.implicit else ("smtp", "?tls=required")
    password = PASSWORD.replace("%", "%25").replace("@", "%40").replace(":", "%3A").replace("/", "%2F")
    url = f"{scheme}://leads%40example.com:{password}@localhost:{server.port}{query}"
    return {
        "PATH": os.environ["PATH"],
        "SSL_CERT_FILE": "ca.pem",
        # A channel sends one mail in two minutes: each server has a database of its own.
        "DATABASE_URL": f"fastcore-{server.port}.db",
        "FASTCORE_LISTEN": "127.0.0.1:0",
        "FASTCORE_SITE_INGEST_TOKEN": TOKEN,
        "FASTCORE_SMTP_URL": url,
        "FASTCORE_MAIL_FROM": "FASTCore Société <leads@example.com>",
        "FASTCORE_NOTIFY_EMAIL": "claire@example.com",
        "FASTCORE_NOTIFY_CONTENT": "full",
        **more,
    }


def notify_test(variables):
    command = [BINARY, "notify", "test"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=90)


def post(address, lead):
    request = urllib.request.Request(
        f"http://{address}/inbound/leads",
        json.dumps(lead).encode(),
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def mails_to(mailbox, address):
    return [mail for mail in mailbox.mails if mail[1].rcpt_tos == [address]]


def easter(year):
    """Easter Sunday of a year, by the anonymous Gregorian algorithm."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    week = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    days = moon + week - 7 * ((golden + 11 * moon + 22 * week) // 451) + 114
    return datetime.date(year, days // 31, days % 31 + 1)


def is_working_day():
    """Whether the company works today."""
    today = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Paris"))
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    moving = [easter(today.year) + datetime.timedelta(days) for days in (1, 39, 50)]
    return today.weekday() < 5 and (today.month, today.day) not in fixed and today.date() not in moving


def parse(envelope):
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert not mail.defects, mail.defects
    return mail, mail.get_body(("plain",)).get_content()


def check_operator(mails):
    """The alert and the morning mail contain nothing of a lead."""
    texts = {}
    for _, envelope in mails:
        mail, text = parse(envelope)
        texts[mail["Subject"]] = text
        assert "loïse" not in text and "secretly" not in text and "example.org" not in text, text
    alert = texts.pop("FASTCore : alerte – Le site envoie des demandes qui sont refusées")
    assert "email (1)" in alert and "Que faire" in alert, alert
    for subject, text in texts.items():
        assert subject.startswith("FASTCore – reçues : "), subject
        assert "audit verify --receipt" in text, text


def mails_of_server(variables, mailbox):
    """Serves, sends a lead and one that is refused; returns the lead's id, the lead, and the mails by address."""
    server = subprocess.Popen([BINARY, "serve"], env=variables, stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:
            if '"address":"' in line:
                address = json.loads(line)["address"]
                break
        meta = {"source": "ci", "request_id": str(uuid.uuid4()), "ip_hash": "abc"}
        meta["timestamp_utc"] = "2026-01-03T10:30:45Z"
        lead = {
            "name": 'Éloïse "Zoé" O’Brien 🏗',
            "email": "eloise@example.org",
            "service": "ponts",
            "message": "Bonjour,\n.\nLe pont n° 3 est bloqué <b>depuis</b> hier. 🏗\n" + "é" * 1200,
            "consent": True,
            "meta": meta,
        }
        lead_id = post(address, lead)["leadId"]
        try:
            post(address, {**lead, "email": "secretly-nobody"})
            raise SystemExit("an invalid lead was accepted")
        except urllib.error.HTTPError as refused:
            assert refused.code == 422, refused
        # The notice of the lead, the alert of the refusal, and the morning mail on a working day.
        expected = {"claire@example.com": 1, "operator@example.com": 1 + is_working_day()}
        for _ in range(900):
            mails = {to: mails_to(mailbox, to) for to in expected}
            if {to: len(mails) for to, mails in mails.items()} == expected:
                return lead_id, lead, mails
            time.sleep(0.1)
        server.terminate()
        raise SystemExit(f"not all mails arrived: {mails} {server.stderr.read()}")
    finally:
        server.terminate()
        server.wait(30)


def check(implicit):
    mailbox = Mailbox()
    server = Server(mailbox, implicit)
    server.start()
    try:
        more = {"FASTCORE_ALERT_EMAIL": "operator@example.com", "FASTCORE_DIGEST_AT": "00:00"}
        lead_id, lead, mails = mails_of_server(environment(server, more), mailbox)
        check_operator(mails["operator@example.com"])
        [(encrypted, envelope)] = mails["claire@example.com"]
        # A server with TLS from the start speaks nothing else.
        assert encrypted or implicit, "the connection was not encrypted"
        mail, text = parse(envelope)
        assert mail["Subject"] == "Nouvelle demande : Ponts", mail["Subject"]
        sender = mail["From"].addresses[0]
        assert (sender.display_name, sender.addr_spec) == ("FASTCore Société", "leads@example.com"), sender
        reply = mail["Reply-To"].addresses[0]
        assert (reply.display_name, reply.addr_spec) == (lead["name"], lead["email"]), reply
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Date"].datetime is not None and mail["Message-ID"]
        assert lead["message"] in text.replace("\r\n", "\n"), text
        assert f"/admin/leads/{lead_id}" in text, text
        page = mail.get_body(("html",)).get_content()
        assert "&lt;b&gt;depuis&lt;/b&gt;" in page and "<b>depuis" not in page, page

        # A password that is wrong, and a certificate that the system does not trust.
        good = notify_test(environment(server, {}))
        assert good.returncode == 0, good
        url = environment(server, {})["FASTCORE_SMTP_URL"].replace("p%40ss", "wrong")
        wrong = notify_test(environment(server, {"FASTCORE_SMTP_URL": url}))
        assert wrong.returncode == 1 and "535" in wrong.stdout, wrong
        untrusted = notify_test(environment(server, {"SSL_CERT_FILE": "/dev/null"}))
        assert untrusted.returncode == 1 and "sent" not in untrusted.stdout, untrusted
        print(f"{'TLS' if implicit else 'STARTTLS'}: {untrusted.stdout.strip()}")
    finally:
        server.stop()


def check_webhook():
    """A webhook over HTTPS: with a certificate that the system trusts, and with one that it does not."""
    received = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.headers["webhook-id"], json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain("cert.pem", "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    variables = {
        "PATH": os.environ["PATH"],
        "SSL_CERT_FILE": "ca.pem",
        "DATABASE_URL": "fastcore-webhook.db",
        "FASTCORE_NOTIFY_WEBHOOK": f"https://localhost:{server.server_address[1]}/hook",
        "FASTCORE_WEBHOOK_SECRET": "whsec_" + base64.b64encode(os.urandom(32)).decode(),
    }
    good = notify_test(variables)
    assert good.returncode == 0 and len(received) == 1, (good, received)
    untrusted = notify_test({**variables, "SSL_CERT_FILE": "/dev/null"})
    assert untrusted.returncode == 1 and len(received) == 1, (untrusted, received)
    print(f"HTTPS: {untrusted.stdout.strip()}")
    server.shutdown()


check(implicit=True)
check(implicit=False)
check_webhook()
