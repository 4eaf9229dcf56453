// The first account, by the one-time link of the first start. The token stays in the address's fragment: it is in no request line.
import { post } from '/admin/assets/api.js';
import { html, Component, createRef } from '/admin/assets/dom.js';
import { accountName } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { errorText } from '/admin/assets/ui.js';
import { Alone, Field, PasswordField } from '/admin/assets/views/alone.js';

const shortest = 12;

export class Welcome extends Component {
  state = { name: '', password: '', busy: false, fault: null, expired: !location.hash.slice(1) };
  first = createRef();

  componentDidMount() {
    this.first.current?.focus();
  }

  submit = async (event) => {
    event.preventDefault();
    const { name, password } = this.state;
    if (!name.trim() || [...password].length < shortest) return this.setState({ fault: words.welcome.passwordHelp });
    this.setState({ busy: true, fault: null });
    try {
      this.props.entered(await post('first-account', { token: location.hash.slice(1), name: accountName(name), password }));
    } catch (error) {
      const known = { link_expired: { expired: true }, validation_error: { fault: words.welcome.invalid } };
      this.setState({ busy: false, ...(known[error.code] ?? { fault: errorText(error) }) });
    }
  };

  render({ switchLanguage }, { name, password, busy, fault, expired }) {
    if (expired) {
      return html`<${Alone} title=${words.welcome.expiredTitle} lead=${words.welcome.expired} switchLanguage=${switchLanguage}>
        <a class="button primary wide" href="/admin/sign-in">${words.welcome.toSignIn}</a>
      <//>`;
    }
    const missing = shortest - [...password].length;
    return html`<${Alone} title=${words.welcome.title} lead=${words.welcome.lead} switchLanguage=${switchLanguage}>
      <form onSubmit=${this.submit} novalidate>
        <p id="fault" class="fault" role="alert">${fault}</p>
        <${Field} label=${words.welcome.name} name="username" value=${name} refer=${this.first} autocomplete="username" help=${accountName(name) && accountName(name) !== name ? words.welcome.nameIs(accountName(name)) : words.welcome.nameHelp} fault=${fault} input=${(value) => this.setState({ name: value })} />
        <${PasswordField} value=${password} autocomplete="new-password" help=${words.welcome.passwordHelp} fault=${fault} input=${(value) => this.setState({ password: value })} />
        ${password && html`<p class="small ${missing > 0 ? '' : 'good'}" aria-live="polite">${missing > 0 ? words.welcome.missing(missing) : words.welcome.enough}</p>`}
        <button type="submit" class="button primary wide" disabled=${busy}>${busy ? words.welcome.busy : words.welcome.submit}</button>
      </form>
    <//>`;
  }
}
