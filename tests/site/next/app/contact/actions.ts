"use server";
// app/contact/actions.ts: receives the form from a page without JavaScript, which is then shown again.
import { headers } from "next/headers";
import { type ContactState, receive } from "@/lib/contact";

export type PostedState = ContactState & { typed?: Record<string, string> };

export async function submitContact(_: PostedState, form: FormData): Promise<PostedState> {
  // Anyone can call an action, with anything.
  if (!(form instanceof FormData)) return { status: "failed" };
  const typed: Record<string, string> = {};
  for (const [name, value] of form) {
    // Forms send line breaks as CRLF; with JavaScript, and in FASTCore, they are LF.
    if (typeof value === "string" && !name.startsWith("$")) typed[name] = value.replaceAll("\r\n", "\n");
  }
  const state = await receive({ ...typed, consent: typed.consent === "on" }, await headers());
  return { ...state, typed };
}
