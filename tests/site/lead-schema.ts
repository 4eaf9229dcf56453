// app/api/contact/lead-schema.ts: what a visitor may send. FASTCore's own rules, checked before sending.
import { z } from "zod";

/** Removes white space around a text, as Unicode defines it (trim() differs). */
const trimmed = (text: string) => text.match(/\P{White_Space}(?:[^]*\P{White_Space})?/u)?.[0] ?? "";

/** Lengths are code points, not UTF-16 units. Neither NUL nor half a surrogate pair is text. */
const text = (min: number, max: number, refused = /[\p{Cc}\p{Cs}\u2028\u2029]/u) =>
  z
    .string("This should be text.")
    .transform(trimmed)
    .refine((it) => !refused.test(it), "This has a character that cannot be kept.")
    .refine((it) => [...it].length >= min, `This needs at least ${min} characters.`)
    .refine((it) => [...it].length <= max, `This may have at most ${max} characters.`);

/** Blank or null is the same as left out. */
const optional = <T extends z.ZodType<string>>(rule: T) =>
  rule.nullish().transform((it) => it || undefined);

export const LeadForm = z.object({
  name: text(2, 80),
  // No regular expression knows every address: this refuses none that FASTCore accepts, and FASTCore
  // checks again. Its 422 is shown in the same way.
  email: text(1, 120).refine((it) => /^[^@]+@[^@]+[.。．｡][^@]+$/u.test(it), "This is not an e-mail address."),
  phone: optional(text(0, 30)),
  company: optional(text(0, 120)),
  service: optional(
    text(0, 30).refine(
      (it) => ["", "ponts", "cabines", "compresseurs", "diagnostic", "autre"].includes(it),
      "Choose one of the services.",
    ),
  ),
  message: text(20, 2000, /[\0\p{Cs}]/u),
  consent: z.boolean("This should be true or false."),
  /** Made with crypto.randomUUID() when the page shows the form, and the same at every try. */
  request_id: text(36, 36).refine(
    (it) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(it),
    "This should be a UUID.",
  ),
});

/** The first message of each field, for the form. */
export const byField = (faults: { field: string; message: string }[]) =>
  Object.fromEntries(faults.reverse().map(({ field, message }) => [field, message]));
