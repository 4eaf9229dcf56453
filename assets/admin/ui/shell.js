// The frame around every view: top bar, navigation, account menu, banners, toast.
import { formatNumber } from '/admin/assets/lib/format.js';
import { html } from '/admin/assets/lib/html.js';
import { isolate, t } from '/admin/assets/lib/i18n.js';
import { notify, store } from '/admin/assets/lib/store.js';
import { Icon } from '/admin/assets/ui/icon.js';
import { WarningBanner } from '/admin/assets/ui/warning-banner.js';

const sections = [
  { name: 'inbox', routes: ['inbox', 'lead'] },
  { name: 'refused', href: '/admin/refused', routes: ['refused'] },
  { name: 'stats', href: '/admin/stats', routes: ['stats'] },
  { name: 'audit', href: '/admin/audit', routes: ['audit'] },
  { name: 'status', href: '/admin/status', routes: ['status'] },
];

/**
 * @param {{
 *   route: Route,
 *   inboxHref: string,
 *   pending: {count: number, more: boolean, text: string},
 *   signOut: () => void,
 *   switchLanguage: () => void,
 *   children?: any,
 * }} props `inboxHref`: the inbox as it was left; `pending`: leads that are not shown yet
 */
export function Shell({ route, inboxHref, pending, signOut, switchLanguage, children }) {
  return html`<div class="shell ${['inbox', 'lead'].includes(route.name) ? 'full-height' : ''}">
    <a class="skip-link" href="#main" onClick=${skipToMain}>${t.nav.skip}</a>
    <header class="top-bar">
      <a class="brand" href="/admin"><img src="/admin/assets/icon.svg" alt="" width="28" height="28" /><span>${t.product}</span></a>
      <${Navigation} route=${route} inboxHref=${inboxHref} pending=${pending} />
      <${Account} signOut=${signOut} switchLanguage=${switchLanguage} />
    </header>
    <div class="banners">
      ${store.offline && html`<p class="banner neutral" role="status"><${Icon} name="offline" /><span>${t.banner.offline}</span></p>`}
      ${route.name !== 'status' && html`<${WarningBanner} />`}
    </div>
    <main id="main" tabindex="-1" class="view-${route.name}">${children}</main>
    ${store.toast && html`<p class="toast" aria-hidden="true"><${Icon} name=${store.toast.icon} />${store.toast.text}</p>`}
  </div>`;
}

/** The frame while it is not known who is signed in: what index.html shows before any script. */
export function EmptyShell({ children }) {
  return html`<div class="shell">
    <header class="top-bar"><span class="brand"><img src="/admin/assets/icon.svg" alt="" width="28" height="28" /><span>${t.product}</span></span></header>
    <div></div>
    <main>${children}</main>
  </div>`;
}

function skipToMain(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function Navigation({ route, inboxHref, pending: { count, more, text } }) {
  return html`<nav class="main-nav" aria-label=${t.nav.label}>
    ${sections.map(({ name, href, routes }) => html`
      <a href=${href ?? inboxHref} aria-current=${routes.includes(route.name) ? 'page' : undefined}>
        <${Icon} name=${name} />
        <span>${t.nav[name]}</span>
        ${name === 'status' && store.warnings.length > 0 && html`<b class="nav-badge warning" title=${t.banner.title}><span aria-hidden="true">!</span><span class="visually-hidden">${t.banner.title}</span></b>`}
        ${name === 'refused' && store.refusedCount > 0 && html`<b class="nav-badge" title=${t.nav.refusedCount(store.refusedCount)}>${formatNumber(store.refusedCount)}</b>`}
        ${name === 'inbox' && count > 0 && html`<b class="nav-badge" title=${text}>${formatNumber(count)}${more ? '+' : ''}</b>`}
      </a>`)}
  </nav>`;
}

function Account({ signOut, switchLanguage }) {
  const closeMenu = () => document.getElementById('account-menu')?.hidePopover();
  const openHelp = () => {
    closeMenu();
    store.dialog = 'help';
    notify();
  };
  const name = store.session?.name ?? '';
  return html`<div class="account">
    <button type="button" class="account-button" popovertarget="account-menu" aria-label=${t.nav.account(isolate(name))}>
      <span class="avatar" aria-hidden="true">${[...name][0].toLocaleUpperCase()}</span>
    </button>
    <div id="account-menu" popover="auto" class="menu">
      <p><small>${t.nav.signedInAs}</small><br /><b><bdi>${name}</bdi></b></p>
      <a href="/admin/account" onClick=${closeMenu}><${Icon} name="person" />${t.account.title}</a>
      <button type="button" lang=${t.language.otherCode} onClick=${switchLanguage}><${Icon} name="globe" />${t.language.other}</button>
      <button type="button" onClick=${openHelp}><${Icon} name="help" />${t.nav.help}</button>
      <button type="button" onClick=${signOut}><${Icon} name="sign-out" />${t.nav.signOut}</button>
    </div>
  </div>`;
}
