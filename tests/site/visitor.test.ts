// What keeps other sites, programs and floods away from the form.
import assert from "node:assert/strict";
import { test } from "node:test";
import { POST } from "./next/app/api/forms/contact/route";
import { clientNetwork } from "./next/lib/contact";
import { FastCore } from "./server";
import { form, kept, request, submit } from "./support";

async function post(body: BodyInit, headers: Record<string, string | undefined> = {}) {
  const began = performance.now();
  const answer = await POST(request(body, headers));
  return { status: answer.status, body: await answer.json(), ms: performance.now() - began };
}

test("pages of other sites and other types of content are refused", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  process.env.FASTCORE_BASE_URL = server.url;
  const body = JSON.stringify(form());
  for (const origin of [undefined, "null", "https://evil.invalid", "https://site.invalid.evil.invalid", "https://site.invalid:8443", "site.invalid"]) {
    assert.equal((await post(body, { origin })).status, 403, origin);
  }
  assert.equal((await post(body, { host: "upstream:3000", "x-forwarded-host": "evil.invalid" })).status, 403);
  assert.match(log.at(-1)?.cause ?? "", /^the page is of https:\/\/site.invalid, the site is evil.invalid: /);
  for (const type of [undefined, "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "application/jsonp"]) {
    assert.equal((await post(body, { "content-type": type ?? "" })).status, 415, type);
  }
  for (const body of ["", "{", "\0", "{'a': 1}"]) assert.equal((await post(body)).status, 400, body);
  for (const body of ["[]", "null", '"text"', "1", "{}"]) assert.equal((await post(body)).status, 422, body);
  assert.deepEqual(server.leads(), []);
  assert.equal((await post(body, { host: "upstream:3000", "x-forwarded-host": "site.invalid" })).status, 201);
  assert.equal((await post(body, { "content-type": "Application/JSON; charset=utf-8" })).status, 201);
});

test("a body over 64 KiB is refused without reading the rest", async () => {
  const chunk = new Uint8Array(16 * 1024).fill(120);
  let pulled = 0;
  const endless = () => new ReadableStream({ pull: (it) => (pulled++, it.enqueue(chunk)) }, { highWaterMark: 0 });
  assert.equal((await post(endless())).status, 413);
  assert.ok(pulled <= 6, `${pulled} chunks were read`);
  pulled = 0;
  assert.equal((await post(endless(), { "content-length": "60000000" })).status, 413);
  assert.equal(pulled, 0);
  assert.equal((await post("x".repeat(65_536))).status, 400);
  assert.equal((await post("x".repeat(65_537))).status, 413);
});

test("an anonymous request of 64 kB takes no time in any field", async () => {
  const texts = ["@", "@.", ".@", "a@", " ", "\u00a0x", "x ", "\ud800", "-", "a.", "\0", "é"];
  for (const field of ["name", "email", "phone", "company", "service", "message", "request_id", "website"]) {
    for (const piece of texts) {
      const times = 60_000 / (Buffer.byteLength(JSON.stringify(piece)) - 2);
      const body = JSON.stringify(form({ consent: false, [field]: piece.repeat(times) }));
      const { status, ms } = await post(body);
      assert.equal(status, 422, `${field} ${piece}`);
      assert.ok(ms < 250, `${field} of ${JSON.stringify(piece)}: ${ms} ms`);
    }
  }
});

test("a program that fills in the honeypot is told, and nothing is sent", async (t) => {
  const server = await FastCore.start(t);
  kept(t);
  const lead = form();
  assert.deepEqual((await submit({ ...lead, website: "https://spam.invalid" }, server.url)).body.status, "spam");
  assert.deepEqual(server.leads(), []);
  assert.equal((await submit({ ...lead, website: "" }, server.url)).status, 201);
});

test("the eleventh message of a network in ten minutes is refused, however the address is written", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  const ways = ["2001:db8::7", "2001:DB8:0:0::8", "[2001:0db8::9]:4711", "9.9.9.9, 2001:db8::a", "2001:db8::ffff:192.0.2.1"];
  for (let number = 0; number < 10; number++) {
    const address = { "x-forwarded-for": ways[number % ways.length]! };
    assert.equal((await submit(form(), server.url, address)).status, 201, address["x-forwarded-for"]);
  }
  const one = { "x-forwarded-for": "203.0.113.99, 2001:db8::1234" };
  const refused = await submit(form(), server.url, one);
  assert.deepEqual([refused.status, refused.body.status, refused.headers.get("retry-after")], [429, "limited", "600"]);
  assert.equal((await submit(form(), server.url, one)).status, 429);
  assert.equal(log.filter((it) => it.event === "contact_limited").length, 1, "one line, not one for each message");
  assert.equal((await submit(form({ name: "" }), server.url, one)).status, 422, "a fault is not counted");
  assert.equal((await submit(form(), server.url, { "x-forwarded-for": "2001:db8:0:1::7" })).status, 201, "another network");
  const hashes = new Set(server.details().map((it) => it.ip_hash));
  assert.equal(hashes.size, 2);
});

test("without a known address nobody is limited, and the log says so", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  for (let number = 0; number < 12; number++) {
    assert.equal((await submit(form(), server.url, { "x-forwarded-for": "unknown" })).status, 201);
  }
  assert.equal(log[0]?.event, "contact_address_unknown");
});

test("the visitor's network is the entry that the outermost known proxy appended", () => {
  const rows: [header: string | null, proxies: number, network: string | undefined][] = [
    ["192.0.2.7", 1, "192.0.2.7"],
    ["9.9.9.9, 192.0.2.7", 1, "192.0.2.7"],
    ["9.9.9.9, 192.0.2.7, 10.0.0.1", 2, "192.0.2.7"],
    ["192.0.2.7:54321", 1, "192.0.2.7"],
    [" 192.0.2.7 ", 1, "192.0.2.7"],
    ["::ffff:192.0.2.7", 1, "192.0.2.7"],
    ["[::ffff:c000:207]:80", 1, "192.0.2.7"],
    ["2001:db8::1", 1, "2001:db8:0:0"],
    ["2001:DB8:0000::0:1", 1, "2001:db8:0:0"],
    ["[2001:db8::1]", 1, "2001:db8:0:0"],
    ["[2001:db8::1]:443", 1, "2001:db8:0:0"],
    ["2001:db8:1:2:3:4:5:6", 1, "2001:db8:1:2"],
    ["::1", 1, "0:0:0:0"],
    ["fe80::1%eth0", 1, "fe80:0:0:0"],
    ["2001:db8:1:2::", 1, "2001:db8:1:2"],
    ["192.0.2.7", 2, undefined],
    ["", 1, undefined],
    [null, 1, undefined],
    ["unknown", 1, undefined],
    ["_hidden", 1, undefined],
    ["192.0.2.7.8", 1, undefined],
    ["2001:db8::1::2", 1, undefined],
  ];
  for (const [header, proxies, network] of rows) assert.equal(clientNetwork(header, proxies), network, `${header}`);
});
