"""load.py LOG: sends leads, each on a connection of its own, until it gets SIGTERM. Writes the request_id of each
that got a 201, and how each other one failed."""
import http.client, json, signal, sys, threading, uuid

token = open("/etc/fastcore/ingest-token").read().strip()
log, over = open(sys.argv[1], "w"), threading.Event()
signal.signal(signal.SIGTERM, lambda *_: over.set())


def send():
    request_id = str(uuid.uuid4())
    lead = json.dumps({
        "name": "Jean Dupont", "email": "jean@example.com", "consent": True,
        "message": "Mon compresseur ne démarre plus depuis hier.",
        "meta": {"source": "fast-techservices.com", "request_id": request_id, "ip_hash": "abc123def456",
                 "timestamp_utc": "2026-01-03T10:30:45Z"}})
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Connection": "close"}
    try:
        connection.request("POST", "/inbound/leads", lead, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        status = type(error).__name__
    log.write(f"{request_id}\n" if status == 201 else f"failed: {status}\n")
    log.flush()


def client():
    while not over.wait(0.005):
        send()


clients = [threading.Thread(target=client) for _ in range(8)]
for thread in clients:
    thread.start()
for thread in clients:
    thread.join()
