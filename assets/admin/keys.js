// Single-key shortcuts. They can be turned off (WCAG 2.1.4) and never act while someone types.
import { remember, remembered } from '/admin/assets/memory.js';

const layers = [];

export function shortcutsOn() {
  return remembered('shortcuts') !== 'off';
}

export function setShortcuts(on) {
  remember('shortcuts', on ? 'on' : 'off');
}

/** Adds keys (`{j: act, …}`) of a view above those already there; answers how to take them away. */
export function keys(map) {
  layers.push(map);
  return () => layers.splice(layers.indexOf(map), 1);
}

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector('dialog[open], :popover-open')) return;
  const typing = event.target.closest?.('input, select, textarea');
  if (event.key !== 'Escape' && (typing || !shortcutsOn())) return;
  if (typing && event.key === 'Escape') return void event.target.blur();
  for (const layer of layers.toReversed()) {
    const act = layer[event.key];
    if (act && act(event) !== false) return event.preventDefault();
  }
});
