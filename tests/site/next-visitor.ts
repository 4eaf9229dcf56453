// The contact page in Chromium, with and without JavaScript: what a visitor sees, and what is stored.
import assert from "node:assert/strict";
import { test } from "node:test";
import { faults, FILLED, fill, LEAD, notice, open, send, Site, values, WRONG } from "./next-site";
import { holdBack } from "./relay";
import { FastCore } from "./server";

const FAULTS = {
  fr: {
    "name-fault": "Il faut au moins 2 caractères.",
    "email-fault": "Ce n’est pas une adresse e-mail valable.",
    "phone-fault": "Il faut au plus 30 caractères.",
    "company-fault": "Il faut au plus 120 caractères.",
    "message-fault": "Il faut au moins 20 caractères.",
    "consent-fault": "Sans votre accord, nous ne pouvons pas vous répondre.",
  },
  en: {
    "name-fault": "This needs at least 2 characters.",
    "email-fault": "This is not a valid e-mail address.",
    "phone-fault": "This may have at most 30 characters.",
    "company-fault": "This may have at most 120 characters.",
    "message-fault": "This needs at least 20 characters.",
    "consent-fault": "Without your consent we cannot answer you.",
  },
};

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";
  const options = { javaScriptEnabled };

  test(`${how}: sent, stored, and the receipt in the log`, async (t) => {
    const server = await FastCore.start(t);
    const site = await Site.start(t, server);
    const page = await open(t, `${site.url}/contact`, options);
    await fill(page);
    await send(page);
    assert.match((await notice(page, "stored")) ?? "", /^Merci/);
    const [lead, ...more] = server.leads();
    assert.deepEqual([lead?.name, more.length], [LEAD.name, 0]);
    assert.equal(server.lead(lead!.request_id).message, LEAD.message, "line breaks are the same");
    server.run("audit", "verify", "--receipt", site.events("lead_stored")[0]!.receipt!);
    assert.equal(page.url(), `${site.url}/contact`, "nothing of it is in the address");
  });

  for (const lang of ["fr", "en"] as const) {
    test(`${how}: each fault is at its field, in ${lang}, and what was typed stays`, async (t) => {
      const server = await FastCore.start(t);
      const site = await Site.start(t, server);
      const page = await open(t, `${site.url}${lang === "fr" ? "" : "/en"}/contact`, options);
      await fill(page, WRONG);
      await page.locator("[name=consent]").uncheck();
      await send(page);
      await notice(page, "invalid");
      assert.deepEqual(await faults(page), FAULTS[lang]);
      assert.deepEqual(await values(page), { ...WRONG, service: "compresseurs" });
      assert.equal(await page.locator("#email").getAttribute("aria-describedby"), "email-fault");
      const look = (of: string) => page.locator(of).evaluate((it) => [getComputedStyle(it).borderTopWidth, getComputedStyle(it).color]);
      assert.equal((await look("#name"))[0], "1px", "the style is applied");
      assert.notEqual((await look("#name-fault"))[1], (await look("#name"))[1], "faults have their own colour");
      if (javaScriptEnabled) assert.equal(await page.evaluate(() => document.activeElement?.id), "name");
      // What only FASTCore knows is shown in the same way.
      await fill(page, { email: "jean@-example.com" });
      await send(page);
      await page.locator("#name:not([aria-invalid])").waitFor();
      assert.deepEqual(Object.keys(await faults(page)), ["email-fault"]);
      assert.deepEqual(await values(page), { ...FILLED, email: "jean@-example.com" });
      await fill(page);
      await send(page);
      await notice(page, "stored");
      assert.equal(server.leads().length, 1);
    });
  }

  test(`${how}: the server is down and comes back`, async (t) => {
    const server = await FastCore.absent(t);
    const site = await Site.start(t, server, { FASTCORE_PATIENCE_MS: "1000" });
    const page = await open(t, `${site.url}/contact`, options);
    await fill(page);
    await send(page);
    assert.match((await notice(page, "unavailable")) ?? "", /^Nous ne savons pas/);
    assert.match(site.events("lead_unavailable")[0]?.cause ?? "", /ECONNREFUSED/);
    assert.deepEqual(await values(page), FILLED);
    await server.serve();
    await send(page);
    await notice(page, "stored");
    assert.equal(server.leads().length, 1);
  });

  test(`${how}: the site is killed after FASTCore has stored the lead`, async (t) => {
    const server = await FastCore.start(t);
    const slow = await holdBack(t, server);
    const site = await Site.start(t, slow, { FASTCORE_PATIENCE_MS: "10000" });
    const page = await open(t, `${site.url}/contact`, options);
    await fill(page);
    await page.locator("form button").click({ noWaitAfter: true });
    await slow.stored;
    await site.kill();
    await site.serve();
    if (javaScriptEnabled) {
      await notice(page, "unavailable");
      assert.deepEqual(await values(page), FILLED);
    } else {
      await page.goto(`${site.url}/contact`);
      await fill(page);
    }
    slow.pass();
    await send(page);
    await notice(page, "stored");
    assert.equal(server.leads().length, 1);
  });

  test(`${how}: a double click, and Back and Send, make one lead`, async (t) => {
    const server = await FastCore.start(t);
    const site = await Site.start(t, server);
    const page = await open(t, `${site.url}/`, options);
    await page.goto(`${site.url}/contact`);
    await fill(page);
    await page.locator("form button").dblclick();
    await notice(page, "stored");
    if (javaScriptEnabled) assert.equal(site.events("lead_stored").length, 1, "the second click sends nothing");
    // Without JavaScript the page before is the form; with it, the form is there again when the visitor returns.
    await page.goBack();
    if (javaScriptEnabled) await page.goto(`${site.url}/contact`);
    await page.locator("form button").waitFor();
    await fill(page);
    await send(page);
    await notice(page, "stored");
    assert.equal(server.leads().length, 1);
  });

  test(`${how}: the honeypot is told, and sending again works`, async (t) => {
    const server = await FastCore.start(t);
    const site = await Site.start(t, server);
    const page = await open(t, `${site.url}/contact`, options);
    await fill(page);
    const trap = page.locator("[name=website]");
    const box = await page.locator("label", { has: trap }).boundingBox();
    assert.deepEqual([box?.width, box?.height], [1, 1], "nobody sees it");
    await trap.evaluate((it) => ((it as HTMLInputElement).value = "https://spam.invalid"));
    await send(page);
    await notice(page, "spam");
    assert.equal(server.leads().length, 0);
    assert.equal(await trap.inputValue(), "");
    await send(page);
    await notice(page, "stored");
    assert.equal(server.leads().length, 1);
  });
}

test("a form that was sent before the script has come keeps what was typed, and goes on with it", async (t) => {
  const server = await FastCore.start(t);
  const site = await Site.start(t, server);
  const page = await open(t, "about:blank");
  await page.route("**/*.js", (route) => route.abort());
  await page.goto(`${site.url}/contact`);
  await fill(page, { message: "court" });
  await send(page);
  await page.locator("#message-fault").waitFor();
  await page.unrouteAll();
  const posted = page.waitForResponse((it) => it.request().method() === "POST");
  await fill(page, { message: "encore court" });
  await send(page);
  assert.equal((await posted).url(), `${site.url}/contact`, "by the browser");
  await page.waitForLoadState("networkidle");
  await page.locator("#message").fill("court, avec JavaScript");
  await page.locator("#email").fill("jean");
  await send(page);
  await page.locator("#email-fault").waitFor();
  assert.deepEqual(await values(page), { ...FILLED, email: "jean", message: "court, avec JavaScript" });
  await page.locator("#email").fill(LEAD.email);
  const sent = page.waitForResponse((it) => it.request().method() === "POST");
  await send(page);
  assert.equal((await sent).url(), `${site.url}/api/forms/contact`, "by the script");
  await notice(page, "stored");
  assert.equal(server.leads().length, 1);
});
