// The first step of every change: the present password, so that an open page is not enough to take an account over.
import { html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { Form } from '/admin/assets/ui/form.js';
import { PasswordField } from '/admin/assets/ui/form-fields.js';

/** Password managers want to know whose password it is. */
export function UserNameField({ account }) {
  return html`<input name="username" autocomplete="username" value=${account} hidden readonly />`;
}

export function PresentPasswordField({ value, error, onValue }) {
  return html`<${PasswordField} label=${t.account.presentPassword} value=${value} autocomplete="current-password" error=${error} onValue=${onValue} />`;
}

export function CancelButton({ cancel }) {
  return html`<button type="button" class="button" onClick=${cancel}>${t.common.cancel}</button>`;
}

/**
 * @param {{
 *   account: string,
 *   help: string,
 *   password: string,
 *   onPassword: (password: string) => void,
 *   errors: import('/admin/assets/ui/form.js').FormErrors,
 *   busy: boolean,
 *   submit: string,
 *   onSubmit: () => void,
 *   cancel: () => void,
 * }} props
 */
export function PasswordStep({ account, help, password, onPassword, errors, busy, submit, onSubmit, cancel }) {
  return html`<p>${help}</p>
    <${Form} errors=${errors} busy=${busy} submit=${submit} onSubmit=${onSubmit} actions=${html`<${CancelButton} cancel=${cancel} />`}>
      <${UserNameField} account=${account} />
      <${PresentPasswordField} value=${password} error=${errors.password} onValue=${onPassword} />
    <//>`;
}
