// lib/lead-schema.ts: what a visitor may send. FASTCore's rules, checked before sending; a fault is
// FASTCore's `type`, which the page translates.
import { z } from "zod";

/** The least and the most characters of each text, in Unicode code points, without white space around it. */
const LIMITS: Record<string, readonly [number, number]> = {
  name: [2, 80],
  email: [0, 120],
  phone: [0, 30],
  company: [0, 120],
  service: [0, 30],
  message: [20, 2000],
};
const SERVICES = ["", "ponts", "cabines", "compresseurs", "diagnostic", "autre"];

export type Fault = { type: string; limit?: number };

/** Removes white space around a text, as Unicode defines it (trim() differs). */
const trimmed = (text: string) => text.match(/\P{White_Space}(?:[^]*\P{White_Space})?/u)?.[0] ?? "";

/** Length first: nothing else looks at a text that is too long. */
function textFault(text: string, field: string): string | undefined {
  const [min, max] = LIMITS[field]!;
  const length = [...text].length;
  if (length > max) return "string_too_long";
  if (text.includes("\0")) return "string_nul";
  if (/\p{Cs}/u.test(text)) return "string_unicode"; // half a surrogate pair
  if (field !== "message" && /[\p{Cc}\u2028\u2029]/u.test(text)) return "string_control_character";
  if (length < min) return "string_too_short";
  // FASTCore knows all the rules of addresses; this finds what people mistype.
  if (field === "email" && !isAddress(text)) return "value_error";
  if (field === "service" && !SERVICES.includes(text)) return "enum";
  return undefined;
}

/** One @ with something before it, and a dot inside of what is after it. */
function isAddress(text: string): boolean {
  const [local, domain, ...more] = text.split("@");
  return !!local && !!domain && more.length === 0 && /.[.。．｡]./u.test(domain);
}

const missingOr = (type: string) => (issue: { input?: unknown }) => (issue.input === undefined ? "missing" : type);

const text = (field: string) =>
  z
    .string({ error: missingOr("string_type") })
    .transform(trimmed)
    .superRefine((it, context) => {
      const type = textFault(it, field);
      if (type) context.addIssue(type);
    });

/** Blank or null is the same as left out. */
const optional = (field: string) =>
  text(field)
    .nullish()
    .transform((it) => it || undefined);

export const LeadForm = z.object({
  name: text("name"),
  email: text("email"),
  phone: optional("phone"),
  company: optional("company"),
  service: optional("service"),
  message: text("message"),
  // FASTCore stores `false` too: without the refine, the box may be left empty.
  consent: z.boolean({ error: missingOr("bool_type") }).refine((given) => given, "consent_required"),
});
export type Lead = z.infer<typeof LeadForm>;

/** The first fault of each field of the form. */
export function byField(faults: { field: string; type: string }[]): Record<string, Fault> {
  const errors: Record<string, Fault> = {};
  for (const { field, type } of faults) {
    if (!Object.hasOwn(LeadForm.shape, field) || errors[field]) continue;
    const limit = LIMITS[field]?.[type === "string_too_short" ? 0 : 1];
    errors[field] = limit !== undefined && type.startsWith("string_too_") ? { type, limit } : { type };
  }
  return errors;
}
