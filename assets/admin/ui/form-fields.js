// Labelled inputs of forms.
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { passwordLength, minPasswordLength } from '/admin/assets/lib/password.js';
import { Icon } from '/admin/assets/ui/icon.js';

/**
 * A required text input with its label. Other props go to the input.
 * @param {{label: string, name: string, value: string, onValue: (value: string) => void, inputRef?: object, help?: string, error?: string | null, invalid?: boolean, children?: any, [attribute: string]: any}} props
 *   `error`: what is wrong with this field, shown under it; `invalid`: the form's error is about this field, among others
 */
export function FormField({ label, name, value, onValue, inputRef, help, error, invalid = false, children, ...attributes }) {
  const describedBy = [error ? `${name}-error` : invalid && 'form-error', help && `${name}-help`].filter(Boolean).join(' ');
  return html`<div class="form-field">
    <label for=${name}>${label}</label>
    <div class="form-input">
      <input id=${name} name=${name} value=${value} ref=${inputRef} onInput=${(event) => onValue(event.target.value)}
        autocapitalize="none" spellcheck=${false} required
        aria-invalid=${error || invalid ? 'true' : undefined} aria-describedby=${describedBy || undefined} ...${attributes} />
      ${children}
    </div>
    ${error && html`<p class="field-error" id="${name}-error">${error}</p>`}
    ${help && html`<p class="small" id="${name}-help">${help}</p>`}
  </div>`;
}

/** The error message of a form as a whole; always present, so that screen readers announce a change. */
export function FormError({ error }) {
  return html`<p id="form-error" class="form-error" role="alert">${error}</p>`;
}

/** @extends {Component<{value: string, onValue: (value: string) => void, label?: string, name?: string, inputRef?: object, autocomplete: string, help?: string, error?: string | null, invalid?: boolean}, {visible: boolean}>} */
export class PasswordField extends Component {
  state = { visible: false };

  /**
   * @param {PasswordField['props']} props
   * @param {PasswordField['state']} state
   */
  render({ label = t.password.label, name = 'password', ...field }, { visible }) {
    const action = visible ? t.password.hide : t.password.show;
    return html`<div class="password-field">
      <${FormField} ...${field} label=${label} name=${name} type=${visible ? 'text' : 'password'}>
        <button type="button" class="icon-button quiet" aria-label=${action} title=${action} aria-pressed=${visible ? 'true' : 'false'} onClick=${() => this.setState({ visible: !visible })}><${Icon} name="eye" /></button>
      <//>
    </div>`;
  }
}

/**
 * A password to choose; says while typing how much is missing.
 * @param {{value: string, onValue: (value: string) => void, label?: string, name?: string, error?: string | null}} props
 */
export function NewPasswordField({ value, ...field }) {
  const missing = minPasswordLength - passwordLength(value);
  return html`<div>
    <${PasswordField} ...${field} value=${value} autocomplete="new-password" help=${t.password.help} />
    <p class="small ${missing > 0 ? '' : 'success'}" aria-live="polite">${value && (missing > 0 ? t.password.missing(missing) : !field.error && t.password.longEnough)}</p>
  </div>`;
}

/** Six digits of an authenticator app. Phones show their digits, and fill in a code that they have. */
export function CodeField(field) {
  return html`<${FormField} label=${t.signIn.code} name="code" autocomplete="one-time-code" inputmode="numeric" ...${field} />`;
}
