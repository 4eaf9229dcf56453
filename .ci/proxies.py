"""proxies.py BINARY: FASTCore behind nginx and Caddy with HTTPS, both configured as docs/install.md says."""
import http.client, json, os, pathlib, signal, socket, ssl, subprocess, sys, tempfile, threading, time, uuid

BINARY = os.path.abspath(sys.argv[1])
HOST, TOKEN = "leads.example.com", "0123456789abcdef" * 3
ORIGIN = f"https://{HOST}"
PASSWORD = "correct horse battery"
STAFF, STRANGER = "127.0.0.2", "127.0.0.3"
work = pathlib.Path(tempfile.mkdtemp())
processes = []


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def documented(path):
    """The file that docs/install.md writes to this path."""
    page = pathlib.Path("docs/install.md").read_text()
    return page.split(f"cat > {path} <<'END'\n")[1].split("END\n")[0]


def replaced(text, *pairs):
    for old, new in pairs:
        assert old in text, f"docs/install.md has no {old!r}"
        text = text.replace(old, new)
    return text


class FastCore:
    """The server, in the folder `work`."""

    port = free_port()

    def start(self):
        env = {"PATH": os.environ["PATH"], "FASTCORE_SITE_INGEST_TOKEN": TOKEN, "FASTCORE_PUBLIC_URL": ORIGIN,
               "FASTCORE_TRUSTED_PROXIES": "127.0.0.1", "FASTCORE_LISTEN": f"127.0.0.1:{self.port}"}
        self.log = open(work / "log", "a")
        self.process = subprocess.Popen([BINARY, "serve"], cwd=work, env=env, stderr=self.log)
        wait_for(self.port)

    def stop(self, how):
        self.process.send_signal(how)
        self.process.wait()

    def lines(self, has_all):
        """The log, once what was just done is in it."""
        for _ in range(600):
            lines = [json.loads(line) for line in (work / "log").read_text().splitlines() if line.endswith("}")]
            if has_all(lines):
                break
            time.sleep(0.1)
        return lines

    def run(self, *arguments, stdin=""):
        done = subprocess.run([BINARY, *arguments], cwd=work, input=stdin, capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"]})
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout


def wait_for(port):
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on {port}: {(work / 'log').read_text()[-2000:]}")


def start_nginx(server):
    port = free_port()
    site = replaced(
        documented("/etc/nginx/conf.d/fastcore.conf"), ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("    listen [::]:443 ssl;\n", ""), ("/etc/letsencrypt/live/leads.example.com/fullchain.pem", f"{work}/cert.pem"),
        ("/etc/letsencrypt/live/leads.example.com/privkey.pem", f"{work}/key.pem"), ("127.0.0.1:8000", f"127.0.0.1:{server}"))
    temp = "".join(f"{of}_temp_path {work}/temp-{of};\n" for of in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    # What is around the site in Debian's nginx.conf.
    (work / "nginx.conf").write_text(f"""
        daemon off; pid {work}/nginx.pid; error_log {work}/nginx.log notice;
        events {{ worker_connections 768; }}
        http {{ sendfile on; tcp_nopush on; access_log off; gzip on; default_type application/octet-stream;
        {temp}{site}}}""")
    processes.append(subprocess.Popen(["nginx", "-p", str(work), "-c", str(work / "nginx.conf"), "-e", "stderr"],
                                      env={"PATH": os.environ["PATH"] + ":/usr/sbin"}))
    wait_for(port)
    # Whatever it would write to a temporary file is an error from here on.
    for folder in work.glob("temp-*"):
        folder.rmdir()
    return port


def start_caddy(server):
    port = free_port()
    site = replaced(documented("/etc/caddy/Caddyfile"), ("127.0.0.1:8000", f"127.0.0.1:{server}"),
                    (f"{HOST} {{\n", f"{HOST} {{\n    tls {work}/cert.pem {work}/key.pem\n"))
    (work / "Caddyfile").write_text(f"""{{
        admin off
        auto_https disable_redirects
        https_port {port}
        default_bind 127.0.0.1
        storage file_system {work}/caddy
    }}\n{site}""")
    processes.append(subprocess.Popen(["caddy", "run", "--adapter", "caddyfile", "--config", str(work / "Caddyfile")],
                                      env={"PATH": os.environ["PATH"], "HOME": str(work)},
                                      stderr=open(work / "caddy.log", "w")))
    wait_for(port)
    return port


class Connection(http.client.HTTPConnection):
    """HTTPS to a proxy from an address of this machine."""

    def __init__(self, port, source=STAFF):
        super().__init__(HOST, timeout=100)
        self.address = (("127.0.0.1", port), (source, 0))

    def connect(self):
        to, source = self.address
        context = ssl.create_default_context(cafile=work / "cert.pem")
        plain = socket.create_connection(to, timeout=100, source_address=source)
        self.sock = context.wrap_socket(plain, server_hostname=HOST)


def request(port, method, path, body=None, headers=None, source=STAFF):
    """The response, with its whole body."""
    connection = Connection(port, source)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    response.body = response.read()
    connection.close()
    return response


def new_lead(size=0):
    lead = {"name": "Jean Dupont", "email": "jean@example.com", "consent": True, "filler": "",
            "message": "Mon compresseur ne démarre plus depuis hier.",
            "meta": {"source": "fast-techservices.com", "request_id": str(uuid.uuid4()), "ip_hash": "abc123def456",
                     "timestamp_utc": "2026-01-03T10:30:45Z"}}
    lead["filler"] = "x" * max(size - len(json.dumps(lead)), 0)
    return json.dumps(lead)


def bearer(token=TOKEN, media_type="application/json"):
    return {"Authorization": f"Bearer {token}", "Content-Type": media_type}


def post_lead(port, body=None):
    return request(port, "POST", "/inbound/leads", body or new_lead(), bearer())


def sign_in(port, name, password=PASSWORD, origin=ORIGIN, source=STAFF, headers=()):
    return request(port, "POST", "/admin/api/session", json.dumps({"name": name, "password": password}),
                   {"Content-Type": "application/json", "Origin": origin, **dict(headers)}, source)


def check_headers(port):
    health = request(port, "GET", "/health", headers={"X-Request-Id": "from-the-site.1"})
    assert (health.status, health.headers["X-Request-Id"]) == (200, "from-the-site.1"), health.headers
    assert len(health.headers.get_all("Strict-Transport-Security")) == 1, health.headers
    own = request(port, "GET", "/health").headers["X-Request-Id"]
    def is_logged(lines):
        return any(line.get("request_id") == own for line in lines)

    assert is_logged(fastcore.lines(is_logged)), own
    page = request(port, "GET", "/admin", headers={"Accept-Encoding": "gzip, br"})
    assert page.headers["Content-Encoding"] == "br" and len(page.headers.get_all("Content-Security-Policy")) == 1


def check_bodies(port, own_limit):
    for size, status in [(0, 201), (64 * 1024, 201), (64 * 1024 + 1, 413), (100 * 1024, 413)]:
        answer = post_lead(port, new_lead(size))
        assert answer.status == status, f"{size}: {answer.status} {answer.body}"
        error = json.loads(answer.body)
        assert status == 201 or (error["ok"], error["error"]) == (False, "payload_too_large"), error
    large = post_lead(port, new_lead(1024 * 1024))
    assert large.status == 413 and large.body.startswith(b"<html>" if own_limit else b"{"), large.body[:200]


def check_signing_in(port, name):
    other = sign_in(port, name, origin="https://example.com")
    assert other.status == 403, other.body
    # As many as one client may guess, and more, each with a forged address.
    statuses = [sign_in(port, name, "wrong horse battery", source=STRANGER, headers={
        "X-Forwarded-For": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"}).status for n in range(12)]
    assert statuses.count(401) < 8 and 429 in statuses, statuses
    def clients(lines):
        return {line["client"] for line in lines if line.get("client")}

    seen = clients(fastcore.lines(clients))
    assert seen == {STRANGER}, seen
    signed_in = sign_in(port, name)
    assert signed_in.status == 200, signed_in.body
    cookies = signed_in.headers.get_all("Set-Cookie")
    for cookie in cookies:
        named, *attributes = cookie.split("; ")
        assert named.startswith("__Host-fastcore_") and "Domain" not in cookie, cookie
        assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes), cookie
    cookie = "; ".join(cookie.split(";")[0] for cookie in cookies)
    foreign = request(port, "GET", "/admin/api/leads", headers={"Cookie": cookie, "Sec-Fetch-Site": "cross-site"})
    assert foreign.status == 403, foreign.body
    assert request(port, "GET", "/admin/api/leads", headers={"Cookie": cookie}).status == 200
    return cookie


def check_events(ports, cookies):
    """Through each proxy, a lead's event comes by itself, also after more than a minute without one."""
    streams, results = {}, {}
    for proxy, port in ports.items():
        connection = Connection(port)
        connection.request("GET", "/admin/api/events", headers={"Cookie": cookies[proxy], "Accept-Encoding": "gzip"})
        streams[proxy] = connection.getresponse()
        assert streams[proxy].status == 200 and not streams[proxy].headers["Content-Encoding"], streams[proxy].headers

    def read(proxy):
        comments = 0
        while b"lead" not in (line := streams[proxy].readline()):
            if not line:
                return
            comments += line.startswith(b":")
        results[proxy] = (time.monotonic(), comments)

    for quiet in [1, 70]:
        results.clear()
        readers = [threading.Thread(target=read, args=[proxy]) for proxy in ports]
        for reader in readers:
            reader.start()
        time.sleep(quiet)
        assert not results, f"an event without a lead: {results}"
        sent = time.monotonic()
        post_lead(ports["caddy"])
        for reader in readers:
            reader.join()
        for proxy in ports:
            assert proxy in results, f"{proxy}: the stream ended"
            at, comments = results[proxy]
            assert at - sent < 30 and comments >= quiet // 20, f"{proxy}: {at - sent:.1f} s, {comments} comments"
            print(f"{proxy}: after {quiet} s without a lead, its event came within {(at - sent) * 1000:.0f} ms")


def check_export(port, cookie):
    """A browser that reads slowly gets all of an export."""
    connection = Connection(port)
    connection.request("POST", "/admin/api/export", "format=jsonl", {
        "Cookie": cookie, "Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"})
    response, rows, size = connection.getresponse(), 0, 0
    assert response.status == 200, response.read()
    while part := response.read(64 * 1024):
        rows, size = rows + part.count(b"\n"), size + len(part)
        time.sleep(0.01)
    stored = len(fastcore.run("export", "leads", "--format", "jsonl").splitlines())
    assert rows == stored, f"{rows} of {stored}"
    return f"an export of {rows} rows, {size} bytes"


def check_load(port, leads):
    """Good leads on shared connections, next to clients that are refused: none may fail."""
    failed, refused, over = [], {}, threading.Event()

    def post(connection, headers, body):
        try:
            connection.request("POST", "/inbound/leads", body, headers)
            response = connection.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return repr(error)

    def good():
        connection = Connection(port)
        for _ in range(leads // 8):
            status = post(connection, bearer(), new_lead())
            if status != 201:
                failed.append(status)

    def bad(headers, body):
        connection = Connection(port)
        while not over.is_set():
            status = post(connection, headers, body)
            refused[status] = refused.get(status, 0) + 1

    refusals = [(bearer("wrong"), new_lead()), (bearer("wrong"), "x" * 50_000), (bearer(), "x" * 100_000),
                (bearer(media_type="text/plain"), "x" * 20_000)]
    bad_clients = [threading.Thread(target=bad, args=refusal) for refusal in refusals]
    good_clients = [threading.Thread(target=good) for _ in range(8)]
    for client in bad_clients + good_clients:
        client.start()
    for client in good_clients:
        client.join()
    over.set()
    for client in bad_clients:
        client.join()
    assert not failed, failed[:10]
    assert {401, 413, 415} <= refused.keys(), refused
    return f"{leads} leads stored; refused: {refused}"


def check_restarts(port):
    """While the server stops, starts and is killed, the site sends again, and nothing is lost."""
    sent, statuses, over = [], {}, threading.Event()

    def site():
        while not over.is_set():
            body, status = new_lead(), None
            while status not in (200, 201):
                try:
                    status = post_lead(port, body).status
                except (OSError, http.client.HTTPException) as error:
                    status = type(error).__name__
                statuses[status] = statuses.get(status, 0) + 1
                time.sleep(0 if status in (200, 201) else 0.1)
            sent.append(json.loads(body)["meta"]["request_id"])

    clients = [threading.Thread(target=site) for _ in range(4)]
    for client in clients:
        client.start()
    for how in [signal.SIGTERM, signal.SIGKILL, signal.SIGTERM]:
        time.sleep(1)
        fastcore.stop(how)
        time.sleep(0.5)
        fastcore.start()
    time.sleep(1)
    over.set()
    for client in clients:
        client.join()
    assert set(statuses) <= {200, 201, 502, 503}, statuses
    assert statuses.get(502, 0) > 0, f"the restarts were not seen: {statuses}"
    missing = fastcore.run("reconcile", "--ids", "-", stdin="\n".join(sent))
    assert not missing, missing
    return f"{len(sent)} leads through three restarts, all stored: {statuses}"


def check(proxy, port, name, cookies):
    print(f"{proxy}: {check_load(port, 5000)}")
    check_headers(port)
    check_bodies(port, own_limit=proxy == "nginx")
    cookies[proxy] = check_signing_in(port, name)
    print(f"{proxy}: {check_export(port, cookies[proxy])}")


def main():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", work / "key.pem",
                    "-out", work / "cert.pem"], check=True, capture_output=True)
    os.chmod(work, 0o755)
    os.chmod(work / "key.pem", 0o644)
    fastcore.start()
    ports = {"caddy": start_caddy(fastcore.port), "nginx": start_nginx(fastcore.port)}
    cookies = {}
    for proxy, name in [("caddy", "jean"), ("nginx", "marc")]:
        fastcore.run("staff", "add", name, "--password-stdin", "--without-totp", stdin=PASSWORD)
        check(proxy, ports[proxy], name, cookies)
    check_events(ports, cookies)
    for proxy, port in ports.items():
        print(f"{proxy}: {check_restarts(port)}")
    fastcore.stop(signal.SIGTERM)
    print(fastcore.run("audit", "verify").strip())
    errors = [line for line in (work / "nginx.log").read_text().splitlines() if "[crit]" in line or "[alert]" in line]
    assert not errors, errors[:5]


fastcore = FastCore()
try:
    main()
finally:
    for process in [*processes, fastcore.process]:
        if process.poll() is None:
            process.terminate()
        process.wait()
    subprocess.run(["rm", "-rf", work])
print("proxies: done")
