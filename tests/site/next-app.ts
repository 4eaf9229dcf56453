// The built app as a whole: its setup, its limits and its look. With SCREENSHOTS, a folder, it takes pictures.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FILLED, fill, LEAD, notice, open, send, Site, values, WRONG } from "./next-site";
import { FastCore } from "./server";

test("the page in the browser's console and in its HTML has nothing to complain of", async (t) => {
  const server = await FastCore.start(t);
  const site = await Site.start(t, server);
  const html = await (await fetch(`${site.url}/contact`)).text();
  assert.match(html, /<form[^>]* method="POST"/i, "without JavaScript it is a POST");
  assert.equal(html, await (await fetch(`${site.url}/contact`)).text(), "it is made in advance: no visitor's id is in it");
  assert.match(html, /name="request_id" value=""/);
  const said: string[] = [];
  const page = await open(t, `${site.url}/`);
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  await page.goto(`${site.url}/contact`);
  await fill(page);
  await send(page);
  await notice(page, "stored");
  assert.deepEqual(said, []);
});

test("a wrong setup is in the log at the start, the other pages work, and the form says that it is not the visitor's fault", async (t) => {
  const site = await Site.start(t, { url: "leads.example.com" }, { FASTCORE_SITE_INGEST_TOKEN: "“abc”" });
  const page = await open(t, `${site.url}/contact`);
  const [line] = site.events("contact_not_set_up");
  assert.match(line?.cause ?? "", /FASTCORE_BASE_URL is not valid.*FASTCORE_SITE_INGEST_TOKEN is not valid/);
  await fill(page);
  await send(page);
  assert.match((await notice(page, "failed")) ?? "", /par notre faute/);
  assert.deepEqual(await values(page), FILLED);
});

test("pages of another origin, large bodies and forged calls are refused by both entrances", async (t) => {
  const server = await FastCore.start(t);
  const site = await Site.start(t, server);
  const json = { "Content-Type": "application/json" };
  const post = (to: string, headers: Record<string, string>, body: BodyInit) =>
    fetch(`${site.url}${to}`, { method: "POST", headers, body, duplex: "half" } as RequestInit);
  assert.equal((await post("/api/forms/contact", json, "{}")).status, 403);
  assert.equal((await post("/api/forms/contact", { ...json, origin: site.url }, "{}")).status, 422);

  const html = await (await fetch(`${site.url}/contact`)).text();
  const hidden = [...html.matchAll(/<input type="hidden" name="(\$[^"]+)"(?: value="([^"]*)")?/g)];
  assert.ok(hidden.length > 1, "the fields of the action");
  const form = (message: string) => {
    const all = new FormData();
    for (const [, name, value] of hidden) all.set(name!, (value ?? "").replaceAll("&quot;", '"'));
    for (const [name, value] of Object.entries({ ...LEAD, consent: "on", message })) all.set(name, value);
    return new Response(all).text();
  };
  const multipart = (text: string) => `multipart/form-data; boundary=${text.slice(2, text.indexOf("\r\n"))}`;

  // 60 MB must cost neither time nor memory: the rest of a body that is too large is not read.
  const before = site.memory();
  const start = (await form("<here>")).split("<here>")[0]!;
  for (const [to, type, begin, expected] of [
    ["/api/forms/contact", "application/json", '{"message": "', 413],
    ["/contact", multipart(start), start, 500],
  ] as const) {
    let sent = 0;
    const chunk = new Uint8Array(60_000).fill(120);
    const body = new ReadableStream({
      start: (it) => it.enqueue(new TextEncoder().encode(begin)),
      pull: (it) => (sent++ < 1_000 ? it.enqueue(chunk) : it.close()),
    });
    const headers = { "content-type": type, origin: site.url };
    // The connection may be closed before the response is read.
    const status = await post(to, headers, body).then((it) => it.status, () => expected);
    assert.equal(status, expected, to);
    assert.ok(sent < 300, `${to}: ${sent} of 1,000 chunks were sent`);
  }
  assert.ok(site.memory() - before < 100_000, `${before} kB, then ${site.memory()} kB`);

  const filled = await form(LEAD.message);
  const call = (origin: string) => post("/contact", { "content-type": multipart(filled), origin }, filled);
  assert.ok((await call("https://evil.invalid")).status >= 400);
  assert.equal(server.leads().length, 0);
  assert.equal((await call(site.url)).status, 200);
  assert.equal(server.leads().length, 1);
});

test("many messages of one visitor are limited, and others are not", async (t) => {
  const server = await FastCore.start(t);
  const site = await Site.start(t, server);
  const page = await open(t, `${site.url}/contact`);
  for (let number = 0; number < 10; number++) {
    await page.goto(`${site.url}/contact`);
    await fill(page, { message: `Un message de plus de vingt caractères ${number}` });
    await send(page);
    await notice(page, "stored");
  }
  await page.goto(`${site.url}/contact`);
  await fill(page);
  await send(page);
  assert.match((await notice(page, "limited")) ?? "", /dix minutes/);
  assert.deepEqual(await values(page), FILLED);
  const other = await open(t, `${site.url}/contact`);
  await fill(other);
  await send(other);
  await notice(other, "stored");
});

test("pictures", { skip: !process.env.SCREENSHOTS }, async (t) => {
  const server = await FastCore.start(t);
  const site = await Site.start(t, server);
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 390]) {
      const page = await open(t, `${site.url}/contact`, { colorScheme, viewport: { width, height: 900 } });
      // The site's own colours, which the form follows.
      await page.addStyleTag({ content: ":root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }" });
      const shoot = (name: string) =>
        page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-${colorScheme}-${width}.png`, fullPage: true });
      await shoot("empty");
      await fill(page, WRONG);
      await page.locator("[name=consent]").uncheck();
      await send(page);
      await notice(page, "invalid");
      await shoot("faults");
      await fill(page);
      await send(page);
      await notice(page, "stored");
      await shoot("stored");
    }
  }
});
