// The service worker: keeps the page and its files, so that the page opens without waiting for the network, and without one.
// Never a lead: what comes from /admin/api is not looked at. Not part of the page's script: it stays where it is, unhashed.
const worker = /** @type {any} */ (self);
const cacheName = 'fastcore-page-1';
/** One page has all views. */
const page = '/admin';
const views = /^\/admin(\/(leads\/[^/]+|refused(\/[^/]+)?|stats|audit|status|account|sign-in))?$/;
const files = '/admin/assets/';
/** What varies by `Origin` and `Accept-Encoding` is the same to the page. */
const anyForm = { ignoreVary: true };
const patience = 1000; // milliseconds after which the kept page is shown while the server's is on its way

worker.addEventListener('install', (event) => {
  event.waitUntil(fetch(page).then(keepPage).then(() => worker.skipWaiting()));
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(removeOtherCaches().then(() => worker.clients.claim()));
});

worker.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== 'GET' || origin !== location.origin) return;
  if (mode === 'navigate' && views.test(pathname)) event.respondWith(openPage(event));
  else if (pathname.startsWith(files)) event.respondWith(openFile(event.request));
});

/** A click on a notification shows the inbox. */
worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(showInbox());
});

/** The server's page, so that no old one is shown after an upgrade; the kept one if the server is slow, fails or is not there. */
async function openPage(event) {
  const kept = await caches.match(page, anyForm);
  const fetched = fetch(event.request).then((response) => {
    event.waitUntil(keepPage(response.clone()).catch(() => {}));
    return response.status < 500 ? response : (kept ?? response);
  });
  if (!kept) return fetched;
  const late = new Promise((resolve) => setTimeout(resolve, patience, kept));
  return Promise.race([fetched.catch(() => kept), late]);
}

/** Keeps the page with the files that it names. Those of another page go: their names change with their content. */
async function keepPage(response) {
  if (!response.ok) throw new Error(`${response.status}`);
  const cache = await caches.open(cacheName);
  const text = await response.clone().text();
  if (text === await (await cache.match(page, anyForm))?.text()) return;
  const names = new Set(text.match(/\/admin\/assets\/[\w./-]+/g));
  const kept = new Set((await cache.keys()).map(({ url }) => new URL(url).pathname));
  await cache.addAll([...names].filter((name) => !kept.has(name)));
  await cache.put(page, response);
  for (const name of kept) {
    if (name !== page && !names.has(name)) await cache.delete(name, anyForm);
  }
}

/** Kept when they are asked for, such as another language. */
async function openFile(request) {
  const kept = await caches.match(request.url, anyForm);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) {
    const cache = await caches.open(cacheName);
    await cache.put(request.url, response.clone());
  }
  return response;
}

/** Those of other versions of this file. */
async function removeOtherCaches() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== cacheName).map((name) => caches.delete(name)));
}

async function showInbox() {
  const windows = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const open = windows.find(({ url }) => new URL(url).pathname.startsWith(page));
  if (!open) return worker.clients.openWindow(page);
  await open.focus();
  open.postMessage({ type: 'show-inbox' });
}
