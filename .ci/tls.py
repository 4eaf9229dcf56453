"""tls.py scan HOST:PORT REPORT: every check of sslyze; fails on any complaint but the test's own authority.
tls.py requests URL: requests a second on one connection."""
import http.client, json, ssl, subprocess, sys, time
from pathlib import Path
from urllib.parse import urlsplit

SECONDS = 3


def scan(target, report):
    sslyze = Path(sys.executable).with_name("sslyze")
    checks = ["certinfo", "tlsv1_3", "tlsv1_2", "tlsv1_1", "tlsv1", "sslv3", "sslv2", "heartbleed", "openssl_ccs",
              "robot", "reneg", "compression", "fallback", "resum", "early_data", "elliptic_curves", "ems"]
    done = subprocess.run([sslyze, *(f"--{check}" for check in checks), "--mozilla_config=intermediate",
                           "--certinfo_ca_file=ca.pem", f"--json_out={report}", target],
                          capture_output=True, text=True)
    faults = []
    if done.returncode != 0:
        faults.append(done.stdout[done.stdout.find("COMPLIANCE AGAINST"):])
    (result,) = json.loads(Path(report).read_text())["server_scan_results"]
    found = {name: scan["result"] for name, scan in result["scan_result"].items() if scan["status"] == "COMPLETED"}
    missing = [name for name, scan in result["scan_result"].items()
               if scan["status"] != "COMPLETED" and name != "http_headers"]

    def expect(name, is_good):
        if name not in found or not is_good(found[name]):
            faults.append(f"{name}: {json.dumps(found.get(name))[:2000]}")

    for version in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"]:
        expect(f"{version}_cipher_suites", lambda suites: suites["accepted_cipher_suites"] == [])
    for version in ["tls_1_2", "tls_1_3"]:
        expect(f"{version}_cipher_suites", lambda suites: suites["accepted_cipher_suites"] != [])
    expect("tls_1_3_early_data", lambda it: not it["supports_early_data"])
    expect("heartbleed", lambda it: not it["is_vulnerable_to_heartbleed"])
    expect("openssl_ccs_injection", lambda it: not it["is_vulnerable_to_ccs_injection"])
    expect("robot", lambda it: it["robot_result"].startswith("NOT_VULNERABLE"))
    expect("tls_compression", lambda it: not it["supports_compression"])
    expect("session_renegotiation", lambda it: it["supports_secure_renegotiation"]
           and not it["is_vulnerable_to_client_renegotiation_dos"])
    expect("tls_extended_master_secret", lambda it: it["supports_ems_extension"])
    expect("certificate_info", lambda it: all(
        deployment["received_chain_has_valid_order"]
        and any(path["was_validation_successful"] for path in deployment["path_validation_results"])
        for deployment in it["certificate_deployments"]))
    if faults or missing:
        sys.exit(f"{target}: not completed: {missing}; faults:\n" + "\n".join(faults))
    suites = [suite["cipher_suite"]["name"] for version in ["tls_1_2", "tls_1_3"]
              for suite in found[f"{version}_cipher_suites"]["accepted_cipher_suites"]]
    print(f"{target}: no complaint; suites: {', '.join(suites)}")


def requests(url):
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile="ca.pem")
        connection = http.client.HTTPSConnection(parts.netloc, timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    sent, began = 0, time.monotonic()
    while time.monotonic() - began < SECONDS:
        connection.request("GET", "/health")
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            sys.exit(f"{url}: {response.status}")
        sent += 1
    print(f"{url}: {sent / (time.monotonic() - began):.0f} requests a second on one connection")


{"scan": scan, "requests": requests}[sys.argv[1]](*sys.argv[2:])
