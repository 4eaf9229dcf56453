// Changes the password. The other sessions of the account end.
import { CancelButton, PresentPasswordField, UserNameField } from '/admin/assets/features/account/password-step.js';
import { post } from '/admin/assets/lib/api-client.js';
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { minPasswordLength, passwordLength } from '/admin/assets/lib/password.js';
import { Form, formErrors, missingFields } from '/admin/assets/ui/form.js';
import { NewPasswordField } from '/admin/assets/ui/form-fields.js';

/** @typedef {{password: string, newPassword: string, errors: import('/admin/assets/ui/form.js').FormErrors, busy: boolean}} PasswordFormState */

/** @extends {Component<{account: string, cancel: () => void, done: () => void}, PasswordFormState>} */
export class PasswordForm extends Component {
  /** @type {PasswordFormState} */
  state = { password: '', newPassword: '', errors: {}, busy: false };

  /** @returns {PasswordFormState['errors'] | null} */
  localErrors() {
    const { password, newPassword } = this.state;
    const missing = missingFields({ password, new_password: newPassword });
    if (missing) return missing;
    return passwordLength(newPassword) < minPasswordLength ? { new_password: t.form.faults.password_too_short } : null;
  }

  onSubmit = async () => {
    const errors = this.localErrors();
    if (errors) return this.setState({ errors });
    this.setState({ busy: true, errors: {} });
    try {
      await post('account/password', { password: this.state.password, new_password: this.state.newPassword });
      this.props.done();
    } catch (error) {
      this.setState({ busy: false, errors: formErrors(error) });
    }
  };

  /**
   * @param {PasswordForm['props']} props
   * @param {PasswordForm['state']} state
   */
  render({ account, cancel }, { password, newPassword, errors, busy }) {
    return html`<p>${t.account.passwordHelp}</p>
      <${Form} errors=${errors} busy=${busy} submit=${t.account.savePassword} onSubmit=${this.onSubmit} actions=${html`<${CancelButton} cancel=${cancel} />`}>
        <${UserNameField} account=${account} />
        <${PresentPasswordField} value=${password} error=${errors.password} onValue=${(value) => this.setState({ password: value })} />
        <${NewPasswordField} label=${t.account.newPassword} name="new_password" value=${newPassword} error=${errors.new_password} onValue=${(value) => this.setState({ newPassword: value })} />
      <//>`;
  }
}
