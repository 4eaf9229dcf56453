// Sets up a second factor, or another in its place (a new phone): the password, a QR code, recovery codes.
import { CancelButton, PasswordStep } from '/admin/assets/features/account/password-step.js';
import { StepHeading } from '/admin/assets/features/account/step-heading.js';
import { post } from '/admin/assets/lib/api-client.js';
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { withoutSpaces } from '/admin/assets/lib/password.js';
import { EnrolmentForm } from '/admin/assets/ui/enrolment-form.js';
import { formErrors, missingFields } from '/admin/assets/ui/form.js';
import { RecoveryCodes } from '/admin/assets/ui/recovery-codes.js';

/** @typedef {{password: string, enrolment: Api.Enrolment | null, code: string, recoveryCodes: string[] | null, errors: import('/admin/assets/ui/form.js').FormErrors, busy: boolean}} SecondFactorFormState */

/** @extends {Component<{account: string, replaces: boolean, cancel: () => void, onCodes: () => void, done: () => void}, SecondFactorFormState>} */
export class SecondFactorForm extends Component {
  /** @type {SecondFactorFormState} */
  state = { password: '', enrolment: null, code: '', recoveryCodes: null, errors: {}, busy: false };

  enrol = () => {
    const { password } = this.state;
    return this.submit({ password }, async () => {
      this.setState({ enrolment: await post('account/enrolment', { password }), code: '' });
    });
  };

  confirm = () => {
    const { password, enrolment, code } = this.state;
    return this.submit({ code }, async () => {
      const { recovery_codes: recoveryCodes } = await post('account/totp', { password, enrolment: enrolment?.enrolment, code: withoutSpaces(code) });
      this.setState({ recoveryCodes, password: '', enrolment: null, code: '' });
      this.props.onCodes();
    });
  };

  /**
   * @param {Record<string, string>} required values by field
   * @param {() => Promise<void>} request
   */
  async submit(required, request) {
    const missing = missingFields(required);
    if (missing) return this.setState({ errors: missing });
    this.setState({ busy: true, errors: {} });
    try {
      await request();
    } catch (error) {
      await this.onRefusal(formErrors(error));
    }
    this.setState({ busy: false });
  }

  /** @param {SecondFactorFormState['errors']} errors */
  async onRefusal(errors) {
    if (errors.enrolment) return this.renewEnrolment(errors.enrolment);
    // The password may have been changed elsewhere meanwhile.
    this.setState({ errors, ...(errors.password ? { enrolment: null } : {}) });
  }

  /** The proposed second factor was left open for too long. */
  async renewEnrolment(text) {
    await this.enrol();
    this.setState(({ errors }) => ({ errors: { form: text, ...errors } }));
  }

  /**
   * @param {SecondFactorForm['props']} props
   * @param {SecondFactorForm['state']} state
   */
  render({ account, replaces, cancel, done }, { password, enrolment, code, recoveryCodes, errors, busy }) {
    if (recoveryCodes) {
      return html`<${StepHeading} key="codes" text=${t.recoveryCodes.intro} /><${RecoveryCodes} codes=${recoveryCodes} name=${account} onStored=${done} />`;
    }
    if (enrolment) {
      return html`<${StepHeading} key="enrolment" text=${t.enrolment.intro} />
        <${EnrolmentForm} enrolment=${enrolment} code=${code} onCode=${(value) => this.setState({ code: value })} errors=${errors} busy=${busy} onSubmit=${this.confirm} actions=${html`<${CancelButton} cancel=${cancel} />`} />`;
    }
    return html`<${PasswordStep} account=${account} help=${replaces ? t.account.replaceHelp : t.account.setUpHelp} password=${password} onPassword=${(value) => this.setState({ password: value })}
      errors=${errors} busy=${busy} submit=${t.setup.next} onSubmit=${this.enrol} cancel=${cancel} />`;
  }
}
