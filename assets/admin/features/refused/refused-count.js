// How many refused submissions are no lead yet: for the navigation, live.
import { get } from '/admin/assets/lib/api-client.js';
import { notify, store } from '/admin/assets/lib/store.js';

/** Asks the server. */
export async function fetchRefusedCount() {
  const page = await get('refused', { limit: 1 });
  setRefusedCount(page.open);
}

/** @param {number} count */
export function setRefusedCount(count) {
  if (store.refusedCount === count) return;
  store.refusedCount = count;
  notify();
}
