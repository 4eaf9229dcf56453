// Which view the address asks for. The address is the only memory of what is looked at, so Back and bookmarks work.
const pages = { '': 'inbox', figures: 'figures', audit: 'audit', state: 'state', welcome: 'welcome', 'sign-in': 'sign-in' };

let changed = () => {};

/** Calls back whenever the address changes, by a link, Back or `go`. */
export function routed(callback) {
  changed = callback;
  addEventListener('popstate', () => changed());
  document.addEventListener('click', followLink);
}

export function route() {
  const parts = location.pathname.replace(/\/+$/, '').split('/').slice(2);
  const query = new URLSearchParams(location.search);
  if (parts[0] === 'leads' && parts.length === 2) return { name: 'lead', id: parts[1], query };
  if (parts.length <= 1) return { name: pages[parts[0] ?? ''] ?? 'unknown', id: null, query };
  return { name: 'unknown', id: null, query };
}

export function go(href, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', href);
  changed();
}

/** A page's address with these parameters; empty ones are left out. */
export function href(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  const query = new URLSearchParams(given).toString();
  return `/admin${path}${query ? `?${query}` : ''}`;
}

function followLink(event) {
  const link = event.target.closest?.('a[href]');
  const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
  if (!link || modified || event.defaultPrevented || link.target || link.hasAttribute('download')) return;
  if (link.origin !== location.origin || !/^\/admin(\/(?!api|assets)|$)/.test(link.pathname)) return;
  event.preventDefault();
  if (link.href !== location.href) go(link.pathname + link.search);
}
