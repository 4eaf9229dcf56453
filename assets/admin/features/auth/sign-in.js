// Sign-in: name and password, then a code for accounts with a second factor: one of the app, or a recovery code.
import { normalizeAccountName } from '/admin/assets/lib/account-name.js';
import { post } from '/admin/assets/lib/api-client.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { withoutSpaces } from '/admin/assets/lib/password.js';
import { store } from '/admin/assets/lib/store.js';
import { CenteredPage } from '/admin/assets/ui/centered-page.js';
import { errorText } from '/admin/assets/ui/components.js';
import { tooManyText } from '/admin/assets/ui/form.js';
import { CodeField, FormError, FormField, PasswordField } from '/admin/assets/ui/form-fields.js';

/** @typedef {'password' | 'code' | 'recovery-code'} Step */
/** @typedef {{name: string, password: string, code: string, step: Step, busy: boolean, error: string | null}} SignInState */

/** @extends {Component<{onSignIn: (session: Api.Session) => void, switchLanguage: () => void}, SignInState>} */
export class SignIn extends Component {
  /** @type {SignInState} */
  state = { name: store.lastAccountName, password: '', code: '', step: 'password', busy: false, error: null };
  /** The name or the code: the first field of the step. */
  firstField = createRef();
  passwordField = createRef();

  componentDidMount() {
    (store.lastAccountName ? this.passwordField : this.firstField).current?.focus();
  }

  componentDidUpdate(_, previous) {
    if (previous.step !== this.state.step) this.firstField.current?.focus();
  }

  onSubmit = async (event) => {
    event.preventDefault();
    const { name, password, code, step } = this.state;
    if (!name.trim() || !password) return this.setState({ error: t.signIn.missing });
    this.setState({ busy: true, error: null });
    const credentials = { name: normalizeAccountName(name), password };
    try {
      this.props.onSignIn(await post('session', step === 'password' ? credentials : { ...credentials, code: withoutSpaces(code) }));
    } catch (error) {
      this.setState({ busy: false, ...this.stateAfter(error) });
      if (error.code !== 'code_required') (step === 'password' ? this.passwordField : this.firstField).current?.select();
    }
  };

  /** @returns {Partial<SignInState>} */
  stateAfter(error) {
    if (error.code === 'code_required') return { step: 'code', code: '', error: null };
    if (error.code === 'too_many_requests') return { error: tooManyText(error) };
    if (error.detail === 'Wrong code') return { error: this.state.step === 'recovery-code' ? t.signIn.wrongRecoveryCode : t.signIn.wrongCode };
    // Also at the second step: the password may have been changed since the first.
    if (error.code === 'unauthorized') return { step: 'password', error: t.signIn.wrongPassword };
    return { error: errorText(error) };
  }

  /** @param {Step} step */
  goTo(step) {
    this.setState({ step, code: '', error: null });
  }

  /**
   * @param {SignIn['props']} _
   * @param {SignIn['state']} state
   */
  render(_, { step, busy, error }) {
    const notice = store.signOutReason && !error && step === 'password' ? t.signIn.signOutReasons[store.signOutReason] : null;
    const { title, intro, submit } = t.signIn.steps[step];
    return html`<${CenteredPage} title=${title} intro=${intro} switchLanguage=${this.props.switchLanguage}>
      ${notice && html`<p class="form-notice" role="status">${notice}</p>`}
      <form class="form" onSubmit=${this.onSubmit} novalidate>
        <${FormError} error=${error} />
        ${step === 'password' ? this.passwordStep() : this.codeStep()}
        <button type="submit" class="button primary wide" disabled=${busy}>${busy ? t.signIn.busy : submit}</button>
        ${step !== 'password' && html`<button type="button" class="button wide" onClick=${() => this.goTo('password')}>${t.signIn.back}</button>`}
      </form>
      <p class="small">${this.help()}</p>
    <//>`;
  }

  passwordStep() {
    const { name, password, error } = this.state;
    return html`
      <${FormField} label=${t.signIn.name} name="username" value=${name} inputRef=${this.firstField} autocomplete="username" invalid=${Boolean(error)} onValue=${(value) => this.setState({ name: value })} />
      <${PasswordField} inputRef=${this.passwordField} value=${password} autocomplete="current-password" invalid=${Boolean(error)} onValue=${(value) => this.setState({ password: value })} />`;
  }

  codeStep() {
    const { code, error, step } = this.state;
    const field = { value: code, inputRef: this.firstField, invalid: Boolean(error), onValue: (value) => this.setState({ code: value }) };
    // Another element for each, so that a phone changes its keyboard.
    return step === 'code'
      ? html`<${CodeField} key="code" ...${field} />`
      : html`<${FormField} key="recovery-code" label=${t.signIn.recoveryCode} name="recovery-code" autocomplete="off" help=${t.signIn.recoveryCodeHelp} ...${field} />`;
  }

  help() {
    const { step } = this.state;
    if (step === 'password') return t.signIn.forgotPassword;
    if (step === 'recovery-code') return t.signIn.noRecoveryCode;
    return html`${t.signIn.lostPhone} <button type="button" class="link-button" onClick=${() => this.goTo('recovery-code')}>${t.signIn.useRecoveryCode}</button>`;
  }
}
