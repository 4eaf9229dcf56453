// Setup: a one-time link opens an account, the first one or a colleague's. The token is in the fragment of the address,
// which browsers never send in a request line; secrets are in memory only, so a reload starts again.
import { normalizeAccountName } from '/admin/assets/lib/account-name.js';
import { post } from '/admin/assets/lib/api-client.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { minPasswordLength, passwordLength, withoutSpaces } from '/admin/assets/lib/password.js';
import { CenteredPage } from '/admin/assets/ui/centered-page.js';
import { Skeleton } from '/admin/assets/ui/components.js';
import { EnrolmentForm } from '/admin/assets/ui/enrolment-form.js';
import { Form, formErrors, missingFields } from '/admin/assets/ui/form.js';
import { FormField, NewPasswordField } from '/admin/assets/ui/form-fields.js';
import { ErrorState } from '/admin/assets/ui/load-error.js';
import { RecoveryCodes } from '/admin/assets/ui/recovery-codes.js';

/** @typedef {'loading' | 'failed' | 'expired' | 'account' | 'second-factor' | 'recovery-codes'} Step */
/**
 * @typedef {{
 *   step: Step,
 *   link: Api.SetupLink | null,
 *   name: string,
 *   password: string,
 *   enrolment: Api.Enrolment | null,
 *   code: string,
 *   session: Api.Session | null,
 *   recoveryCodes: string[],
 *   errors: import('/admin/assets/ui/form.js').FormErrors,
 *   busy: boolean,
 *   loadError: any,
 * }} SetupState
 */

/** @extends {Component<{onSignIn: (session: Api.Session) => void, switchLanguage: () => void}, SetupState>} */
export class Setup extends Component {
  /** @type {SetupState} */
  state = { step: 'loading', link: null, name: '', password: '', enrolment: null, code: '', session: null, recoveryCodes: [], errors: {}, busy: false, loadError: null };
  token = location.hash.slice(1);
  heading = createRef();

  componentDidMount() {
    addEventListener('hashchange', onOtherLink);
    this.load();
  }

  componentWillUnmount() {
    removeEventListener('hashchange', onOtherLink);
  }

  // The first step has a field to start with; the others begin with something to read.
  componentDidUpdate(_, previous) {
    if (previous.step !== this.state.step && this.state.step !== 'account') this.heading.current?.focus();
  }

  load = async () => {
    if (!this.token) return this.setState({ step: 'expired' });
    try {
      const link = await post('setup/link', { token: this.token });
      this.setState({ step: 'account', link, name: link.name ?? '' });
    } catch (error) {
      this.setState(error.code === 'link_expired' ? { step: 'expired' } : { step: 'failed', loadError: error });
    }
  };

  account() {
    const { link, name, password } = this.state;
    return { token: this.token, ...(link?.name ? {} : { name: normalizeAccountName(name) }), password };
  }

  submitAccount = () => {
    const { name, password } = this.state;
    /** @type {import('/admin/assets/ui/form.js').FormErrors} */
    const tooShort = passwordLength(password) < minPasswordLength ? { password: t.form.faults.password_too_short } : {};
    const errors = { ...tooShort, ...missingFields({ name: normalizeAccountName(name), password }) };
    if (Object.keys(errors).length > 0) return this.setState({ errors });
    return this.state.link?.totp === 'none' ? this.create() : this.enrol();
  };

  enrol = () => this.submit(async () => {
    this.setState({ enrolment: await post('setup/enrolment', this.account()), code: '', step: 'second-factor' });
  });

  submitCode = () => {
    const { code, enrolment } = this.state;
    const missing = missingFields({ code });
    if (missing) return this.setState({ errors: missing });
    return this.create({ enrolment: enrolment?.enrolment, code: withoutSpaces(code) });
  };

  create = (secondFactor = {}) => this.submit(async () => {
    const { recovery_codes: recoveryCodes, ...session } = await post('setup', { ...this.account(), ...secondFactor });
    history.replaceState(null, '', location.pathname);
    if (recoveryCodes.length === 0) return this.props.onSignIn(session);
    this.setState({ session, recoveryCodes, step: 'recovery-codes', password: '', enrolment: null, code: '' });
  });

  /** @param {() => Promise<void>} request */
  async submit(request) {
    this.setState({ busy: true, errors: {} });
    try {
      await request();
    } catch (error) {
      await this.onRefusal(error);
    }
    this.setState({ busy: false });
  }

  async onRefusal(error) {
    if (error.code === 'link_expired') return this.setState({ step: 'expired' });
    const errors = formErrors(error);
    if (errors.enrolment) return this.renewEnrolment(errors.enrolment);
    this.setState({ errors, step: errors.name || errors.password ? 'account' : this.state.step });
  }

  /** The proposed second factor was left open for too long. */
  async renewEnrolment(text) {
    await this.enrol();
    this.setState(({ errors }) => ({ errors: { form: text, ...errors } }));
  }

  /**
   * @param {Setup['props']} props
   * @param {Setup['state']} state
   */
  render({ switchLanguage }, { step, loadError }) {
    if (step === 'loading') return html`<main class="centered-page"><${Skeleton} rows=${3} /></main>`;
    if (step === 'failed') return html`<main class="centered-page"><${ErrorState} heading="h1" error=${loadError} retry=${this.load} /></main>`;
    const [title, intro, content] = this[steps[step]]();
    return html`<${CenteredPage} title=${title} intro=${intro} headingRef=${this.heading} switchLanguage=${switchLanguage}>${content}<//>`;
  }

  expiredStep() {
    return [t.setup.expiredTitle, t.setup.expired, html`<a class="button primary wide" href="/admin/sign-in">${t.setup.toSignIn}</a>`];
  }

  accountStep() {
    const { link, name, password, errors, busy } = this.state;
    const accountName = normalizeAccountName(name);
    const isInvitation = link?.kind === 'invitation';
    const nameHelp = accountName && accountName !== name ? t.setup.nameIs(accountName) : t.setup.nameHelp;
    return [
      isInvitation ? t.setup.invitationTitle : t.setup.title,
      isInvitation ? t.setup.invitationIntro : t.setup.intro,
      html`<${Form} errors=${errors} busy=${busy} submit=${link?.totp === 'none' ? t.setup.submit : t.setup.next} onSubmit=${this.submitAccount}>
        ${link?.name
          ? html`<p>${t.setup.nameFixed}<br /><b><bdi>${link.name}</bdi></b></p><input name="username" autocomplete="username" value=${link.name} hidden readonly />`
          : html`<${FormField} label=${t.setup.name} name="username" autocomplete="username" value=${name} help=${nameHelp} error=${errors.name} onValue=${(value) => this.setState({ name: value })} />`}
        <${NewPasswordField} value=${password} error=${errors.password} onValue=${(value) => this.setState({ password: value })} />
      <//>`,
    ];
  }

  secondFactorStep() {
    const { link, enrolment, code, errors, busy } = this.state;
    const skip = link?.totp === 'optional' && html`<button type="button" class="button" disabled=${busy} onClick=${() => this.create()}>${t.setup.skip}</button>`;
    return [
      t.enrolment.title,
      t.enrolment.intro,
      html`<${EnrolmentForm} enrolment=${enrolment} code=${code} onCode=${(value) => this.setState({ code: value })} errors=${errors} busy=${busy} onSubmit=${this.submitCode} actions=${skip} />
        ${skip && html`<p class="small">${t.setup.skipWarning}</p>`}`,
    ];
  }

  recoveryCodesStep() {
    const { session, recoveryCodes } = this.state;
    if (!session) throw new Error('recovery codes come with a session');
    const content = html`<${RecoveryCodes} codes=${recoveryCodes} name=${session.name} onStored=${() => this.props.onSignIn(session)} />`;
    return [t.recoveryCodes.title, t.recoveryCodes.intro, content];
  }
}

const steps = {
  expired: 'expiredStep',
  account: 'accountStep',
  'second-factor': 'secondFactorStep',
  'recovery-codes': 'recoveryCodesStep',
};

/** Another link was opened in the same tab: only the fragment of the address has changed. */
function onOtherLink() {
  location.reload();
}
