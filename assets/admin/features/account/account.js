// The account that is signed in: password, second factor, recovery codes and sessions. Each section has a form; one is
// open at a time.
import { LeadAlerts } from '/admin/assets/features/account/lead-alerts.js';
import { PasswordForm } from '/admin/assets/features/account/password-form.js';
import { RecoveryCodesForm } from '/admin/assets/features/account/recovery-codes-form.js';
import { SecondFactorForm } from '/admin/assets/features/account/second-factor-form.js';
import { Section } from '/admin/assets/features/account/section.js';
import { Sessions } from '/admin/assets/features/account/sessions.js';
import { get } from '/admin/assets/lib/api-client.js';
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { store } from '/admin/assets/lib/store.js';
import { showToast } from '/admin/assets/lib/toast.js';
import { Skeleton } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';
import { ErrorState } from '/admin/assets/ui/load-error.js';

/** So many recovery codes are few. */
const fewRecoveryCodes = 3;

/** @typedef {'password' | 'second-factor' | 'recovery-codes'} SectionName */
/**
 * `showsCodes`: the open form shows recovery codes, which must not be closed by accident.
 * @typedef {{account: Api.Account | null, open: SectionName | null, showsCodes: boolean, error: any}} AccountState
 */

/** @extends {Component<{}, AccountState>} */
export class Account extends Component {
  /** @type {AccountState} */
  state = { account: null, open: null, showsCodes: false, error: null };
  /** @type {AbortController | undefined} */
  abort;

  componentDidMount() {
    this.load();
  }

  componentWillUnmount() {
    this.abort?.abort();
  }

  load = async () => {
    this.abort?.abort();
    const { signal } = (this.abort = new AbortController());
    try {
      this.setState({ account: await get('account', {}, signal), error: null });
    } catch (error) {
      if (!signal.aborted) this.setState({ error });
    }
  };

  /** @param {SectionName | null} open */
  open(open) {
    this.setState({ open, showsCodes: false });
  }

  /** @param {string} text */
  onDone = (text) => {
    this.open(null);
    showToast(text);
    this.load();
  };

  // The lost phone is of no more concern.
  onSecondFactor = () => {
    delete store.session?.recovery_codes_left;
    this.onDone(t.account.secondFactorChanged);
  };

  /**
   * @param {Account['props']} _
   * @param {Account['state']} state
   */
  render(_, { account, error }) {
    return html`<div class="page account-page">
      <h1>${t.account.title}</h1>
      ${error ? html`<${ErrorState} error=${error} retry=${this.load} />` : !account ? html`<${Skeleton} rows=${4} />` : this.sections(account)}
    </div>`;
  }

  /** @param {Api.Account} account */
  sections(account) {
    const { name, totp, sessions } = account;
    return html`
      <p class="page-intro">${t.account.signedInAs} <b><bdi>${name}</bdi></b></p>
      ${this.recoveryCodeNotice(account)}
      <${Section} title=${t.account.password} text=${t.account.passwordText} ...${this.section('password', t.account.changePassword)}>
        <${PasswordForm} account=${name} cancel=${() => this.open(null)} done=${() => this.onDone(t.account.passwordChanged)} />
      <//>
      <${Section} title=${t.account.secondFactor} text=${totp ? t.account.secondFactorOn : t.account.secondFactorOff} state=${totp ? 'success' : 'warning'}
        ...${this.section('second-factor', totp ? t.account.replaceSecondFactor : t.account.setUpSecondFactor)}>
        <${SecondFactorForm} account=${name} replaces=${totp} cancel=${() => this.open(null)} onCodes=${this.onCodes} done=${this.onSecondFactor} />
      <//>
      ${totp && this.recoveryCodes(account)}
      <${LeadAlerts} />
      <${Sessions} sessions=${sessions} reload=${this.load} />`;
  }

  /** @param {Api.Account} account */
  recoveryCodes({ name, recovery_codes_left: left }) {
    return html`<${Section} title=${t.recoveryCodes.title} text=${t.account.recoveryCodesLeft(left)} state=${left <= fewRecoveryCodes ? 'warning' : 'success'}
      ...${this.section('recovery-codes', t.account.renewRecoveryCodes)}>
      <${RecoveryCodesForm} account=${name} cancel=${() => this.open(null)} onCodes=${this.onCodes} done=${() => this.onDone(t.account.recoveryCodesRenewed)} />
    <//>`;
  }

  onCodes = () => this.setState({ showsCodes: true });

  /**
   * @param {SectionName} name
   * @param {string} action
   */
  section(name, action) {
    const { open, showsCodes } = this.state;
    return { action, isOpen: open === name, disabled: showsCodes, onOpen: () => this.open(name) };
  }

  /** After a sign-in with a recovery code. The server says then how many are left. */
  recoveryCodeNotice({ recovery_codes_left: left }) {
    if (store.session?.recovery_codes_left === undefined) return null;
    return html`<p class="form-notice"><${Icon} name="warning" /><span>${t.account.recoveryCodeUsed(left)}</span></p>`;
  }
}
