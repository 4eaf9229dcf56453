// Maps the address to a view. The address is the only state of the navigation, so Back and bookmarks work. What someone searches
// for, often a name or an e-mail address, is in the fragment (`#q=…`): browsers send it nowhere, so no log and no `Referer` has it.
const sections = ['refused', 'stats', 'audit', 'status', 'account', 'setup', 'sign-in'];

let listener = () => {};

/** Calls back whenever the address changes: by a link, by Back or by `navigate`. */
export function onNavigate(callback) {
  listener = callback;
  moveSearchToFragment();
  addEventListener('popstate', () => {
    moveSearchToFragment();
    listener();
  });
  document.addEventListener('click', interceptLink);
}

/** Bookmarks of earlier versions have the search in the query. */
function moveSearchToFragment() {
  const { pathname, search, hash } = location;
  const query = new URLSearchParams(search);
  const q = query.get('q');
  if (q === null) return;
  query.delete('q');
  const rest = query.toString();
  history.replaceState(null, '', pathname + (rest ? `?${rest}` : '') + (hash || searchFragment(q)));
}

function searchFragment(q) {
  return q ? `#${new URLSearchParams({ q })}` : '';
}

/** The parameters of an address with the search in its fragment. */
function withSearch(query) {
  const q = new URLSearchParams(location.hash.slice(1)).get('q');
  query.delete('q');
  if (q) query.set('q', q);
  return query;
}

/** @returns {Route} */
export function currentRoute() {
  const [section = '', id = null, ...rest] = location.pathname.replace(/\/+$/, '').split('/').slice(2);
  const query = new URLSearchParams(location.search);
  if (section === 'leads' && id !== null && rest.length === 0) return { name: 'lead', id, query: withSearch(query) };
  if (section === 'refused' && id !== null && rest.length === 0) return { name: 'refused', id, query };
  if (section === '') return { name: 'inbox', id: null, query: withSearch(query) };
  return { name: id === null && sections.includes(section) ? section : 'unknown', id: null, query };
}

/** @param {string} url */
export function navigate(url, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
  listener();
}

/** The address of a view; empty parameters are left out. */
export function href(path, { q, ...parameters } = /** @type {Record<string, any>} */ ({})) {
  const present = Object.entries(parameters).filter(([, value]) => value);
  const query = new URLSearchParams(present).toString();
  return `/admin${path}${query ? `?${query}` : ''}${searchFragment(q)}`;
}

function interceptLink(event) {
  const link = event.target.closest?.('a[href]');
  const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
  if (!link || modified || event.defaultPrevented || link.target || link.hasAttribute('download')) return;
  if (link.origin !== location.origin || !/^\/admin(\/(?!api|assets)|$)/.test(link.pathname)) return;
  event.preventDefault();
  if (link.href !== location.href) navigate(link.pathname + link.search + link.hash);
}
