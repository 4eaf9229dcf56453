// The entry point: language, session, and the view of the current route. Features know nothing of each other; they are
// connected here.
import { Account } from '/admin/assets/features/account/account.js';
import { Audit } from '/admin/assets/features/audit/audit.js';
import { SignIn } from '/admin/assets/features/auth/sign-in.js';
import { ExportDialog } from '/admin/assets/features/inbox/export-dialog.js';
import { Inbox } from '/admin/assets/features/inbox/inbox.js';
import { leadList } from '/admin/assets/features/inbox/lead-list.js';
import { Lead } from '/admin/assets/features/lead/lead.js';
import { Refused } from '/admin/assets/features/refused/refused.js';
import { fetchRefusedCount, setRefusedCount } from '/admin/assets/features/refused/refused-count.js';
import { Setup } from '/admin/assets/features/setup/setup.js';
import { Stats } from '/admin/assets/features/stats/stats.js';
import { fetchStatus, Status } from '/admin/assets/features/status/status.js';
import { del, get } from '/admin/assets/lib/api-client.js';
import { onServerEvent, startEvents, stopEvents } from '/admin/assets/lib/event-stream.js';
import { leadFilter } from '/admin/assets/lib/filter.js';
import { formatNumber } from '/admin/assets/lib/format.js';
import { html, Component, render } from '/admin/assets/lib/html.js';
import { isolate, loadLanguage, preferredLanguage, setLanguage, t } from '/admin/assets/lib/i18n.js';
import { addShortcuts } from '/admin/assets/lib/keyboard-shortcuts.js';
import { alertOfLead } from '/admin/assets/lib/lead-alerts.js';
import { announce } from '/admin/assets/lib/live-region.js';
import { currentRoute, href, navigate, onNavigate } from '/admin/assets/lib/router.js';
import { onNotificationClick, registerServiceWorker } from '/admin/assets/lib/service-worker.js';
import { endSession, startSession } from '/admin/assets/lib/session.js';
import { notify, store, subscribe } from '/admin/assets/lib/store.js';
import { showToast } from '/admin/assets/lib/toast.js';
import { EmptyState, Skeleton } from '/admin/assets/ui/components.js';
import { HelpDialog } from '/admin/assets/ui/help-dialog.js';
import { ErrorState } from '/admin/assets/ui/load-error.js';
import { EmptyShell, Shell } from '/admin/assets/ui/shell.js';

const minute = 60_000; // milliseconds
const statusInterval = 5; // minutes

const views = { inbox: Inbox, lead: Inbox, refused: Refused, stats: Stats, audit: Audit, status: Status, account: Account };
/** Views that hold what is shown only once; a change of language leaves them as they are. */
const kept = [Account];

class App extends Component {
  /** @type {{error: any}} */
  state = { error: null };
  /** Rendered last. @type {Route | undefined} */
  route;

  componentDidMount() {
    subscribe(() => this.forceUpdate());
    onNavigate(() => this.onNavigate());
    onServerEvent((event) => leadList.onServerEvent(event));
    onServerEvent(alertOfLead);
    onServerEvent(({ type, data }) => type === 'refusals' && setRefusedCount(data.open));
    onNotificationClick(() => navigate('/admin'));
    addShortcuts({ '?': () => this.openHelp() });
    setInterval(() => this.onMinute(), minute);
    this.loadSession().finally(registerServiceWorker);
  }

  componentDidUpdate() {
    document.title = this.title();
    if (store.session === null) this.clearPersonalData();
  }

  /** Asks who is signed in. Until the server has answered, nothing is shown. */
  loadSession = async () => {
    // A setup link is for whoever opens it, also where somebody is signed in.
    if (isSetupLink()) return endSession(null);
    // The list is asked for at the same time: the server decides by the cookie, and the page shows nothing without a session.
    const route = currentRoute();
    if (views[route.name] === Inbox) leadList.setFilter(leadFilter(route.query));
    try {
      this.onSession(await get('session'));
    } catch (error) {
      leadList.clear();
      if (error.status !== 401) return this.setState({ error });
      endSession(null);
    }
    this.setState({ error: null });
  };

  onSignIn = (session) => {
    this.onSession(session);
    if (session.recovery_codes_left === undefined) return;
    // The person needs a second factor that works, or new codes.
    navigate('/admin/account');
    announce(t.account.recoveryCodeUsed(session.recovery_codes_left));
  };

  onSession(session) {
    startSession(session);
    if (['sign-in', 'setup'].includes(currentRoute().name)) navigate('/admin', { replace: true });
    // Also where another view comes first: new leads are announced in all of them.
    if (views[currentRoute().name] !== Inbox) leadList.setFilter({});
    startEvents();
    this.fetchStanding();
    notify();
  }

  signOut = async () => {
    try {
      await del('session');
    } catch (error) {
      // The session is still valid: the page must not say that it is closed.
      if (error.status !== 401) return showToast(t.nav.signOutFailed, 'warning');
    }
    endSession('signed-out');
    navigate('/admin/sign-in');
  };

  /** Nothing about leads stays in the page after a session. */
  clearPersonalData() {
    stopEvents();
    leadList.clear();
    store.leadName = null;
    store.warnings = [];
    store.refusedCount = 0;
  }

  switchLanguage = async () => {
    await setLanguage(/** @type {import('/admin/assets/lib/i18n.js').Language} */ (t.language.otherCode));
    notify();
  };

  openHelp() {
    if (!store.session) return false;
    store.dialog = 'help';
    notify();
  }

  closeDialog = () => {
    store.dialog = null;
    notify();
  };

  onNavigate() {
    const route = currentRoute();
    const previous = this.route;
    store.dialog = null;
    if (previous?.name === 'setup' && !store.session) this.loadSession();
    notify();
    const isInbox = views[route.name] === Inbox;
    const sameView = isInbox ? views[previous?.name] === Inbox : previous?.name === route.name && previous.id === route.id;
    if (sameView) return;
    requestAnimationFrame(() => {
      // The inbox returns to where it was left.
      if (!isInbox) scrollTo(0, 0);
      document.getElementById('main')?.focus({ preventScroll: true });
    });
  }

  /** What the navigation says about the server in every view. */
  fetchStanding() {
    fetchStatus().catch(() => {});
    fetchRefusedCount().catch(() => {});
  }

  onMinute() {
    store.minute += 1;
    if (store.session && store.minute % statusInterval === 0) this.fetchStanding();
    notify();
  }

  title() {
    const { name, id } = currentRoute();
    if (!store.session) return `${name === 'setup' ? t.setup.title : t.signIn.title} · ${t.product}`;
    const titles = { account: t.account.title, lead: store.leadName ? isolate(store.leadName) : t.lead.label, inbox: t.inbox.title, refused: id ? t.refused.one : t.refused.title, stats: t.stats.title, audit: t.audit.title, status: t.serverStatus.title };
    const title = titles[name];
    return `${pendingCount()}${title ? `${title} · ` : ''}${t.product}`;
  }

  render() {
    const route = currentRoute();
    this.route = route;
    if (store.session) return this.signedIn(route);
    if (this.state.error) return html`<main class="centered-page"><${ErrorState} heading="h1" error=${this.state.error} retry=${this.loadSession} /></main>`;
    if (store.session === undefined) return html`<${EmptyShell}><${Skeleton} /><//>`;
    const View = route.name === 'setup' ? Setup : SignIn;
    return html`<${View} onSignIn=${this.onSignIn} switchLanguage=${this.switchLanguage} />`;
  }

  /** @param {Route} route */
  signedIn(route) {
    const View = views[route.name];
    const pending = { count: leadList.pending.length, more: leadList.pendingMore, text: leadList.pendingText };
    const inboxHref = View === Inbox ? '/admin' : href('', leadList.filter);
    return html`<${Shell} route=${route} inboxHref=${inboxHref} pending=${pending} signOut=${this.signOut} switchLanguage=${this.switchLanguage}>
      ${View
        ? html`<${View} key=${kept.includes(View) ? View.name : `${View.name}-${t.language.code}`} route=${route}>${route.name === 'lead' && html`<${OpenLead} route=${route} />`}<//>`
        : html`<div class="page"><${EmptyState} heading="h1" icon="search" title=${t.common.unknownPage} text=""><a class="button" href="/admin">${t.common.backToInbox}</a><//></div>`}
    <//>
    ${store.dialog === 'export' && html`<${ExportDialog} close=${this.closeDialog} />`}
    ${store.dialog === 'help' && html`<${HelpDialog} close=${this.closeDialog} />`}`;
  }
}

/** The lead of the route, with the neighbors it has in the inbox. */
function OpenLead({ route }) {
  return html`<${Lead} id=${route.id} filter=${leadFilter(route.query)} neighborId=${(id, step) => leadList.neighborId(id, step)} />`;
}

function isSetupLink() {
  return currentRoute().name === 'setup' && location.hash.length > 1;
}

/** The number of new leads that are not shown yet, for the page's title. */
function pendingCount() {
  const { pending, pendingMore } = leadList;
  return pending.length === 0 ? '' : `(${formatNumber(pending.length)}${pendingMore ? '+' : ''}) `;
}

// Only French is kept with the page: another language may be out of reach.
await loadLanguage(preferredLanguage()).catch(() => loadLanguage('fr'));
const app = /** @type {HTMLElement} */ (document.getElementById('app'));
// What index.html shows until now.
app.replaceChildren();
render(html`<${App} />`, app);
