// app/api/forms/contact/route.ts: receives the form as JSON, from a page with JavaScript.
import { log, receive } from "@/lib/contact";

export const maxDuration = 30;

const MAX_BODY = 64 * 1024;
const STATUS = {
  new: 500,
  stored: 201,
  kept: 202,
  invalid: 422,
  spam: 422,
  limited: 429,
  unavailable: 503,
  failed: 502,
};

export async function POST(request: Request): Promise<Response> {
  const { headers } = request;
  if (!isSameOrigin(headers)) {
    const [origin, host] = [headers.get("origin"), hostOf(headers)].map((it) => it?.slice(0, 100));
    log("error", "contact_origin", { cause: `the page is of ${origin}, the site is ${host}: does the proxy pass Host on?` });
    return refuse(403, "origin");
  }
  if (headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() !== "application/json") {
    return refuse(415, "content_type");
  }
  const body = await readText(request, MAX_BODY);
  if (body === undefined) return refuse(413, "too_large");
  let form: unknown;
  try {
    form = JSON.parse(body);
  } catch {
    return refuse(400, "json");
  }
  const state = await receive(form, headers);
  const wait = { limited: "600", unavailable: "30" }[state.status as string];
  return Response.json(state, { status: STATUS[state.status], headers: wait ? { "Retry-After": wait } : {} });
}

const refuse = (status: number, error: string) =>
  Response.json({ status: "failed", error }, { status, headers: status === 413 ? { Connection: "close" } : {} });

/** Pages of other sites may not send visitors' messages: the rule of Next.js for Server Actions. */
function isSameOrigin(headers: Headers): boolean {
  const origin = headers.get("origin") ?? "";
  return URL.canParse(origin) && new URL(origin).host === hostOf(headers);
}

const hostOf = (headers: Headers) => headers.get("x-forwarded-host")?.split(",")[0]?.trim() ?? headers.get("host");

/** Reads the body, or as much of it as shows that it is too large. */
async function readText(request: Request, max: number): Promise<string | undefined> {
  if (Number(request.headers.get("content-length")) > max) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    size += next.value.length;
    if (size > max) {
      await reader?.cancel();
      return undefined;
    }
    chunks.push(next.value);
  }
  return Buffer.concat(chunks).toString("utf8");
}
