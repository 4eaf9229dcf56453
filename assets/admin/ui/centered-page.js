// A card in the middle of the page: sign-in and setup.
import { html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { Icon } from '/admin/assets/ui/icon.js';

/** @param {{title: string, intro: string, headingRef?: object, switchLanguage: () => void, children?: any}} props */
export function CenteredPage({ title, intro, headingRef, switchLanguage, children }) {
  return html`<main class="centered-page">
    <div class="card">
      <p class="brand"><img src="/admin/assets/icon.svg" alt="" width="40" height="40" /><span>${t.product}</span></p>
      <h1 ref=${headingRef} tabindex="-1">${title}</h1>
      <p class="intro">${intro}</p>
      ${children}
    </div>
    <button type="button" class="button quiet" lang=${t.language.otherCode} onClick=${switchLanguage}><${Icon} name="globe" />${t.language.other}</button>
  </main>`;
}
