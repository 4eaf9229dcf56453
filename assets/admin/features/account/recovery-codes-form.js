// Makes new recovery codes; the old ones end.
import { PasswordStep } from '/admin/assets/features/account/password-step.js';
import { StepHeading } from '/admin/assets/features/account/step-heading.js';
import { post } from '/admin/assets/lib/api-client.js';
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { formErrors, missingFields } from '/admin/assets/ui/form.js';
import { RecoveryCodes } from '/admin/assets/ui/recovery-codes.js';

/** @typedef {{password: string, recoveryCodes: string[] | null, errors: import('/admin/assets/ui/form.js').FormErrors, busy: boolean}} RecoveryCodesFormState */

/** @extends {Component<{account: string, cancel: () => void, onCodes: () => void, done: () => void}, RecoveryCodesFormState>} */
export class RecoveryCodesForm extends Component {
  /** @type {RecoveryCodesFormState} */
  state = { password: '', recoveryCodes: null, errors: {}, busy: false };

  renew = async () => {
    const { password } = this.state;
    const missing = missingFields({ password });
    if (missing) return this.setState({ errors: missing });
    this.setState({ busy: true, errors: {} });
    try {
      const { recovery_codes: recoveryCodes } = await post('account/recovery-codes', { password });
      this.setState({ recoveryCodes, password: '' });
      this.props.onCodes();
    } catch (error) {
      this.setState({ errors: formErrors(error) });
    }
    this.setState({ busy: false });
  };

  /**
   * @param {RecoveryCodesForm['props']} props
   * @param {RecoveryCodesForm['state']} state
   */
  render({ account, cancel, done }, { password, recoveryCodes, errors, busy }) {
    if (recoveryCodes) {
      return html`<${StepHeading} text=${t.recoveryCodes.intro} /><${RecoveryCodes} codes=${recoveryCodes} name=${account} onStored=${done} />`;
    }
    return html`<${PasswordStep} account=${account} help=${t.account.renewHelp} password=${password} onPassword=${(value) => this.setState({ password: value })}
      errors=${errors} busy=${busy} submit=${t.account.makeRecoveryCodes} onSubmit=${this.renew} cancel=${cancel} />`;
  }
}
