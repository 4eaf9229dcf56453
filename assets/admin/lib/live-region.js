// The live region of the page: text for screen readers only.

/** Screen readers read the text out when they are idle; nothing moves on the page. */
export function announce(text) {
  const region = /** @type {HTMLElement} */ (document.getElementById('live-region'));
  // The same text is read twice only if the content changes in between.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}
