// The service worker (sw.js), where browsers have one: over HTTPS and on the machine itself. Elsewhere the page works without.
const scope = '/admin';

/** Does not delay what the page itself loads. */
export function registerServiceWorker() {
  navigator.serviceWorker?.register('/admin/sw.js', { scope }).catch(() => {});
}

/** @returns {Promise<ServiceWorkerRegistration | undefined>} */
export async function serviceWorker() {
  return navigator.serviceWorker?.getRegistration(scope);
}

/** Calls back when someone has clicked on a notification. */
export function onNotificationClick(callback) {
  navigator.serviceWorker?.addEventListener('message', ({ data }) => {
    if (data.type === 'show-inbox') callback();
  });
}
