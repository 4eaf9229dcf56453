// Proposes a second factor: its QR code, its key as text, and a field for the first code that the app shows.
import { html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { withoutSpaces } from '/admin/assets/lib/password.js';
import { CopyButton } from '/admin/assets/ui/components.js';
import { Form } from '/admin/assets/ui/form.js';
import { CodeField } from '/admin/assets/ui/form-fields.js';

/**
 * @param {{
 *   enrolment: Api.Enrolment,
 *   code: string,
 *   onCode: (code: string) => void,
 *   errors: import('/admin/assets/ui/form.js').FormErrors,
 *   busy: boolean,
 *   onSubmit: () => void,
 *   actions?: any,
 * }} props
 */
export function EnrolmentForm({ enrolment, code, onCode, errors, busy, onSubmit, actions }) {
  return html`<div class="enrolment">
    <div class="enrolment-key">
      <img class="qr-code" src="data:image/svg+xml,${encodeURIComponent(enrolment.qr)}" alt=${t.enrolment.qrCode} />
      <div>
        <p class="small">${t.enrolment.secretHelp}</p>
        <p class="secret"><code>${enrolment.secret}</code><${CopyButton} text=${withoutSpaces(enrolment.secret)} label=${t.enrolment.secret} /></p>
        <p class="touch-only"><a href=${enrolment.url}>${t.enrolment.openApp}</a></p>
      </div>
    </div>
    <${Form} errors=${errors} busy=${busy} submit=${t.enrolment.submit} onSubmit=${onSubmit} focusFirst=${false} actions=${actions}>
      <${CodeField} value=${code} onValue=${onCode} help=${t.enrolment.codeHelp} error=${errors.code} />
    <//>
  </div>`;
}
