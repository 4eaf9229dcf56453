// Start and end of the session in the shared state.
import { notify, store } from '/admin/assets/lib/store.js';

/** @param {Api.Session} session */
export function startSession(session) {
  store.session = session;
  store.signOutReason = null;
}

/** @param {Store['signOutReason']} reason */
export function endSession(reason) {
  // After an expired session the sign-in form is prefilled with the account's name.
  store.lastAccountName = reason === 'expired' ? (store.session?.name ?? '') : '';
  store.session = null;
  store.signOutReason = reason;
  store.dialog = null;
  notify();
}
