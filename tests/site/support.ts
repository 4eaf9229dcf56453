// What the tests share: a form, the site's settings, its route, and its log.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { POST } from "./next/app/api/forms/contact/route";
import { FastCore, TOKEN } from "./server";

export const SETTINGS = {
  FASTCORE_SITE_INGEST_TOKEN: TOKEN,
  CONTACT_HASH_KEY: "a key of the tests, of at least 32 characters",
  FASTCORE_PATIENCE_MS: "20000",
  CONTACT_PROXIES: "1",
};

let visitors = 0;

/** Changes settings for the rest of a test; `undefined` takes one away. */
export function set(t: TestContext, changed: Record<string, string | undefined>) {
  for (const [name, value] of Object.entries(changed)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  t.after(() => Object.assign(process.env, SETTINGS));
}

Object.assign(process.env, SETTINGS);

let forms = 0;

/** A form that differs from all others. */
export const form = (changed: object = {}) => ({
  name: "Jean Dupont",
  email: "jean@example.com",
  phone: "",
  service: "diagnostic",
  message: `Mon compresseur ne démarre plus depuis hier, ${++forms}`,
  consent: true,
  ...changed,
});

/** What the page's script sends, from a visitor of its own. */
export function request(body: BodyInit, headers: Record<string, string | undefined> = {}): Request {
  const all = {
    host: "site.invalid",
    origin: "https://site.invalid",
    "content-type": "application/json",
    "user-agent": "a browser",
    "x-forwarded-for": `198.51.100.9, 10.0.${visitors >> 8}.${visitors++ & 255}`,
    ...headers,
  };
  const given = Object.entries(all).filter((it): it is [string, string] => it[1] !== undefined);
  const init = { method: "POST", headers: given, body, duplex: "half" } as RequestInit;
  return new Request("https://site.invalid/api/forms/contact", init);
}

/** Sends a form as the page does, and reads the response. */
export async function submit(body: object, url: string, headers: Record<string, string> = {}) {
  process.env.FASTCORE_BASE_URL = url;
  const answer = await POST(request(JSON.stringify(body), headers));
  return { status: answer.status, body: await answer.json(), headers: answer.headers };
}

/** The site's log during a test. */
export function kept(t: TestContext): Record<string, string>[] {
  const lines: Record<string, string>[] = [];
  const keep = (line: string) => void lines.push(JSON.parse(line));
  t.mock.method(console, "info", keep);
  t.mock.method(console, "error", keep);
  return lines;
}

/** Nothing is left to chance: the lead is there once, and its receipt proves it. */
export function storedOnce(server: FastCore, log: Record<string, string>[]) {
  assert.equal(server.leads().length, 1);
  const line = log.find((it) => it.event === "lead_stored");
  assert.equal(line?.request_id, server.leads()[0]?.request_id);
  assert.ok(line?.receipt, "the receipt is kept");
  server.run("audit", "verify", "--receipt", line.receipt);
}
