// Sign-in: name and password, then a code for accounts with a second factor.
import { normalizeAccountName } from '/admin/assets/lib/account-name.js';
import { post } from '/admin/assets/lib/api-client.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { store } from '/admin/assets/lib/store.js';
import { CenteredPage } from '/admin/assets/ui/centered-page.js';
import { errorText } from '/admin/assets/ui/components.js';
import { FormError, FormField, PasswordField } from '/admin/assets/ui/form-fields.js';

const defaultRetryAfter = 60; // seconds

/** @typedef {{name: string, password: string, code: string, step: 'password' | 'code', busy: boolean, error: string | null}} SignInState */

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
      this.props.onSignIn(await post('session', step === 'code' ? { ...credentials, code: code.replace(/\s/g, '') } : credentials));
    } catch (error) {
      this.setState({ busy: false, ...this.stateAfter(error) });
      if (error.code !== 'code_required') (step === 'code' ? this.firstField : this.passwordField).current?.select();
    }
  };

  /** @returns {Partial<SignInState>} */
  stateAfter(error) {
    if (error.code === 'code_required') return { step: 'code', code: '', error: null };
    if (error.code === 'too_many_requests') return { error: t.signIn.tooMany(error.retryAfter ?? defaultRetryAfter) };
    if (error.detail === 'Wrong code') return { error: t.signIn.wrongCode };
    // Also at the second step: the password may have been changed since the first.
    if (error.code === 'unauthorized') return { step: 'password', error: t.signIn.wrongPassword };
    return { error: errorText(error) };
  }

  /**
   * @param {SignIn['props']} _
   * @param {SignIn['state']} state
   */
  render(_, { step, busy, error }) {
    const notice = store.signOutReason && !error && step === 'password' ? t.signIn.signOutReasons[store.signOutReason] : null;
    return html`<${CenteredPage} title=${step === 'code' ? t.signIn.codeTitle : t.signIn.title} intro=${step === 'code' ? t.signIn.codeHelp : t.signIn.intro} switchLanguage=${this.props.switchLanguage}>
      ${notice && html`<p class="form-notice" role="status">${notice}</p>`}
      <form onSubmit=${this.onSubmit} novalidate>
        <${FormError} error=${error} />
        ${step === 'password' ? this.passwordStep() : this.codeStep()}
        <button type="submit" class="button primary wide" disabled=${busy}>
          ${busy ? t.signIn.busy : step === 'code' ? t.signIn.submitCode : t.signIn.submit}
        </button>
        ${step === 'code' && html`<button type="button" class="button wide" onClick=${() => this.setState({ step: 'password', error: null })}>${t.signIn.back}</button>`}
      </form>
      ${step === 'password' && html`<p class="small">${t.signIn.forgotPassword}</p>`}
    <//>`;
  }

  passwordStep() {
    const { name, password, error } = this.state;
    return html`
      <${FormField} label=${t.signIn.name} name="username" value=${name} inputRef=${this.firstField} autocomplete="username" error=${error} onValue=${(value) => this.setState({ name: value })} />
      <${PasswordField} inputRef=${this.passwordField} value=${password} autocomplete="current-password" error=${error} onValue=${(value) => this.setState({ password: value })} />`;
  }

  codeStep() {
    const { code, error } = this.state;
    return html`<${FormField} label=${t.signIn.code} name="code" value=${code} inputRef=${this.firstField} autocomplete="one-time-code" inputmode="numeric" error=${error} onValue=${(value) => this.setState({ code: value })} />`;
  }
}
