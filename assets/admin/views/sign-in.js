// Signing in: name and password, then a code for the accounts that have one.
import { html, Component, createRef } from '/admin/assets/dom.js';
import { post } from '/admin/assets/api.js';
import { accountName } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { app } from '/admin/assets/state.js';
import { errorText } from '/admin/assets/ui.js';
import { Alone, Field, PasswordField } from '/admin/assets/views/alone.js';

export class SignIn extends Component {
  state = { name: app.lastName, password: '', code: '', step: 'password', busy: false, fault: null };
  first = createRef();
  password = createRef();

  componentDidMount() {
    (app.lastName ? this.password : this.first).current?.focus();
  }

  componentDidUpdate(_, before) {
    if (before.step !== this.state.step) this.first.current?.focus();
  }

  submit = async (event) => {
    event.preventDefault();
    const { name, password, code, step } = this.state;
    if (!name.trim() || !password) return this.setState({ fault: words.signIn.missing });
    this.setState({ busy: true, fault: null });
    try {
      const body = step === 'code' ? { name: accountName(name), password, code: code.replace(/\s/g, '') } : { name: accountName(name), password };
      this.props.entered(await post('session', body));
    } catch (error) {
      this.setState({ busy: false, ...this.refusal(error) });
      if (error.code !== 'code_required') (step === 'code' ? this.first : this.password).current?.select();
    }
  };

  refusal(error) {
    if (error.code === 'code_required') return { step: 'code', code: '', fault: null };
    if (error.code === 'too_many_requests') return { fault: words.signIn.tooMany(Math.ceil((error.retryAfter ?? 60) / 60)) };
    if (error.detail === 'Wrong code') return { fault: words.signIn.wrongCode };
    // Also at the second step: the password may have been changed since the first.
    if (error.code === 'unauthorized') return { step: 'password', fault: words.signIn.wrong };
    return { fault: errorText(error) };
  }

  render(_, { step, busy, fault }) {
    const notice = app.signedOut && !fault && step === 'password' ? words.signIn[app.signedOut] : null;
    return html`<${Alone} title=${step === 'code' ? words.signIn.codeTitle : words.signIn.title} lead=${step === 'code' ? words.signIn.codeHelp : words.signIn.lead} switchLanguage=${this.props.switchLanguage}>
      ${notice && html`<p class="notice" role="status">${notice}</p>`}
      <form onSubmit=${this.submit} novalidate>
        <p id="fault" class="fault" role="alert">${fault}</p>
        ${step === 'password' ? this.nameAndPassword() : this.codeField()}
        <button type="submit" class="button primary wide" disabled=${busy}>
          ${busy ? words.signIn.busy : step === 'code' ? words.signIn.confirm : words.signIn.submit}
        </button>
        ${step === 'code' && html`<button type="button" class="button wide" onClick=${() => this.setState({ step: 'password', fault: null })}>${words.signIn.back}</button>`}
      </form>
      ${step === 'password' && html`<p class="small">${words.signIn.forgotten}</p>`}
    <//>`;
  }

  nameAndPassword() {
    const { name, password, fault } = this.state;
    return html`
      <${Field} label=${words.signIn.name} name="username" value=${name} refer=${this.first} autocomplete="username" fault=${fault} input=${(value) => this.setState({ name: value })} />
      <${PasswordField} refer=${this.password} value=${password} autocomplete="current-password" fault=${fault} input=${(value) => this.setState({ password: value })} />`;
  }

  codeField() {
    const { code, fault } = this.state;
    return html`<${Field} label=${words.signIn.code} name="code" value=${code} refer=${this.first} autocomplete="one-time-code" inputmode="numeric" fault=${fault} input=${(value) => this.setState({ code: value })} />`;
  }
}
