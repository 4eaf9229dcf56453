// The page: language, session, the view that the address asks for.
import { confirm } from '/admin/assets/announce.js';
import { del, get, signedOut } from '/admin/assets/api.js';
import { html, Component, render } from '/admin/assets/dom.js';
import { choose, language, preferredLanguage, speak, words } from '/admin/assets/i18n.js';
import { inbox } from '/admin/assets/inbox-list.js';
import { keys } from '/admin/assets/keys.js';
import { forget, listen } from '/admin/assets/live.js';
import { go, route, routed } from '/admin/assets/router.js';
import { app, drawnBy, redraw } from '/admin/assets/state.js';
import { Empty, errorText, Failure, Skeleton } from '/admin/assets/ui.js';
import { Audit } from '/admin/assets/views/audit.js';
import { Export, Help } from '/admin/assets/views/dialogs.js';
import { Figures } from '/admin/assets/views/figures.js';
import { Inbox, waitingCount } from '/admin/assets/views/inbox.js';
import { Shell } from '/admin/assets/views/shell.js';
import { SignIn } from '/admin/assets/views/sign-in.js';
import { readState, State } from '/admin/assets/views/state.js';
import { Welcome } from '/admin/assets/views/welcome.js';

const minute = 60_000;
const stateEvery = 5;
const views = { inbox: Inbox, lead: Inbox, figures: Figures, audit: Audit, state: State };

class App extends Component {
  state = { error: null };

  componentDidMount() {
    drawnBy(() => this.forceUpdate());
    routed(() => this.moved());
    keys({ '?': () => this.open('help') });
    setInterval(() => this.tick(), minute);
    this.ask();
  }

  componentDidUpdate() {
    document.title = this.title();
    if (!app.session) this.forgetPeople();
  }

  /** Who is signed in? Until the answer, nothing is shown. */
  ask = async () => {
    this.setState({ error: null });
    try {
      this.entered(await get('session'));
    } catch (error) {
      if (error.status === 401) signedOut(null);
      else this.setState({ error });
    }
  };

  entered = (session) => {
    app.session = session;
    app.signedOut = null;
    if (['sign-in', 'welcome'].includes(route().name)) go('/admin', { replace: true });
    listen();
    readState().catch(() => {});
    redraw();
  };

  leave = async () => {
    try {
      await del('session');
    } catch (error) {
      // Who is still signed in must not believe otherwise and walk away.
      if (error.status !== 401) return confirm(errorText(error), 'warning');
    }
    signedOut('left');
    go('/admin/sign-in');
  };

  // After a session nothing of the leads stays in the page.
  forgetPeople() {
    forget();
    inbox.forget();
    app.warnings = [];
  }

  switchLanguage = async () => {
    await choose(words.language.otherCode);
    redraw();
  };

  open(dialog) {
    if (!app.session) return false;
    app.dialog = dialog;
    redraw();
  }

  close = () => {
    app.dialog = null;
    redraw();
  };

  moved() {
    const now = route();
    const before = this.view;
    app.dialog = null;
    redraw();
    const same = before === now.name || (views[before] === Inbox && views[now.name] === Inbox);
    if (!same) requestAnimationFrame(() => {
      scrollTo(0, 0);
      document.getElementById('main')?.focus({ preventScroll: true });
    });
  }

  tick() {
    app.minute += 1;
    if (app.session && app.minute % stateEvery === 0) readState().catch(() => {});
    redraw();
  }

  title() {
    const { name } = route();
    const titles = { lead: words.lead.label, inbox: words.inbox.title, figures: words.figures.title, audit: words.audit.title, state: words.state.title };
    const title = app.session ? titles[name] : words.signIn.title;
    return `${app.session ? waitingCount() : ''}${title ? `${title} · ` : ''}${words.product}`;
  }

  render() {
    const now = route();
    this.view = now.name;
    if (app.session) return this.signedIn(now);
    if (this.state.error) return html`<main class="alone"><${Failure} heading="h1" error=${this.state.error} retry=${this.ask} /></main>`;
    if (app.session === undefined) return html`<main class="alone"><${Skeleton} rows=${3} /></main>`;
    if (now.name === 'welcome') return html`<${Welcome} entered=${this.entered} switchLanguage=${this.switchLanguage} />`;
    return html`<${SignIn} entered=${this.entered} switchLanguage=${this.switchLanguage} />`;
  }

  signedIn(now) {
    const View = views[now.name];
    return html`<${Shell} route=${now} account=${{ leave: this.leave, switchLanguage: this.switchLanguage }}>
      ${View ? html`<${View} key="${View.name}-${language}" route=${now} />` : html`<div class="page"><${Empty} heading="h1" icon="search" title=${words.common.unknownPage} text=""><a class="button" href="/admin">${words.common.backToInbox}</a><//></div>`}
    <//>
    ${app.dialog === 'export' && html`<${Export} close=${this.close} />`}
    ${app.dialog === 'help' && html`<${Help} close=${this.close} />`}`;
  }
}

await speak(preferredLanguage());
render(html`<${App} />`, document.getElementById('app'));
