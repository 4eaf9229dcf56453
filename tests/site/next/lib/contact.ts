// lib/contact.ts: what a visitor has sent, from the form to FASTCore; the form's two entrances call it.
import { createHmac } from "node:crypto";
import { isIP } from "node:net";
import { z } from "zod";
import { type Outcome, sendLead, type Settings, settings } from "./fastcore";
import { byField, type Fault, type Lead, LeadForm } from "./lead-schema";

const SOURCE = "fast-techservices.com";
/** How many messages one address may send in a time, and how many addresses are remembered. */
const LIMIT = { messages: 10, ms: 600_000, addresses: 10_000 };

/** What the page shows. `request_id` comes back with the next attempt. */
export type ContactState = {
  status: "new" | "stored" | "kept" | "invalid" | "spam" | "limited" | "unavailable" | "failed";
  errors?: Record<string, Fault>;
  request_id?: string | undefined;
};

/** `website` is the honeypot: people do not see it, programs fill it in. */
const Extras = z.object({ website: z.unknown(), request_id: z.guid().optional().catch(undefined) });

export async function receive(form: unknown, headers: Headers): Promise<ContactState> {
  const { website, request_id } = Extras.safeParse(form).data ?? {};
  if (website) {
    log("info", "contact_spam", {});
    return { status: "spam", request_id };
  }
  const parsed = LeadForm.safeParse(form);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((it) => ({ field: it.path.join("."), type: it.message }));
    return { status: "invalid", errors: byField(faults), request_id };
  }
  let to: Settings;
  try {
    to = settings();
  } catch (error) {
    log("error", "contact_not_set_up", { cause: String(error) });
    return { status: "failed", request_id };
  }
  return send(parsed.data, request_id, headers, to);
}

async function send(lead: Lead, known: string | undefined, headers: Headers, to: Settings): Promise<ContactState> {
  const keyed = (text: string) => createHmac("sha256", to.hashKey).update(text).digest("hex");
  const address = clientNetwork(headers.get("x-forwarded-for"), to.proxies);
  if (!address) log("error", "contact_address_unknown", { cause: "X-Forwarded-For has too few addresses" });
  const ip_hash = keyed(address ?? "unknown");
  if (address && isLimited(ip_hash)) return { status: "limited", request_id: known };

  // The same content on the same day has the same id, so that a second click, a retry, or Back and
  // Send make no second lead; a page made in advance need not contain one.
  const id = (...from: string[]) => uuid(keyed(JSON.stringify([...from, lead])));
  let request_id = known ?? id(new Date().toISOString().slice(0, 10));
  for (let other = 0; other < 3; other++) {
    const meta = {
      source: SOURCE,
      request_id,
      ip_hash,
      user_agent_hash: keyed(headers.get("user-agent") ?? "unknown"),
      timestamp_utc: new Date().toISOString(),
    };
    const outcome = await sendLead({ ...lead, meta }, to);
    if (outcome.kind !== "taken") return conclude(outcome, request_id);
    // Sent before with other words: this is another message.
    request_id = id(request_id);
  }
  return conclude({ kind: "failed", cause: "every request_id belongs to another lead" }, request_id);
}

function conclude(outcome: Exclude<Outcome, { kind: "taken" }>, request_id: string): ContactState {
  if (outcome.kind === "stored") {
    const { leadId, timestamp, receipt } = outcome;
    // The receipt, kept outside FASTCore, proves later that nothing was rewritten there.
    log("info", "lead_stored", { request_id, leadId, timestamp, receipt });
    return { status: "stored" };
  }
  log("error", `lead_${outcome.kind}`, { request_id, cause: outcome.cause });
  if (outcome.kind !== "refused") return { status: outcome.kind, request_id };
  const errors = byField(outcome.faults);
  if (outcome.kept) return { status: "kept", errors, request_id };
  // A fault that is at no field of the form is the site's own.
  return { status: Object.keys(errors).length > 0 ? "invalid" : "failed", errors, request_id };
}

/** A UUID of version 8 (RFC 9562) from a hash. */
const uuid = (hex: string) =>
  [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");

/**
 * The visitor's network: an IPv4 address, or the first 64 bits of an IPv6 one, which one visitor has whole.
 * Each proxy appends the address that it was called from: only the last entries are not the visitor's own.
 */
export function clientNetwork(forwardedFor: string | null, proxies: number): string | undefined {
  const entry = forwardedFor?.split(",").at(-proxies)?.trim() ?? "";
  // Without the port and the brackets: 192.0.2.7:443, [2001:db8::7]:443, fe80::7%eth0.
  const text = entry.replace(/^\[([^\]]*)\](:\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1").split("%")[0]!;
  if (isIP(text) === 4) return text;
  if (isIP(text) !== 6) return undefined;
  // URL writes every form of an address in one way; what `::` leaves out is put back.
  const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const before = head.split(":").filter(Boolean);
  const after = tail?.split(":").filter(Boolean) ?? [];
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
  if (groups.slice(0, 6).join() !== "0,0,0,0,0,ffff") return groups.slice(0, 4).join(":");
  return groups.slice(6).flatMap((it) => [parseInt(it, 16) >> 8, parseInt(it, 16) & 255]).join(".");
}

/** In the order of `until`, since an address keeps its place until it is forgotten. */
const counts = new Map<string, { messages: number; until: number }>();

/** Counts a message. This process alone: with several, each visitor may send as many times more. */
function isLimited(address: string): boolean {
  const now = performance.now();
  for (const [oldest, { until }] of counts) {
    if (until > now && counts.size < LIMIT.addresses) break;
    counts.delete(oldest);
  }
  const count = counts.get(address) ?? { messages: 0, until: now + LIMIT.ms };
  counts.set(address, count);
  count.messages++;
  if (count.messages === LIMIT.messages + 1) log("error", "contact_limited", { ip_hash: address });
  return count.messages > LIMIT.messages;
}

export function log(level: "info" | "error", event: string, details: Record<string, unknown>) {
  console[level](JSON.stringify({ event, ...details }));
}
