// Labelled inputs of the sign-in and setup forms.
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { Icon } from '/admin/assets/ui/icon.js';

/**
 * A required text input with its label. Other props go to the input.
 * @param {{label: string, name: string, value: string, onValue: (value: string) => void, inputRef?: object, help?: string, error?: string | null, [attribute: string]: any}} props
 *   `error` marks the input as invalid; the text itself is shown by `FormError`
 */
export function FormField({ label, name, value, onValue, inputRef, help, error, ...attributes }) {
  const describedBy = error ? 'form-error' : help ? `${name}-help` : undefined;
  return html`<div class="form-field">
    <label for=${name}>${label}</label>
    <input id=${name} name=${name} value=${value} ref=${inputRef} onInput=${(event) => onValue(event.target.value)}
      autocapitalize="none" spellcheck=${false} required
      aria-invalid=${error ? 'true' : undefined} aria-describedby=${describedBy} ...${attributes} />
    ${help && html`<p class="small" id="${name}-help">${help}</p>`}
  </div>`;
}

/** The one error message of a form; always present, so that screen readers announce a change. */
export function FormError({ error }) {
  return html`<p id="form-error" class="form-error" role="alert">${error}</p>`;
}

/** @extends {Component<{value: string, onValue: (value: string) => void, inputRef?: object, autocomplete: string, help?: string, error?: string | null}>} */
export class PasswordField extends Component {
  state = { visible: false };

  render({ value, onValue, inputRef, autocomplete, help, error }, { visible }) {
    const label = visible ? t.password.hide : t.password.show;
    return html`<div class="password-field">
      <${FormField} label=${t.password.label} name="password" type=${visible ? 'text' : 'password'} value=${value} onValue=${onValue} inputRef=${inputRef} autocomplete=${autocomplete} help=${help} error=${error} />
      <button type="button" class="icon-button quiet" aria-label=${label} title=${label} aria-pressed=${visible ? 'true' : 'false'} onClick=${() => this.setState({ visible: !visible })}><${Icon} name="eye" /></button>
    </div>`;
  }
}
