// Maps the address to a view. The address is the only state of the navigation, so Back and bookmarks work.
const sections = ['stats', 'audit', 'status', 'account', 'setup', 'sign-in'];

let listener = () => {};

/** Calls back whenever the address changes: by a link, by Back or by `navigate`. */
export function onNavigate(callback) {
  listener = callback;
  addEventListener('popstate', () => listener());
  document.addEventListener('click', interceptLink);
}

/** @returns {Route} */
export function currentRoute() {
  const [section = '', id = null, ...rest] = location.pathname.replace(/\/+$/, '').split('/').slice(2);
  const query = new URLSearchParams(location.search);
  if (section === 'leads' && id !== null && rest.length === 0) return { name: 'lead', id, query };
  if (section === '') return { name: 'inbox', id: null, query };
  return { name: id === null && sections.includes(section) ? section : 'unknown', id: null, query };
}

/** @param {string} url */
export function navigate(url, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
  listener();
}

/** The address of a view; empty parameters are left out. */
export function href(path, parameters = {}) {
  const present = Object.entries(parameters).filter(([, value]) => value);
  const query = new URLSearchParams(present).toString();
  return `/admin${path}${query ? `?${query}` : ''}`;
}

function interceptLink(event) {
  const link = event.target.closest?.('a[href]');
  const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
  if (!link || modified || event.defaultPrevented || link.target || link.hasAttribute('download')) return;
  if (link.origin !== location.origin || !/^\/admin(\/(?!api|assets)|$)/.test(link.pathname)) return;
  event.preventDefault();
  if (link.href !== location.href) navigate(link.pathname + link.search);
}
