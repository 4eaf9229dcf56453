// Says things to those who cannot see them, and shows short confirmations to those who can.
import { redraw } from '/admin/assets/state.js';

export let toast = null;
let timer = 0;

/** Read out by a screen reader when it is idle; nothing moves on the page. */
export function announce(text) {
  const region = document.getElementById('announcements');
  // The same words twice are read twice only when the text changes in between.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

export function confirm(text, icon = 'done') {
  announce(text);
  toast = { text, icon };
  clearTimeout(timer);
  timer = setTimeout(() => {
    toast = null;
    redraw();
  }, 2500);
  redraw();
}

export async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyBySelection(text);
  }
  confirm(done);
}

// Browsers offer the clipboard on HTTPS and localhost alone; this works elsewhere.
function copyBySelection(text) {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'hidden-text';
  document.body.append(area);
  const focused = document.activeElement;
  area.select();
  document.execCommand('copy');
  area.remove();
  focused?.focus();
}
