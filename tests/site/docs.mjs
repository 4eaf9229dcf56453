// Opens /docs in Chromium as a person would: nothing may be refused by the page's policy, nothing
// may be asked of another host, and "Try it out" with the token must store a lead.
//
// node docs.mjs http://127.0.0.1:8000 [a folder for screenshots]   with FASTCORE_TOKEN
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import path from "node:path";
import { chromium } from "playwright-core";

const [address, screenshots] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  const said = [];
  const elsewhere = [];
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith("data:")) elsewhere.push(url);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`refused by the policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  const shoot = async (name) => {
    if (screenshots) await page.screenshot({ path: path.join(screenshots, name), fullPage: true });
  };

  const answer = await page.goto(`${address}/docs`);
  assert.match(answer.headers()["content-security-policy"], /default-src 'none'; script-src 'self'; style-src 'self'/);
  const send = page.locator("#operations-leads-sendLead");
  await send.waitFor();
  await shoot("docs.png");

  await page.getByRole("button", { name: "Authorize" }).first().click();
  // The one scheme that is a token; a session's cookie comes by signing in.
  const token = page.locator(".auth-container").filter({ hasText: "ingest token" });
  await token.locator("input").fill(process.env.FASTCORE_TOKEN);
  await token.locator("button.authorize").click();
  await token.locator("button.btn-done").click();

  await send.locator(".opblock-summary-control").click();
  // Who only wants to try it out is told first that it is not only a trial.
  await send.getByRole("note").filter({ hasText: "stores a real lead" }).waitFor();
  const body = send.locator("textarea.body-param__text");
  const lead = JSON.parse(await body.inputValue());
  lead.meta.request_id = randomUUID();
  await body.fill(JSON.stringify(lead, null, 2));
  const stored = page.waitForResponse((response) => response.url().endsWith("/inbound/leads"));
  await send.getByRole("button", { name: "Execute" }).click();
  assert.equal((await stored).status(), 201);
  await send.locator(".live-responses-table .response-col_status", { hasText: "201" }).first().waitFor();
  await page.locator("#operations-health-health .opblock-summary-control").click();
  await shoot("docs-tried.png");

  assert.equal(await page.getByRole("note").count(), 1, "only where something is stored");

  // A phone, upright and sideways, in both colour schemes.
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const [width, height] of [[390, 760], [320, 480], [740, 320]]) {
      await page.setViewportSize({ width, height });
      await page.getByRole("button", { name: "Authorize" }).first().click();
      const dialog = page.locator(".modal-ux");
      await shoot(`docs-authorize-${width}-${colorScheme}.png`);
      const inside = async (what, locator) => {
        const { x, y, width: w, height: h } = await locator.boundingBox();
        assert.ok(x >= 0 && y >= 0 && x + w <= width && y + h <= height, `${what} fits ${width}x${height}`);
      };
      await inside("the dialog", dialog);
      await inside("its button to close it", dialog.locator(".close-modal"));
      for (const button of await dialog.locator(".auth-btn-wrapper button").all()) {
        await button.scrollIntoViewIfNeeded();
        await inside("a button", button);
      }
      const background = await dialog.evaluate((element) => getComputedStyle(element).backgroundColor);
      assert.equal(background === "rgb(255, 255, 255)", colorScheme === "light", background);
      await dialog.locator(".close-modal").click();
      const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(scrolled <= width, `the page is ${scrolled} wide at ${width}`);
    }
  }
  assert.deepEqual(said, [], "the console is empty");
  assert.deepEqual(elsewhere, [], "no other host was asked");
  console.log("docs: shown, tried, 201, nothing refused");
} finally {
  await browser.close();
}
