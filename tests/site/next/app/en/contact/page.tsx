import type { Metadata } from "next";
import { ContactForm } from "../../contact/contact-form";

export const metadata: Metadata = { title: "Contact" };
/** Longer than FASTCORE_PATIENCE_MS, for the form without JavaScript. */
export const maxDuration = 30;

export default function Page() {
  return (
    <main lang="en" className="contact-page">
      <h1>Contact us</h1>
      <ContactForm lang="en" />
    </main>
  );
}
