// The route of docs/site-integration.md against the built binary: a lead is stored once, whatever goes wrong on the way.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { answer, listen, upstream } from "./relay";
import { FastCore } from "./server";
import { form, kept, set, storedOnce, submit } from "./support";

test("the first attempt is stored, and its receipt kept", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  assert.deepEqual(await submit(form(), server.url).then((it) => [it.status, it.body]), [201, { status: "stored" }]);
  storedOnce(server, log);
  assert.equal(JSON.stringify(log).includes("jean@"), false, "nothing personal is in the log");
});

test("a server that is down at first gets the lead once it is up", async (t) => {
  const server = await FastCore.absent(t);
  const log = kept(t);
  const sent = submit(form(), server.url);
  await new Promise((later) => setTimeout(later, 700));
  await server.serve();
  assert.equal((await sent).status, 201);
  storedOnce(server, log);
});

for (const [what, part] of [["before its first byte", 0], ["in its middle", 0.5]] as const) {
  test(`a response lost after the commit, ${what}, makes no second lead`, async (t) => {
    const server = await FastCore.start(t);
    const log = kept(t);
    const { url, seen } = await listen(t, (number, client) => {
      const socket = upstream(server, client);
      if (number > 1) return void socket.pipe(client);
      // The server answers after the commit: the lead is stored, and the site does not hear of it.
      socket.once("data", (data) => client.write(data.subarray(0, data.length * part), () => client.destroy()));
    });
    assert.equal((await submit(form(), url)).status, 201);
    assert.equal(seen.length, 2, "it was sent again");
    storedOnce(server, log);
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
  const { url, seen } = await listen(t, (_, client) => {
    upstream(server, client).once("data", (data) => {
      if (data.toString().startsWith("HTTP/1.1 503")) locker.stdin.end("ROLLBACK;\n");
      // One connection an attempt, so that they can be counted.
      client.end(data);
    });
  });
  assert.equal((await submit(form(), url)).status, 201);
  assert.equal(seen.length, 2);
  storedOnce(server, log);
});

test("Retry-After is honoured, and a proxy's 502 is sent again", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  const { url, seen } = await listen(t, (number, client) => {
    if (number === 1) answer("503 Service Unavailable\r\nRetry-After: 2", "<hr>")(client);
    else if (number === 2) answer("502 Bad Gateway\r\nContent-Type: text/html", "<hr>")(client);
    else upstream(server, client).pipe(client);
  });
  assert.equal((await submit(form(), url)).status, 201);
  assert.equal(seen.length, 3);
  const [first, second] = seen as [number, number];
  assert.ok(second - first >= 2_000, `it waited ${second - first} ms`);
  storedOnce(server, log);
});

test("it gives up after a while and says why, and sending again is safe", async (t) => {
  const server = await FastCore.absent(t);
  const log = kept(t);
  const lead = form();
  set(t, { FASTCORE_PATIENCE_MS: "1500" });
  const given = await submit(lead, server.url);
  assert.deepEqual([given.status, given.body.status], [503, "unavailable"]);
  assert.ok(given.headers.get("retry-after"));
  assert.equal(log[0]?.event, "lead_unavailable");
  assert.match(log[0]?.cause ?? "", /ECONNREFUSED/);
  await server.serve();
  const again = { ...lead, request_id: given.body.request_id };
  assert.equal((await submit(again, server.url)).status, 201);
  assert.equal((await submit(again, server.url)).status, 201, "a second click is no second lead");
  assert.equal((await submit(lead, server.url)).status, 201, "nor is one from a page that was reloaded");
  storedOnce(server, log);
  assert.equal(server.leads()[0]?.request_id, given.body.request_id);
});

test("a message changed after an attempt that was stored is another lead, and an erased one may come again", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  const lead = form();
  assert.equal((await submit(lead, server.url)).status, 201);
  const { request_id } = server.leads()[0]!;
  const changed = { ...form(), request_id };
  assert.equal((await submit(changed, server.url)).status, 201);
  assert.equal((await submit(changed, server.url)).status, 201);
  assert.equal(server.leads().length, 2);
  server.run("gdpr", "erase", "--email", lead.email, "--reason", "request", "--yes");
  assert.equal(server.leads().length, 0);
  assert.equal((await submit(lead, server.url)).status, 201);
  assert.equal((await submit(lead, server.url)).status, 201);
  assert.equal(server.leads().length, 1);
  assert.equal(log.filter((it) => it.event !== "lead_stored").length, 0);
});

test("two clicks at the same moment make one lead", async (t) => {
  const server = await FastCore.start(t);
  const log = kept(t);
  const lead = form();
  const sent = await Promise.all(Array.from({ length: 5 }, () => submit(lead, server.url)));
  assert.deepEqual(sent.map((it) => it.status), [201, 201, 201, 201, 201]);
  storedOnce(server, log);
});

test("a refused submission that was kept is a message that we have", async (t) => {
  kept(t);
  const json = "422 Unprocessable Entity\r\nContent-Type: application/json";
  const fault = (...loc: string[]) => ({ loc: ["body", ...loc], msg: "…", type: "value_error" });
  const refusal = (detail: unknown, more = {}) =>
    answer(json, JSON.stringify({ ok: false, error: "validation_error", detail, ...more }));
  const cases = [
    [[fault("email")], { kept: true }, 202, "kept", ["email"]],
    [[fault("meta", "source")], { kept: true }, 202, "kept", []],
    [[fault("email")], {}, 422, "invalid", ["email"]],
    [[fault("meta", "source")], {}, 502, "failed", []],
  ] as const;
  for (const [detail, more, status, state, fields] of cases) {
    const { url, seen } = await listen(t, (_, client) => refusal(detail, more)(client));
    const given = await submit(form(), url);
    assert.deepEqual([given.status, given.body.status, Object.keys(given.body.errors)], [status, state, fields]);
    assert.match(given.body.request_id, /^[0-9a-f-]{36}$/, "a correction has the same request_id");
    assert.equal(seen.length, 1);
  }
});
