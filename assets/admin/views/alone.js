// The card of the pages without an account, and its fields.
import { html, Component } from '/admin/assets/dom.js';
import { words } from '/admin/assets/i18n.js';
import { Icon } from '/admin/assets/icons.js';

export function Alone({ title, lead, switchLanguage, children }) {
  return html`<main class="alone">
    <div class="card">
      <p class="brand"><img src="/admin/assets/icon.svg" alt="" width="40" height="40" /><span>${words.product}</span></p>
      <h1>${title}</h1>
      <p class="lead">${lead}</p>
      ${children}
    </div>
    ${switchLanguage && html`<button type="button" class="button quiet" lang=${words.language.otherCode} onClick=${switchLanguage}><${Icon} name="globe" />${words.language.other}</button>`}
  </main>`;
}

export function Field({ label, name, value, input, refer, help, fault, ...rest }) {
  return html`<div class="field">
    <label for=${name}>${label}</label>
    <input id=${name} name=${name} value=${value} ref=${refer} onInput=${(event) => input(event.target.value)}
      autocapitalize="none" spellcheck=${false} required
      aria-invalid=${fault ? 'true' : undefined} aria-describedby=${fault ? 'fault' : help ? `${name}-help` : undefined} ...${rest} />
    ${help && html`<p class="small" id="${name}-help">${help}</p>`}
  </div>`;
}

export class PasswordField extends Component {
  state = { shown: false };

  render({ value, input, refer, autocomplete, help, fault }, { shown }) {
    const label = shown ? words.signIn.hide : words.signIn.show;
    return html`<div class="with-button">
      <${Field} label=${words.signIn.password} name="password" type=${shown ? 'text' : 'password'} value=${value} input=${input} refer=${refer} autocomplete=${autocomplete} help=${help} fault=${fault} />
      <button type="button" class="icon-button quiet" aria-label=${label} title=${label} aria-pressed=${shown ? 'true' : 'false'} onClick=${() => this.setState({ shown: !shown })}><${Icon} name="eye" /></button>
    </div>`;
  }
}
