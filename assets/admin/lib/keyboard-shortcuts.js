// Single-key shortcuts. They can be turned off (WCAG 2.1.4) and never act while someone types.
import { readSetting, saveSetting } from '/admin/assets/lib/storage.js';

/** @type {Record<string, (event: KeyboardEvent) => unknown>[]} */
const layers = [];

export function shortcutsEnabled() {
  return readSetting('shortcuts') !== 'off';
}

export function setShortcutsEnabled(enabled) {
  saveSetting('shortcuts', enabled ? 'on' : 'off');
}

/**
 * Adds the shortcuts of a view (`{j: action, …}`, letters in lower case) above those already there. An action that returns false leaves the
 * key to the layer below.
 * @returns a function that removes them
 */
export function addShortcuts(layer) {
  layers.push(layer);
  return () => layers.splice(layers.indexOf(layer), 1);
}

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector('dialog[open], :popover-open')) return;
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.closest?.('input, select, textarea');
  const isCharacter = event.key.length === 1;
  if (typing && event.key === 'Escape') return target.blur();
  if (typing || (isCharacter && !shortcutsEnabled())) return;
  // Also with Caps Lock.
  const key = isCharacter ? event.key.toLowerCase() : event.key;
  for (const layer of layers.toReversed()) {
    const action = layer[key];
    if (action && action(event) !== false) return event.preventDefault();
  }
});
