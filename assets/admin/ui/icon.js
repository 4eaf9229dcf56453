// Line icons, 24 by 24, in the text's colour; hidden from screen readers.
import { html } from '/admin/assets/lib/html.js';

const paths = {
  inbox: 'M3 13l3-8h12l3 8v5a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2zM3 13h5l1.5 3h5L16 13h5',
  refused: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.7 5.7l12.6 12.6',
  stats: 'M4 20V10m5.3 10V4m5.4 16v-7M20 20V7',
  audit: 'M6 3h9l4 4v14H6zM15 3v4h4M9.5 12h6m-6 4h6',
  status: 'M3 12h4l3-8 4 16 3-8h4',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zm5-2 4.5 4.5',
  order: 'M8 5v14m-4-4 4 4 4-4M16 19V5m-4 4 4-4 4 4',
  cross: 'M6 6l12 12M18 6L6 18',
  'chevron-left': 'M15 5l-7 7 7 7',
  'chevron-up': 'M5 15l7-7 7 7',
  'chevron-down': 'M5 9l7 7 7-7',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  check: 'M4 12.5l5.5 5.5L20 7',
  mail: 'M3 6h18v12H3zM3 7l9 6.5L21 7',
  phone: 'M5 4h4l1.7 4.5L8.5 10a13 13 0 0 0 5.5 5.5l1.5-2.2L20 15v4a1.5 1.5 0 0 1-1.6 1.5A16 16 0 0 1 3.5 5.6 1.5 1.5 0 0 1 5 4z',
  print: 'M7 8V3h10v5M7 17H4V9h16v8h-3M7 14h10v7H7z',
  download: 'M12 4v11m-4.5-4.5L12 15l4.5-4.5M4 20h16',
  warning: 'M12 4l9 16H3zM12 10v4.5m0 2.6v.1',
  offline: 'M4 4l16 16M5 10a10 10 0 0 1 4-2.3M12.5 7A10 10 0 0 1 19 10M8 13.5a6 6 0 0 1 3-1.4m4 .9 1 .7M12 18v.1',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-8 9c.6-4.2 3.8-6 8-6s7.4 1.8 8 6',
  help: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8m0 3v.1',
  'sign-out': 'M14 4H5v16h9M10 12h11m-4-4 4 4-4 4',
  globe: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3.5 12h17M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zm9.5 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  company: 'M4 21V4h10v17M14 10h6v11M2.5 21h19M7.5 8h3m-3 4h3m-3 4h3',
  shield: 'M12 3l8 3v6c0 5-3.5 7.7-8 9-4.5-1.3-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5',
  'shield-warning': 'M12 3l8 3v6c0 5-3.5 7.7-8 9-4.5-1.3-8-4-8-9V6zM12 8v4.5m0 3v.1',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5.5l3.5 2',
  key: 'M8 16a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zm4.5-4.5H21V15m-4-3.5V14',
  disk: 'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3v12c0 1.7-3.6 3-8 3s-8-1.3-8-3zM4 6c0 1.7 3.6 3 8 3s8-1.3 8-3M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3',
  trash: 'M4 6h16M9 6V4h6v2M6 6l1 15h10l1-15M10 10v7m4-7v7',
};

/** @param {{name: string}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${paths[name]} /></svg>`;
}
