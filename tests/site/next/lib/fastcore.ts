// lib/fastcore.ts: the settings, and the client that sends a lead until it is stored.
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** How long one attempt waits for its response. */
const ATTEMPT_MS = 8_000;

export type Settings = { endpoint: URL; token: string; hashKey: string; proxies: number; patience: number };

/** Reads all settings; throws an error that names everything that is wrong with them. */
export function settings(): Settings {
  const faults: string[] = [];
  const read = <T>(name: string, takes: string, parse: (text: string) => T | undefined, preset?: string): T => {
    const text = process.env[name]?.trim() || preset;
    const value = text === undefined ? undefined : parse(text);
    if (value === undefined) faults.push(`${name} is ${text ? "not valid" : "not set"}; it takes ${takes}`);
    return value as T;
  };
  const whole = (from: number, to: number) => (text: string) =>
    /^\d{1,6}$/.test(text) && +text >= from && +text <= to ? +text : undefined;
  const all = {
    endpoint: read("FASTCORE_BASE_URL", "a URL such as https://leads.example.com", endpoint),
    token: read(
      "FASTCORE_SITE_INGEST_TOKEN",
      "the token as it is: printable ASCII, no spaces, no quotes around it",
      (text) => (/^(?!["'])[!-~]+$/.test(text) ? text : undefined),
    ),
    hashKey: read("CONTACT_HASH_KEY", "a secret of at least 32 characters", (text) =>
      text.length >= 32 ? text : undefined,
    ),
    proxies: read("CONTACT_PROXIES", "the number of proxies before the site, 1 to 9", whole(1, 9), "1"),
    patience: read("FASTCORE_PATIENCE_MS", "milliseconds, 1000 to 60000", whole(1_000, 60_000), "20000"),
  };
  if (faults.length > 0) throw new Error(faults.join("; "));
  return all;
}

/** The endpoint under the base URL, whose path is kept. */
function endpoint(text: string): URL | undefined {
  const base = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = base && ["http:", "https:"].includes(base.protocol) && !base.username && !base.search && !base.hash;
  return isPlain ? new URL(`${base.pathname.replace(/\/$/, "")}/inbound/leads`, base) : undefined;
}

const Stored = z.object({ leadId: z.string(), timestamp: z.string(), receipt: z.string() });
const Refused = z.object({
  error: z.string(),
  detail: z.union([z.string(), z.array(z.object({ loc: z.array(z.string()), type: z.string() }))]),
  kept: z.boolean().default(false),
});

export type Outcome =
  | { kind: "stored"; leadId: string; timestamp: string; receipt: string }
  /** The request_id belongs to another lead. */
  | { kind: "taken" }
  /** Not a valid lead. `kept`: staff can read it all the same. */
  | { kind: "refused"; cause: string; kept: boolean; faults: { field: string; type: string }[] }
  /** Unknown or not stored: the same request_id may be sent again. */
  | { kind: "unavailable"; cause: string }
  /** Sending it again will not help: the token or the URL is wrong. */
  | { kind: "failed"; cause: string };

/** Sends until there is a response that will not change, or the patience is over. */
export async function sendLead(lead: { meta: { request_id: string } }, to: Settings): Promise<Outcome> {
  const body = JSON.stringify(lead);
  const end = performance.now() + to.patience;
  for (let attempt = 1; ; attempt++) {
    const left = Math.ceil(Math.max(1, end - performance.now()));
    const { outcome, retryAfter } = await once(body, to, Math.min(ATTEMPT_MS, left));
    const backOff = Math.min(125 * 2 ** attempt, 4_000) * (0.5 + Math.random() / 2);
    const wait = Math.max(backOff, retryAfter);
    if (outcome.kind !== "unavailable" || performance.now() + wait >= end) return outcome;
    await sleep(wait);
  }
}

async function once(body: string, to: Settings, timeout: number): Promise<{ outcome: Outcome; retryAfter: number }> {
  try {
    const response = await fetch(to.endpoint, {
      method: "POST",
      headers: { Authorization: `Bearer ${to.token}`, "Content-Type": "application/json" },
      body,
      cache: "no-store",
      redirect: "manual", // a redirect would turn the POST into a GET
      signal: AbortSignal.timeout(timeout),
    });
    // A response that breaks off throws: the lead may be stored or not.
    const outcome = read(response, await response.text(), to.endpoint);
    return { outcome, retryAfter: milliseconds(response.headers.get("retry-after")) };
  } catch (error) {
    return { outcome: { kind: "unavailable", cause: reason(error) }, retryAfter: 0 };
  }
}

function read({ status, headers }: Response, text: string, url: URL): Outcome {
  const body = json(text);
  const stored = Stored.safeParse(body);
  if ((status === 200 || status === 201) && stored.success) return { kind: "stored", ...stored.data };
  const refused = Refused.safeParse(body);
  const { error, detail, kept } = refused.data ?? { error: undefined, detail: "", kept: false };
  // A proxy's page is not quoted: that it is one says enough.
  const what = error ?? `not a response of FASTCore (${headers.get("content-type") ?? "no type"})`;
  const more = typeof detail === "string" ? detail : detail.map((it) => `${it.loc.join(".")}: ${it.type}`).join(", ");
  const cause = `${status} ${[what, more, headers.get("location")].filter(Boolean).join(", ")} from ${url}`;
  if (status === 408 || status === 429 || status >= 500) return { kind: "unavailable", cause };
  if (error && (status === 409 || status === 410)) return { kind: "taken" };
  if (error && (status === 400 || status === 415 || status === 422)) {
    const list = typeof detail === "string" ? [] : detail;
    const faults = list.map(({ loc, type }) => ({ field: loc.slice(1).join("."), type }));
    return { kind: "refused", cause, kept, faults };
  }
  return { kind: "failed", cause };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Retry-After is a number of seconds or a date (RFC 9110). */
function milliseconds(retryAfter: string | null): number {
  const value = retryAfter ?? "0";
  const wait = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : 0;
}

/** Why there was no response: `fetch failed` has it in its cause. */
function reason(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  return [name, message, cause?.code, cause?.message].filter(Boolean).join(": ");
}
