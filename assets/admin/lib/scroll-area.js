// What scrolls a pane: the pane itself or, in a window too low for that, the whole page. The style sheets decide.

/** @param {Element} pane */
function scrollsItself(pane) {
  return getComputedStyle(pane).overflowY !== 'visible';
}

/**
 * The element whose `scrollTop` is the position of the pane.
 * @param {Element} pane
 * @returns {Element}
 */
export function scrollBox(pane) {
  return scrollsItself(pane) ? pane : /** @type {Element} */ (document.scrollingElement);
}

/**
 * The root of an IntersectionObserver of what is in the pane.
 * @param {Element} pane
 * @returns {Element | null}
 */
export function scrollRoot(pane) {
  return scrollsItself(pane) ? pane : null;
}
