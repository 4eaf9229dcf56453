// The view library, bound once: what draws here is text nodes and attributes, never markup from outside.
import { h, render, Component, createRef } from '/admin/assets/vendor/preact-11.2.0/preact.mjs';
import htm from '/admin/assets/vendor/htm-3.1.1/htm.mjs';

export const html = htm.bind(h);
export { render, Component, createRef };
