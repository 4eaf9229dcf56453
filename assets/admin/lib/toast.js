// Short confirmations, shown for a moment and announced to screen readers.
import { announce } from '/admin/assets/lib/live-region.js';
import { notify, store } from '/admin/assets/lib/store.js';

const minDuration = 2500; // milliseconds
const timePerCharacter = 60; // milliseconds
let timer = 0;

export function showToast(text, icon = 'check') {
  announce(text);
  store.toast = { text, icon };
  clearTimeout(timer);
  timer = setTimeout(() => {
    store.toast = null;
    notify();
  }, Math.max(minDuration, text.length * timePerCharacter));
  notify();
}
