// Setup: creates the first account with the one-time link of the first start. The token is in the fragment of the address,
// which browsers never send in a request line.
import { normalizeAccountName } from '/admin/assets/lib/account-name.js';
import { post } from '/admin/assets/lib/api-client.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { CenteredPage } from '/admin/assets/ui/centered-page.js';
import { errorText } from '/admin/assets/ui/components.js';
import { FormError, FormField, PasswordField } from '/admin/assets/ui/form-fields.js';

const minPasswordLength = 12; // characters

/** @typedef {{name: string, password: string, busy: boolean, error: string | null, expired: boolean}} SetupState */

const setupToken = () => location.hash.slice(1);

/** @extends {Component<{onSignIn: (session: Api.Session) => void, switchLanguage: () => void}, SetupState>} */
export class Setup extends Component {
  /** @type {SetupState} */
  state = { name: '', password: '', busy: false, error: null, expired: !setupToken() };
  firstField = createRef();

  componentDidMount() {
    this.firstField.current?.focus();
  }

  onSubmit = async (event) => {
    event.preventDefault();
    const { name, password } = this.state;
    if (!name.trim() || [...password].length < minPasswordLength) return this.setState({ error: t.setup.passwordHelp });
    this.setState({ busy: true, error: null });
    try {
      this.props.onSignIn(await post('setup', { token: setupToken(), name: normalizeAccountName(name), password }));
    } catch (error) {
      const known = { link_expired: { expired: true }, validation_error: { error: t.setup.invalid } };
      this.setState({ busy: false, ...(known[error.code] ?? { error: errorText(error) }) });
    }
  };

  /**
   * @param {Setup['props']} props
   * @param {Setup['state']} state
   */
  render({ switchLanguage }, { name, password, busy, error, expired }) {
    if (expired) {
      return html`<${CenteredPage} title=${t.setup.expiredTitle} intro=${t.setup.expired} switchLanguage=${switchLanguage}>
        <a class="button primary wide" href="/admin/sign-in">${t.setup.toSignIn}</a>
      <//>`;
    }
    const missing = minPasswordLength - [...password].length;
    const accountName = normalizeAccountName(name);
    return html`<${CenteredPage} title=${t.setup.title} intro=${t.setup.intro} switchLanguage=${switchLanguage}>
      <form onSubmit=${this.onSubmit} novalidate>
        <${FormError} error=${error} />
        <${FormField} label=${t.setup.name} name="username" value=${name} inputRef=${this.firstField} autocomplete="username" help=${accountName && accountName !== name ? t.setup.nameIs(accountName) : t.setup.nameHelp} error=${error} onValue=${(value) => this.setState({ name: value })} />
        <${PasswordField} value=${password} autocomplete="new-password" help=${t.setup.passwordHelp} error=${error} onValue=${(value) => this.setState({ password: value })} />
        ${password && html`<p class="small ${missing > 0 ? '' : 'success'}" aria-live="polite">${missing > 0 ? t.setup.missing(missing) : t.setup.longEnough}</p>`}
        <button type="submit" class="button primary wide" disabled=${busy}>${busy ? t.setup.busy : t.setup.submit}</button>
      </form>
    <//>`;
  }
}
