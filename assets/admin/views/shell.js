// What stands around every view: brand, navigation, account, banners, confirmations.
import { toast } from '/admin/assets/announce.js';
import { html } from '/admin/assets/dom.js';
import { isolate, words } from '/admin/assets/i18n.js';
import { Icon } from '/admin/assets/icons.js';
import { inbox } from '/admin/assets/inbox-list.js';
import { app, redraw } from '/admin/assets/state.js';
import { number } from '/admin/assets/format.js';

const sections = [
  ['inbox', '/admin', ['inbox', 'lead']],
  ['figures', '/admin/figures', ['figures']],
  ['audit', '/admin/audit', ['audit']],
  ['state', '/admin/state', ['state']],
];

export function Shell({ route, account, children }) {
  return html`<div class="shell ${['inbox', 'lead'].includes(route.name) ? 'whole' : ''}">
    <a class="skip" href="#main" onClick=${skip}>${words.nav.skip}</a>
    <header class="top">
      <a class="brand" href="/admin"><img src="/admin/assets/icon.svg" alt="" width="28" height="28" /><span>${words.product}</span></a>
      <${Navigation} route=${route} />
      <${Account} ...${account} />
    </header>
    <div class="banners">
      ${app.offline && html`<p class="banner calm" role="status"><${Icon} name="offline" /><span>${words.banner.offline}</span></p>`}
      ${app.warnings.length > 0 && route.name !== 'state' && html`<${Warnings} />`}
    </div>
    <main id="main" tabindex="-1" class="view-${route.name}">${children}</main>
    ${toast && html`<p class="toast" aria-hidden="true"><${Icon} name=${toast.icon} />${toast.text}</p>`}
  </div>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById('main').focus();
}

function Navigation({ route }) {
  return html`<nav class="sections" aria-label=${words.nav.label}>
    ${sections.map(([name, href, routes]) => html`
      <a href=${href} aria-current=${routes.includes(route.name) ? 'page' : undefined}>
        <${Icon} name=${name} />
        <span>${words.nav[name]}</span>
        ${name === 'inbox' && inbox.waiting.length > 0 && html`<b class="badge" title=${words.nav.newCount(inbox.waiting.length)}>${number(inbox.waiting.length)}${inbox.waitingMore ? '+' : ''}</b>`}
      </a>`)}
  </nav>`;
}

function Account({ leave, switchLanguage }) {
  const help = () => {
    document.getElementById('account').hidePopover();
    app.dialog = 'help';
    redraw();
  };
  return html`<div class="account">
    <button type="button" class="account-button" popovertarget="account" aria-label=${words.nav.account(isolate(app.session.name))}>
      <span class="initial" aria-hidden="true">${[...app.session.name][0].toLocaleUpperCase()}</span>
    </button>
    <div id="account" popover="auto" class="menu">
      <p><small>${words.nav.signedInAs}</small><br /><b><bdi>${app.session.name}</bdi></b></p>
      <button type="button" lang=${words.language.otherCode} onClick=${switchLanguage}><${Icon} name="globe" />${words.language.other}</button>
      <button type="button" onClick=${help}><${Icon} name="help" />${words.nav.help}</button>
      <button type="button" onClick=${leave}><${Icon} name="leave" />${words.nav.signOut}</button>
    </div>
  </div>`;
}

function Warnings() {
  const grave = app.warnings.some(({ code }) => code === 'chain_broken' || code === 'writer_failing');
  return html`<div class="banner ${grave ? 'grave' : 'warn'}" role="alert">
    <${Icon} name="warning" />
    <div>
      <b>${words.banner.title}</b>
      <ul>${app.warnings.map(({ code, detail }) => html`<li>${words.state.warnings[code] ?? detail}</li>`)}</ul>
    </div>
    <a class="button" href="/admin/state">${words.banner.details}</a>
  </div>`;
}
