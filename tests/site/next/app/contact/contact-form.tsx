"use client";
// app/contact/contact-form.tsx: the form. With JavaScript it sends JSON to the route, whose path stays the same
// when the site is deployed again; without, the browser posts it to the action and gets the page again.
import { type FormEvent, useActionState, useEffect, useRef, useState } from "react";
import type { ContactState } from "@/lib/contact";
import { type PostedState, submitContact } from "./actions";
import "./contact.css";
import { MESSAGES } from "./messages";

/** Longer than FASTCore's patience. */
const TIMEOUT_MS = 40_000;

export function ContactForm({ lang }: { lang: "fr" | "en" }) {
  const [posted, action] = useActionState<PostedState, FormData>(submitContact, { status: "new" });
  const [answered, setAnswered] = useState<ContactState>();
  const [sending, setSending] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const notice = useRef<HTMLParagraphElement>(null);
  const texts = MESSAGES[lang];
  const state: ContactState = answered ?? posted;
  const { status, errors = {} } = state;
  const typed = posted.typed ?? {};

  // The first field to correct, or what is said of the whole.
  useEffect(() => {
    const faulty = form.current?.querySelector<HTMLElement>("[aria-invalid=true]");
    if (status !== "new") (faulty ?? notice.current)?.focus();
  }, [state, status]);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (sending) return;
    const element = event.currentTarget;
    const fields = Object.fromEntries(new FormData(element));
    setSending(true);
    const next = await post({ ...fields, consent: fields.consent === "on" });
    // The id of an attempt whose end is not known stays with the form.
    setAnswered({ request_id: `${fields.request_id}`, ...next });
    setSending(false);
    // A person whose browser has filled in the honeypot sends again.
    if (next.status === "spam") element.querySelector<HTMLInputElement>("[name=website]")!.value = "";
  }

  const isDone = status === "stored" || (status === "kept" && Object.keys(errors).length === 0);
  const said = texts.status[status === "kept" && !isDone ? "keptWithFaults" : status];
  const shown = (
    <p ref={notice} className="contact-notice" role={isDone ? "status" : "alert"} tabIndex={-1} data-status={status}>
      {said}
    </p>
  );
  if (isDone) return shown;

  /** What a field and its fault have in common, and what was typed. */
  const field = (name: string) => ({
    id: name,
    name,
    "aria-invalid": errors[name] ? true : undefined,
    "aria-describedby": errors[name] ? `${name}-fault` : undefined,
    defaultValue: typed[name],
  });
  const fault = (name: string) => {
    const { type, limit } = errors[name] ?? {};
    if (!type) return null;
    const text = Object.hasOwn(texts.faults, type) ? texts.faults[type as keyof typeof texts.faults] : texts.faults.other;
    return (
      <span id={`${name}-fault`} className="contact-fault">
        {text.replace("{limit}", `${limit}`)}
      </span>
    );
  };

  return (
    <form ref={form} action={action} onSubmit={submit} noValidate className="contact-form" aria-busy={sending}>
      {status !== "new" && shown}
      <label htmlFor="name">{texts.name}</label>
      <input {...field("name")} autoComplete="name" />
      {fault("name")}
      {/* Not type="email": browsers rewrite and refuse addresses that are valid. */}
      <label htmlFor="email">{texts.email}</label>
      <input {...field("email")} inputMode="email" autoComplete="email" autoCapitalize="none" spellCheck={false} />
      {fault("email")}
      <label htmlFor="phone">{texts.phone}</label>
      <input {...field("phone")} type="tel" autoComplete="tel" />
      {fault("phone")}
      <label htmlFor="company">{texts.company}</label>
      <input {...field("company")} autoComplete="organization" />
      {fault("company")}
      <label htmlFor="service">{texts.service}</label>
      <select {...field("service")}>
        {Object.entries(texts.services).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      {fault("service")}
      <label htmlFor="message">{texts.message}</label>
      <textarea {...field("message")} rows={8} maxLength={5_000} />
      {fault("message")}
      <label className="contact-consent">
        <input {...field("consent")} type="checkbox" defaultValue="on" defaultChecked={typed.consent === "on"} />
        {texts.consent}
      </label>
      {fault("consent")}
      <label className="contact-honeypot" aria-hidden>
        {texts.website}
        <input name="website" tabIndex={-1} autoComplete="off" />
      </label>
      <input type="hidden" name="request_id" value={state.request_id ?? typed.request_id ?? ""} />
      <button aria-disabled={sending}>{sending ? texts.sending : texts.send}</button>
    </form>
  );
}

/** Sends the form to the route; no response is the same as "unavailable". */
async function post(fields: Record<string, unknown>): Promise<ContactState> {
  try {
    const response = await fetch("/api/forms/contact", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(fields),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return await response.json();
  } catch {
    return { status: "unavailable" };
  }
}
