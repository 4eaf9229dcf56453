// The samples in PHP and Python against the built binary: they do what docs/site-integration.md asks of every backend.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test, type TestContext } from "node:test";
import { answer, holdBack, listen, upstream } from "./relay";
import { FastCore, TOKEN } from "./server";

const SAMPLES = {
  PHP: [
    "php",
    "-d", "error_log=", "-d", "display_errors=stderr", "-d", "log_errors=1",
    "-r", 'foreach (json_decode(getenv("CONSTANTS") ?: "{}") as $name => $value) define($name, $value); require "php/fastcore.php"; echo json_encode(fastcore_send(...json_decode(stream_get_contents(STDIN), true)));',
  ],
  Python: [
    "python3", "-W", "error", "-c",
    `import json, logging, sys
sys.path.insert(0, "python")
import fastcore
logging.basicConfig(level=logging.INFO, format="%(message)s")
print(json.dumps(fastcore.send_lead(*json.load(sys.stdin))))`,
  ],
};

const LEAD = {
  name: "Zoë Dupont 🚗",
  email: "zoe@exämple.fr",
  service: "ponts",
  message: "Bonjour,\nmon pont ne monte plus depuis hier.",
  consent: true,
};
type Result = { status: string; errors?: Record<string, string>; request_id?: string };
type Sent = Result & { log: Record<string, string>[] };

/** Runs a sample in a process of its own. */
function run(
  language: keyof typeof SAMPLES,
  url: string,
  lead: object = LEAD,
  id?: string,
  env: Record<string, string> = {},
  signal?: AbortSignal,
) {
  const [program, ...words] = SAMPLES[language];
  return new Promise<Sent>((resolve, reject) => {
    const settings = {
      PATH: process.env.PATH,
      FASTCORE_BASE_URL: url,
      FASTCORE_SITE_INGEST_TOKEN: TOKEN,
      CONTACT_HASH_KEY: "a key of the tests, of at least 32 characters",
      PYTHONDONTWRITEBYTECODE: "1",
      ...env,
    };
    const options = { env: settings, timeout: 60_000, ...(signal && { signal }) };
    const child = execFile(program!, words, options, (error, out, log) => {
      if (error) return reject(new Error(`${error.message}\n${out}${log}`));
      const lines = log.split("\n").filter((line) => line.includes('{"event"'));
      assert.equal(lines.length, log.split("\n").filter(Boolean).length, log);
      resolve({ ...JSON.parse(out), log: lines.map((line) => JSON.parse(line.slice(line.indexOf("{")))) });
    });
    child.stdin!.end(JSON.stringify([lead, "192.0.2.7", "a browser", id ?? null]));
  });
}

for (const language of ["PHP", "Python"] as const) {
  const send = run.bind(undefined, language);
  const check = (name: string, run: (t: TestContext) => Promise<void>) => test(`${language}: ${name}`, run);

  check("stored once, however often it is sent, and the receipt is in the log", async (t) => {
    const server = await FastCore.start(t);
    const sent = await Promise.all([send(server.url), send(server.url), send(server.url)]);
    assert.deepEqual(sent.map((it) => it.status), ["stored", "stored", "stored"]);
    assert.equal(server.leads().length, 1);
    const line = sent[0]!.log[0]!;
    assert.equal(line.event, "lead_stored");
    server.run("audit", "verify", "--receipt", line.receipt!);
    assert.equal(server.lead(line.request_id!).message, LEAD.message);
    assert.equal(JSON.stringify(sent).includes("zoe@"), false, "nothing personal is in the log");
  });

  check("a server that is down at first gets the lead once it is up", async (t) => {
    const server = await FastCore.absent(t);
    const sent = send(server.url);
    await new Promise((later) => setTimeout(later, 1_000));
    await server.serve();
    assert.equal((await sent).status, "stored");
    assert.equal(server.leads().length, 1);
  });

  check("a response lost after the commit makes no second lead, and neither does a process that is killed", async (t) => {
    const server = await FastCore.start(t);
    const { url, seen } = await listen(t, (number, client) => {
      const socket = upstream(server, client);
      if (number > 2) return void socket.pipe(client);
      socket.once("data", (data) => client.write(data.subarray(0, number === 1 ? 0 : 150), () => client.destroy()));
    });
    assert.equal((await send(url)).status, "stored");
    assert.equal(seen.length, 3);
    const held = await holdBack(t, server);
    const lead = { ...LEAD, name: "Killed" };
    const kill = new AbortController();
    const killed = send(held.url, lead, undefined, {}, kill.signal);
    await held.stored;
    kill.abort();
    await assert.rejects(killed);
    held.pass();
    assert.equal((await send(held.url, lead)).status, "stored");
    assert.equal(server.leads().length, 2);
  });

  check("Retry-After is honoured, and a proxy's 502 is sent again", async (t) => {
    const server = await FastCore.start(t);
    const { url, seen } = await listen(t, (number, client) => {
      if (number === 1) answer("503 Service Unavailable\r\nretry-after: 2", "<hr>")(client);
      else if (number === 2) answer("502 Bad Gateway\r\nContent-Type: text/html", "<hr>")(client);
      else upstream(server, client).pipe(client);
    });
    assert.equal((await send(url)).status, "stored");
    assert.equal(seen.length, 3);
    assert.ok(seen[1]! - seen[0]! >= 2_000);
  });

  check("faults come back by field, and the correction has the same request_id", async (t) => {
    const server = await FastCore.start(t);
    const sent = await send(server.url, { ...LEAD, name: "J", email: "zoe" });
    assert.deepEqual([sent.status, sent.errors], ["kept", { name: "string_too_short", email: "value_error" }]);
    assert.equal((await send(server.url, LEAD, sent.request_id)).status, "stored");
    assert.equal(server.leads()[0]?.request_id, sent.request_id);
    // Changed once more: another lead, and not a conflict.
    assert.equal((await send(server.url, { ...LEAD, name: "Zoé" }, sent.request_id)).status, "stored");
    assert.equal(server.leads().length, 2);
  });

  check("a refusal that was kept is a message that we have", async (t) => {
    const detail = [{ loc: ["body", "email"], msg: "…", type: "value_error" }];
    const body = JSON.stringify({ ok: false, error: "validation_error", detail, kept: true });
    const { url } = await listen(t, (_, client) => answer("422 Unprocessable Entity", body)(client));
    const sent = await send(url);
    assert.deepEqual([sent.status, sent.errors], ["kept", { email: "value_error" }]);
  });

  check("a response that will not change is not sent for again, and logged with its status", async (t) => {
    for (const head of ["200 OK", "301 Moved\r\nLocation: /", "401 Unauthorized", "403 Forbidden", "404 Not Found", "413 Payload Too Large", "422 Unprocessable Entity"]) {
      const { url, seen } = await listen(t, (_, client) => answer(`${head}\r\nContent-Type: text/html`, "<h1>proxy")(client));
      const sent = await send(`${url}/base/`);
      assert.deepEqual([sent.status, seen.length], ["failed", 1], head);
      assert.equal(sent.log[0]?.cause, `${head.slice(0, 3)} not a response of FASTCore from ${url}/base/inbound/leads`);
    }
    const server = await FastCore.start(t);
    const sent = await send(server.url, LEAD, undefined, { FASTCORE_SITE_INGEST_TOKEN: "x".repeat(48) });
    assert.equal(sent.status, "failed");
    assert.match(sent.log[0]?.cause ?? "", /^401 unauthorized/);
  });

  check("a wrong setting is reported, and nothing is sent", async (t) => {
    const server = await FastCore.start(t);
    for (const wrong of [
      { FASTCORE_BASE_URL: "" },
      { FASTCORE_BASE_URL: "leads.example.com" },
      { FASTCORE_SITE_INGEST_TOKEN: "“abc”" },
      { FASTCORE_SITE_INGEST_TOKEN: '"abc"' },
      { FASTCORE_SITE_INGEST_TOKEN: "" },
      { CONTACT_HASH_KEY: "short" },
    ]) {
      const sent = await send(server.url, LEAD, undefined, wrong);
      assert.deepEqual([sent.status, sent.log[0]?.event], ["failed", "contact_not_set_up"], JSON.stringify(wrong));
      assert.match(sent.log[0]?.cause ?? "", new RegExp(Object.keys(wrong)[0]!));
    }
    assert.deepEqual(server.leads(), []);
  });
}

test("PHP: settings may be constants, as in WordPress's wp-config.php", async (t) => {
  const server = await FastCore.start(t);
  const wrong = { FASTCORE_BASE_URL: "", FASTCORE_SITE_INGEST_TOKEN: "", CONTACT_HASH_KEY: "" };
  const right = { FASTCORE_BASE_URL: server.url, FASTCORE_SITE_INGEST_TOKEN: TOKEN, CONTACT_HASH_KEY: "k".repeat(32) };
  const sent = await run("PHP", server.url, LEAD, undefined, { ...wrong, CONSTANTS: JSON.stringify(right) });
  assert.equal(sent.status, "stored");
});
