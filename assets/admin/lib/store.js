// State shared by all views, and the subscription that renders the page after a change.

/** @type {Store} */
export const store = {
  session: undefined,
  lastAccountName: '',
  signOutReason: null,
  offline: false,
  live: false,
  warnings: [],
  refusedCount: 0,
  dialog: null,
  exportError: null,
  leadName: null,
  toast: null,
  minute: 0,
};

let listener = () => {};

/** Sets the one listener that is called after every change. */
export function subscribe(callback) {
  listener = callback;
}

export function notify() {
  listener();
}

/** Records whether the server can be reached. */
export function setOffline(offline) {
  if (store.offline === offline) return;
  store.offline = offline;
  notify();
}
