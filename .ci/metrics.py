"""metrics.py SERVER TOKEN PROMETHEUS PACKAGING: sends leads and what is refused, and asks Prometheus every query of the
rules and of the dashboard until each returns data."""

import json
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

server, token, prometheus, packaging = sys.argv[1:]
context = ssl.create_default_context(cafile="cert.pem")


def send(path, body=None, bearer=token, media_type="application/json"):
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": media_type, "Origin": server}
    request = urllib.request.Request(server + path, body, headers)
    try:
        return urllib.request.urlopen(request, context=context).status
    except urllib.error.HTTPError as error:
        return error.code


def lead():
    meta = {"source": "ci", "request_id": str(uuid.uuid4()), "ip_hash": "abc", "timestamp_utc": "2026-01-03T10:30:45Z"}
    text = {"name": "Jean Dupont", "email": "jean@example.com", "message": "Mon compresseur ne démarre plus.", "consent": True}
    return json.dumps({**text, "meta": meta}).encode()


def expect(got, wanted):
    if got != wanted:
        sys.exit(f"answered {got}, not {wanted}")


def load():
    for _ in range(5):
        again = lead()
        expect(send("/inbound/leads", again), 201)
        expect(send("/inbound/leads", again), 200)
    expect(send("/inbound/leads", b"{}"), 422)
    expect(send("/inbound/leads", b"{"), 400)
    expect(send("/inbound/leads", lead(), bearer="wrong"), 401)
    expect(send("/inbound/leads", lead(), media_type="text/plain"), 415)
    expect(send("/nothing"), 404)
    send("/admin/api/session", json.dumps({"name": "nobody", "password": "not a password"}).encode())


def ask(path, **parameters):
    url = f"{prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]


def queries():
    """The queries of the dashboard, with the panel."""
    with open(f"{packaging}/grafana/fastcore.json", encoding="utf-8") as file:
        for panel in json.load(file)["panels"]:
            for target in panel["targets"]:
                # The variables of Grafana. What is shown only when it is not zero must be there at all.
                expression = target["expr"].replace("$__rate_interval", "20s").replace("$instance", ".*")
                yield f'dashboard, {panel["title"]}', expression.removesuffix(" > 0")


def no_data(found):
    return [f"{where}: {query}" for where, query in found if not ask("query", query=query)["result"]]


deadline = time.monotonic() + 90
while True:
    load()
    try:
        missing = no_data(list(queries()))
        up = ask("query", query='up{job="fastcore"} == 1')["result"]
    except (urllib.error.URLError, ConnectionError) as error:
        missing, up = [str(error)], []
    if up and not missing:
        break
    if time.monotonic() > deadline:
        sys.exit("no data:\n" + "\n".join(missing or ["up"]))
    time.sleep(2)
print(f"{len(list(queries()))} queries of the dashboard return data")

while True:
    rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    faults = [f'{rule["name"]}: {rule["health"]} {rule.get("lastError", "")}' for rule in rules if rule["health"] != "ok"]
    firing = {rule["name"] for rule in rules if rule["state"] == "firing"}
    # What was sent above includes what this one is about.
    if not faults and "FastcoreLeadsRefused" in firing:
        break
    if time.monotonic() > deadline:
        sys.exit("rules:\n" + "\n".join(faults or sorted(firing)))
    time.sleep(1)
wrong = firing & {"FastcoreDown", "FastcoreLeadsNotStored", "FastcoreLeadsTurnedAway", "FastcoreTokenRefused", "FastcoreChainBroken"}
if wrong:
    sys.exit(f"firing, and should not be: {sorted(wrong)}")
print(f"{len(rules)} rules are evaluated; firing: {', '.join(sorted(firing))}")
