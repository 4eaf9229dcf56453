// The route handler of docs/site-integration.md against the built binary: what a visitor sees, and what is stored.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer, type AddressInfo, type Server, Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { LeadForm } from "./lead-schema";
import { POST } from "./route";
import { FastCore, TOKEN } from "./server";

process.env.FASTCORE_SITE_INGEST_TOKEN = TOKEN;
process.env.CONTACT_HASH_KEY = "a key of the tests";

const form = (changed: object = {}) => ({
  name: "Jean Dupont",
  email: "jean@example.com",
  phone: "",
  service: "diagnostic",
  message: "Mon compresseur ne démarre plus depuis hier",
  consent: true,
  request_id: randomUUID(),
  ...changed,
});

/** What the page does: sends the form, and reads the answer. */
async function submit(body: unknown, url: string) {
  process.env.FASTCORE_BASE_URL = url;
  const answer = await POST(
    new Request("https://site.invalid/api/contact", {
      method: "POST",
      headers: { "user-agent": "a browser", "x-forwarded-for": "192.0.2.7, 10.0.0.1" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );
  return { status: answer.status, body: await answer.json(), headers: answer.headers };
}

/** The site's log during a test: what it keeps. */
function kept(t: TestContext): Record<string, string>[] {
  const lines: Record<string, string>[] = [];
  const keep = (line: string) => void lines.push(JSON.parse(line));
  t.mock.method(console, "info", keep);
  t.mock.method(console, "error", keep);
  return lines;
}

/** A relay before the server that treats each connection as it is told, by its number. */
async function relay(
  t: TestContext,
  server: FastCore,
  treat: (number: number, client: Socket, upstream: () => Socket) => boolean,
) {
  const seen: number[] = [];
  const open = new Set<Socket>();
  const listener: Server = createServer((client) => {
    open.add(client);
    client.on("error", () => {});
    seen.push(Date.now());
    const upstream = () => {
      const socket = new Socket();
      open.add(socket);
      socket.on("error", () => client.destroy());
      return socket.connect(server.port, "127.0.0.1");
    };
    if (treat(seen.length, client, upstream)) return;
    const socket = upstream();
    client.pipe(socket).pipe(client);
  }).listen(0, "127.0.0.1");
  await new Promise((ready) => listener.once("listening", ready));
  t.after(() => {
    for (const socket of open) socket.destroy();
    listener.close();
  });
  return { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`, seen };
}

/** Nothing is left to chance: the lead is there once, and its receipt proves it. */
function storedOnce(server: FastCore, log: Record<string, string>[], requestId: string) {
  assert.deepEqual(server.leads().map((lead) => lead.request_id), [requestId]);
  const receipt = log.find((line) => line.event === "lead_stored")?.receipt;
  assert.ok(receipt, "the receipt is kept");
  server.run("audit", "verify", "--receipt", receipt);
}

test("the first try is stored, and its receipt kept", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  const lead = form();
  const answer = await submit(lead, server.url);
  assert.equal(answer.status, 201);
  assert.match(answer.body.leadId, /^[0-9a-f-]{36}$/);
  storedOnce(server, log, lead.request_id);
  assert.equal(JSON.stringify(log).includes("jean@"), false, "nothing personal is in the log");
});

test("a server that is down at first gets the lead once it is up", async (t) => {
  const server = await FastCore.absent(t);
  const log = kept(t);
  const lead = form();
  const sent = submit(lead, server.url);
  await new Promise((later) => setTimeout(later, 700));
  await server.serve();
  assert.equal((await sent).status, 201);
  storedOnce(server, log, lead.request_id);
});

for (const [what, part] of [["before its first byte", 0], ["in its middle", 0.5]] as const) {
  test(`an answer lost after the commit, ${what}, makes no second lead`, async (t) => {
    const server = await FastCore.start(t);
    const log = kept(t);
    const { url, seen } = await relay(t, server, (number, client, upstream) => {
      if (number > 1) return false;
      const socket = upstream();
      client.pipe(socket);
      // The server answers after the commit: the lead is stored, and the site does not hear of it.
      socket.once("data", (answer) => {
        client.write(answer.subarray(0, answer.length * part), () => client.destroy());
      });
      return true;
    });
    const lead = form();
    assert.equal((await submit(lead, url)).status, 201);
    assert.equal(seen.length, 2, "it was sent again");
    storedOnce(server, log, lead.request_id);
    assert.match(server.run("audit", "list"), /LEAD_DUPLICATE/);
  });
}

test("a 503 of the server is waited out, as long as it asks for", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  // Another process keeps the database locked: the server answers 503 with Retry-After.
  const locker = spawn("sqlite3", ["fastcore.db"], { cwd: server.folder });
  t.after(() => locker.kill());
  locker.stdin.write("BEGIN IMMEDIATE;\nSELECT 'locked';\n");
  await new Promise((locked) => locker.stdout.once("data", locked));
  const { url, seen } = await relay(t, server, (_, client, upstream) => {
    const socket = upstream();
    client.pipe(socket);
    socket.on("data", (answer) => {
      if (answer.toString().startsWith("HTTP/1.1 503")) locker.stdin.end("ROLLBACK;\n");
      client.write(answer);
      client.once("drain", () => socket.resume());
      // One connection a try, so that the tries can be counted.
      client.end();
    });
    return true;
  });
  const lead = form();
  assert.equal((await submit(lead, url)).status, 201);
  assert.equal(seen.length, 2);
  storedOnce(server, log, lead.request_id);
});

test("Retry-After is honoured, and a proxy's error page is no answer", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  const pages = [
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\n",
    "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n",
  ];
  const { url, seen } = await relay(t, server, (number, client) => {
    const page = pages[number - 1];
    if (!page) return false;
    client.once("data", () => client.end(`${page}Content-Length: 4\r\nConnection: close\r\n\r\n<hr>`));
    return true;
  });
  const lead = form();
  assert.equal((await submit(lead, url)).status, 201);
  assert.equal(seen.length, 3);
  const [first, second] = seen as [number, number];
  assert.ok(second - first >= 2_000, `it waited ${second - first} ms`);
  storedOnce(server, log, lead.request_id);
});

test("it gives up after a while, and the next try with the same form is safe", async (t) => {
  const server = await FastCore.absent(t);
  const log = kept(t);
  const lead = form();
  process.env.FASTCORE_PATIENCE_MS = "1500";
  t.after(() => delete process.env.FASTCORE_PATIENCE_MS);
  const answer = await submit(lead, server.url);
  assert.deepEqual([answer.status, answer.body.error], [503, "unavailable"]);
  assert.ok(answer.headers.get("retry-after"));
  assert.deepEqual([log[0]?.event, log[0]?.request_id], ["lead_unknown", lead.request_id]);
  await server.serve();
  delete process.env.FASTCORE_PATIENCE_MS;
  assert.equal((await submit(lead, server.url)).status, 201);
  assert.equal((await submit(lead, server.url)).status, 201, "a second click is no second lead");
  storedOnce(server, log, lead.request_id);
});

test("faults are shown field by field, the schema's and the server's", async (t) => {
  const server = await FastCore.start(t);
  kept(t);
  const wrong = form({ name: " J ", email: "jean", message: "court", consent: "yes" });
  const answer = await submit(wrong, server.url);
  assert.equal(answer.status, 422);
  assert.deepEqual(answer.body.errors, {
    name: "This needs at least 2 characters.",
    email: "This is not an e-mail address.",
    message: "This needs at least 20 characters.",
    consent: "This should be true or false.",
  });
  // What no regular expression knows: the server's own sentence, at its field.
  const address = await submit(form({ email: "jean@-example.com" }), server.url);
  assert.equal(address.status, 422);
  assert.deepEqual(Object.keys(address.body.errors), ["email"]);
  assert.match(address.body.errors.email, /valid email address/);
  for (const body of ["", "{", "[]", "null", '"text"']) {
    assert.equal((await submit(body, server.url)).status, 422, body);
  }
  assert.deepEqual(server.leads(), []);
});

test("another message under a used request_id is a conflict, a wrong token a defect", async (t) => {
  const server = await FastCore.start(t);
  kept(t);
  const lead = form();
  assert.equal((await submit(lead, server.url)).status, 201);
  const other = { ...lead, message: "Another message of more than twenty characters" };
  assert.equal((await submit(other, server.url)).status, 409);
  process.env.FASTCORE_SITE_INGEST_TOKEN = "x".repeat(48);
  t.after(() => (process.env.FASTCORE_SITE_INGEST_TOKEN = TOKEN));
  assert.equal((await submit(form(), server.url)).status, 502);
});

/** Texts at every edge of the rules; in each field, schema and server must agree. */
const TEXTS = [
  "", " ", "\u0085", "\ufeff", "a", "ab", " ab\n", "\ta b\u3000", "\u0085ab\u2028", "a\tb", "a\nb",
  "a\u2028b", "a\u0085b", "a\u0000b", "\u0000", "a\u007fb", "a\u200bb", "\ud800ab", "ab\udfff", "🚗", "🚗🚗",
  "ponts", " autre ", "Ponts", "e\u0301", "a\r\nb", "x".repeat(19), "x\n".repeat(10), "🚗".repeat(20),
  ...[19, 20, 30, 31, 80, 81, 120, 121, 2000, 2001].flatMap((n) => ["é".repeat(n), "🚗".repeat(n), ` ${"x".repeat(n)} `]),
  randomUUID(), randomUUID().toUpperCase(), ` ${randomUUID()} `,
  randomUUID().replaceAll("-", ""), `{${randomUUID()}}`,
];
const OTHERS = [null, undefined, true, false, 0, 1, [], {}, ["ab"]];
const ADDRESSES = [
  "jean@example.com", " jean@example.com\n", "JEAN@EXAMPLE.COM", "é@exämple.fr", "a@例。jp", "a@b.c", "a b@c.de",
  "jean@localhost", "@example.com", "jean@", "a@b@c.de", `${"x".repeat(64)}@example.com`, "jean@example.com\u0000",
  `${"x".repeat(50)}@${"d".repeat(57)}.example.com`, `${"x".repeat(50)}@${"d".repeat(58)}.example.com`,
];

test("the schema takes what the server takes, and keeps what the server keeps", async (t) => {
  const server = await FastCore.start(t);
  const post = (lead: Record<string, unknown>) => {
    const { request_id, ...rest } = lead;
    const meta = { source: "test", request_id, ip_hash: "x", timestamp_utc: "2026-01-03T10:30:45Z" };
    return fetch(`${server.url}/inbound/leads`, {
      method: "POST",
      headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
      body: JSON.stringify({ ...rest, meta }),
    });
  };
  let compared = 0;
  for (const field of Object.keys(LeadForm.shape)) {
    const values = [...TEXTS, ...OTHERS, ...(field === "email" ? ADDRESSES : [])];
    for (const value of values) {
      const lead = form({ [field]: value });
      const parsed = LeadForm.safeParse(lead);
      const status = (await post(lead)).status;
      const what = `${field} = ${JSON.stringify(value)?.slice(0, 80)}: ${status}`;
      // The server knows more of addresses than the schema: it may refuse what the schema takes.
      const agreed = field === "email" && status === 422 ? true : parsed.success === (status === 201);
      assert.ok(agreed, `${what}, the schema ${parsed.success ? "takes" : "refuses"} it`);
      // A replay and not a conflict: what the schema makes of it is what the server stored.
      if (parsed.success && status === 201) assert.equal((await post(parsed.data)).status, 200, what);
      compared++;
    }
  }
  assert.ok(compared > 500);
});
