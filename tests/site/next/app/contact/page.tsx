import type { Metadata } from "next";
import { ContactForm } from "./contact-form";

export const metadata: Metadata = { title: "Contact" };
/** Longer than FASTCORE_PATIENCE_MS, for the form without JavaScript. */
export const maxDuration = 30;

export default function Page() {
  return (
    <main lang="fr" className="contact-page">
      <h1>Contact</h1>
      <ContactForm lang="fr" />
    </main>
  );
}
