// Binds htm to Preact once. Templates create text nodes and attributes only: text from outside is never parsed as HTML.
import { h, render, Component, createRef } from '/admin/assets/vendor/preact-11.2.0/preact.mjs';
import htm from '/admin/assets/vendor/htm-3.1.1/htm.mjs';

export const html = htm.bind(h);
export { render, Component, createRef };
