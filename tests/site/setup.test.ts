// A wrong setup is reported with its cause, at once, and never looks like an outage.
import assert from "node:assert/strict";
import { test } from "node:test";
import { settings } from "./next/lib/fastcore";
import { answer, listen } from "./relay";
import { FastCore } from "./server";
import { form, kept, set, submit } from "./support";

const WRONG: [name: string, values: (string | undefined)[]][] = [
  ["FASTCORE_BASE_URL", [undefined, "", " ", "inbox.example.com", "http//leads", "ftp://leads", "https://a:b@leads", "https://leads/?x=1", "https://leads/#x"]],
  ["FASTCORE_SITE_INGEST_TOKEN", [undefined, "", "“abcdef”", "‘abcdef’", '"abcdef"', "'abcdef'", "abc def", "abc\ndef", "abcdéf"]],
  ["CONTACT_HASH_KEY", [undefined, "", "too short"]],
  ["CONTACT_PROXIES", ["0", "-1", "two", "1.5", "10"]],
  ["FASTCORE_PATIENCE_MS", ["0", "soon", "1e4", "9999999", "-5"]],
];

test("each wrong setting is named, and nothing is sent", async (t) => {
  const server = await FastCore.start(t);
  for (const [name, values] of WRONG) {
    for (const value of values) {
      await t.test(`${name}=${JSON.stringify(value)}`, async (t) => {
        const log = kept(t);
        set(t, { FASTCORE_BASE_URL: server.url, [name]: value });
        assert.throws(settings, new RegExp(`^Error: ${name} is not (set|valid); it takes [^;]+$`));
        const url = name === "FASTCORE_BASE_URL" ? value : server.url;
        const began = Date.now();
        const given = await submit(form(), url as string);
        assert.deepEqual([given.status, given.body.status], [502, "failed"]);
        assert.ok(Date.now() - began < 500);
        assert.equal(log[0]?.event, "contact_not_set_up");
        assert.match(log[0]?.cause ?? "", new RegExp(name));
        assert.ok(!value || value.length < 6 || !log[0]?.cause?.includes(value), "no value is logged");
      });
    }
  }
  assert.deepEqual(server.leads(), []);
});

test("all wrong settings are named at once, and a token file's last line break is no fault", (t) => {
  set(t, { FASTCORE_BASE_URL: undefined, CONTACT_HASH_KEY: undefined });
  assert.throws(settings, /FASTCORE_BASE_URL .*; CONTACT_HASH_KEY /);
  set(t, { FASTCORE_BASE_URL: "https://example.com", CONTACT_HASH_KEY: "k".repeat(32), FASTCORE_SITE_INGEST_TOKEN: "abc\n" });
  assert.equal(settings().token, "abc");
});

test("the path of the base URL is kept", async (t) => {
  const paths = [["", "/"], ["/", "/"], ["/leads", "/leads/"], ["/leads/", "/leads/"], ["/a/b", "/a/b/"]];
  for (const [path, kept] of paths) {
    set(t, { FASTCORE_BASE_URL: `https://example.com${path}` });
    assert.equal(settings().endpoint.href, `https://example.com${kept}inbound/leads`);
  }
});

const HTML = "Content-Type: text/html";
const RESPONSES: [head: string, body: string, cause: RegExp][] = [
  [`401 Unauthorized\r\n${HTML}`, "<h1>Sign in", /^401 not a response of FASTCore \(text\/html\) from http:.*\/inbound\/leads$/],
  [`403 Forbidden\r\n${HTML}`, "<h1>Forbidden", /^403 not a response/],
  [`404 Not Found\r\n${HTML}`, "<h1>nginx", /^404 not a response/],
  [`405 Method Not Allowed`, "", /^405 not a response of FASTCore \(no type\)/],
  [`413 Payload Too Large\r\n${HTML}`, "<h1>nginx", /^413 not a response/],
  [`200 OK\r\n${HTML}`, "<h1>It works!", /^200 not a response/],
  [`200 OK\r\nContent-Type: application/json`, "{}", /^200 not a response of FASTCore \(application\/json\)/],
  [`301 Moved Permanently\r\nLocation: https://elsewhere.invalid/`, "", /^301 .*https:\/\/elsewhere.invalid\//],
  [`422 Unprocessable Entity\r\n${HTML}`, "<h1>WAF", /^422 not a response/],
];

test("a response that will not change is not sent for again, and logged with its status", async (t) => {
  for (const [head, body, cause] of RESPONSES) {
    await t.test(head.split("\r\n")[0], async (t) => {
      const log = kept(t);
      const { url, seen } = await listen(t, (_, client) => answer(head, body)(client));
      const given = await submit(form(), url);
      assert.deepEqual([given.status, given.body.status, seen.length], [502, "failed", 1]);
      assert.equal(log[0]?.event, "lead_failed");
      assert.match(log[0]?.cause ?? "", cause);
    });
  }
});

test("a wrong token is FASTCore's 401, and a wrong path its 404", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  assert.equal((await submit(form(), `${server.url}/fastcore`)).status, 502);
  assert.match(log[0]?.cause ?? "", /^404 not_found/);
  set(t, { FASTCORE_SITE_INGEST_TOKEN: "x".repeat(48) });
  assert.equal((await submit(form(), server.url)).status, 502);
  assert.match(log[1]?.cause ?? "", /^401 unauthorized, Invalid token from http/);
  assert.equal(JSON.stringify(log).includes("xxxx"), false);
});

test("408, 429 and 5xx are sent again, and the last one is logged", async (t) => {
  set(t, { FASTCORE_PATIENCE_MS: "1000" });
  for (const status of [408, 429, 500, 502, 503, 504]) {
    const log = kept(t);
    const { url, seen } = await listen(t, (_, client) => answer(`${status} Passing\r\n${HTML}`, "<hr>")(client));
    assert.equal((await submit(form(), url)).status, 503);
    assert.ok(seen.length >= 2, `${status}: ${seen.length}`);
    assert.match(log[0]?.cause ?? "", new RegExp(`^${status} not a response`));
    t.mock.restoreAll();
  }
});
