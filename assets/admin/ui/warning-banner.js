// The warnings of the server as one line under the top bar. Those that mean a loss stay; the others can be put away, since not
// everybody can do something about them: their mark in the navigation stays.
import { html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { readSetting, saveSetting } from '/admin/assets/lib/storage.js';
import { notify, store } from '/admin/assets/lib/store.js';
import { Icon } from '/admin/assets/ui/icon.js';

/** Warnings that mean loss of data or of its integrity. */
const critical = ['chain_broken', 'writer_failing'];
const setting = 'warnings-put-away';

function putAway() {
  saveSetting(setting, store.warnings.map(({ code }) => code).join(' '));
  notify();
  document.getElementById('main')?.focus({ preventScroll: true });
}

export function WarningBanner() {
  const danger = store.warnings.some(({ code }) => critical.includes(code));
  const known = readSetting(setting)?.split(' ') ?? [];
  if (!danger && store.warnings.every(({ code }) => known.includes(code))) return null;
  return html`<div class="banner ${danger ? 'danger' : 'warning'}" role="alert">
    <${Icon} name="warning" />
    <a href="/admin/status">${store.warnings.map(({ code, detail }) => t.serverStatus.warnings[code] ?? detail).join(' ')}</a>
    ${!danger && html`<button type="button" class="icon-button quiet" aria-label=${t.banner.putAway} title=${t.banner.putAway} onClick=${putAway}><${Icon} name="cross" /></button>`}
  </div>`;
}
