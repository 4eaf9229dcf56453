// app/api/contact/route.ts: receives the form and sends it to FASTCore until it is stored.
import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { byField, LeadForm } from "./lead-schema";

export const runtime = "nodejs";
export const maxDuration = 30;

/** How long one try waits for its answer. */
const TRY_MS = 8_000;

type Answer = { status: number; retryAfter: string | null; body: unknown };
type Stored = { leadId: string; timestamp: string; status: string; receipt: string };
type Refused = { error: string; detail: string | { loc: string[]; msg: string }[] };

export async function POST(request: Request): Promise<Response> {
  const form = LeadForm.safeParse(await request.json().catch(() => undefined));
  if (!form.success) {
    const faults = form.error.issues.map((it) => ({ field: it.path.join("."), message: it.message }));
    return Response.json({ errors: byField(faults) }, { status: 422 });
  }
  const { request_id, ...lead } = form.data;
  const meta = {
    source: "fast-techservices.com",
    request_id,
    ip_hash: hash(request.headers.get("x-forwarded-for")?.split(",")[0]?.trim() ?? "unknown"),
    user_agent_hash: hash(request.headers.get("user-agent") ?? "unknown"),
    timestamp_utc: new Date().toISOString(),
  };
  const answer = await send(JSON.stringify({ ...lead, meta }));
  if (answer?.status === 201 || answer?.status === 200) {
    const { leadId, timestamp, receipt } = answer.body as Stored;
    // The receipt, kept outside FASTCore, proves later that nothing was rewritten there.
    console.info(JSON.stringify({ event: "lead_stored", leadId, request_id, timestamp, receipt }));
    return Response.json({ leadId }, { status: 201 });
  }
  if (!answer || isPassing(answer.status)) {
    // It may be stored or not. The visitor's next try has the same request_id: that is safe.
    console.error(JSON.stringify({ event: "lead_unknown", request_id, status: answer?.status }));
    return Response.json({ error: "unavailable" }, { status: 503, headers: { "Retry-After": "30" } });
  }
  const refused = answer.body as Refused;
  console.error(JSON.stringify({ event: "lead_refused", request_id, error: refused.error }));
  if (answer.status === 422 && typeof refused.detail !== "string") {
    const faults = refused.detail.map((it) => ({ field: it.loc.slice(1).join("."), message: it.msg }));
    return Response.json({ errors: byField(faults) }, { status: 422 });
  }
  if (answer.status === 409 || answer.status === 410) {
    // This request_id is taken by another message: the page makes a new one and sends again.
    return Response.json({ error: refused.error }, { status: 409 });
  }
  return Response.json({ error: "not_sent" }, { status: 502 }); // the token or the URL is wrong
}

/** Sends until there is an answer that will not change, or the visitor has waited long enough. */
async function send(body: string): Promise<Answer | undefined> {
  const end = Date.now() + Number(process.env.FASTCORE_PATIENCE_MS ?? 20_000);
  for (let attempt = 0; ; attempt++) {
    const answer = await once(body, Math.min(TRY_MS, end - Date.now())).catch(() => undefined);
    if (answer && !isPassing(answer.status)) return answer;
    const backOff = Math.min(250 * 2 ** attempt, 4_000) * (0.5 + Math.random() / 2);
    const wait = Math.max(backOff, milliseconds(answer?.retryAfter));
    if (Date.now() + wait >= end) return answer;
    await sleep(wait);
  }
}

/** One try; an answer that breaks off is none. */
async function once(body: string, patience: number): Promise<Answer> {
  const answer = await fetch(new URL("/inbound/leads", setting("FASTCORE_BASE_URL")), {
    method: "POST",
    headers: {
      Authorization: `Bearer ${setting("FASTCORE_SITE_INGEST_TOKEN")}`,
      "Content-Type": "application/json",
    },
    body,
    cache: "no-store",
    signal: AbortSignal.timeout(Math.max(1, patience)),
  });
  const retryAfter = answer.headers.get("retry-after");
  // A proxy's error page is not JSON: its status says enough.
  const parsed = isPassing(answer.status) ? undefined : await answer.json();
  return { status: answer.status, retryAfter, body: parsed };
}

const isPassing = (status: number) => status === 408 || status === 429 || status >= 500;

/** Retry-After is a number of seconds or a date (RFC 9110). */
function milliseconds(retryAfter: string | null | undefined): number {
  const value = retryAfter ?? "0";
  const wait = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : 0;
}

/** FASTCore need not know who it was: a keyed hash distinguishes visitors, and no more. */
const hash = (text: string) =>
  createHmac("sha256", setting("CONTACT_HASH_KEY")).update(text).digest("hex");

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
