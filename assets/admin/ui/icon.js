// Line icons, 24 by 24, in the text's colour; hidden from screen readers.
import { html } from '/admin/assets/lib/html.js';

const paths = {
  inbox: 'M3 13l3-8h12l3 8v5a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2zM3 13h5l1.500 3h5L16 13h5',
  stats: 'M4 20V10m5.300 10V4m5.400 16v-7M20 20V7',
  audit: 'M6 3h9l4 4v14H6zM15 3v4h4M9.500 12h6m-6 4h6',
  status: 'M3 12h4l3-8 4 16 3-8h4',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zm5-2 4.500 4.500',
  order: 'M8 5v14m-4-4 4 4 4-4M16 19V5m-4 4 4-4 4 4',
  cross: 'M6 6l12 12M18 6L6 18',
  'chevron-left': 'M15 5l-7 7 7 7',
  'chevron-up': 'M5 15l7-7 7 7',
  'chevron-down': 'M5 9l7 7 7-7',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  check: 'M4 12.500l5.500 5.500L20 7',
  mail: 'M3 6h18v12H3zM3 7l9 6.500L21 7',
  phone: 'M5 4h4l1.700 4.500L8.500 10a13 13 0 0 0 5.500 5.500l1.500-2.200L20 15v4a1.500 1.500 0 0 1-1.600 1.500A16 16 0 0 1 3.500 5.600 1.500 1.500 0 0 1 5 4z',
  print: 'M7 8V3h10v5M7 17H4V9h16v8h-3M7 14h10v7H7z',
  download: 'M12 4v11m-4.500-4.500L12 15l4.500-4.500M4 20h16',
  warning: 'M12 4l9 16H3zM12 10v4.500m0 2.600v.1',
  offline: 'M4 4l16 16M5 10a10 10 0 0 1 4-2.300M12.500 7A10 10 0 0 1 19 10M8 13.500a6 6 0 0 1 3-1.400m4 .9 1 .7M12 18v.1',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-8 9c.6-4.200 3.800-6 8-6s7.400 1.800 8 6',
  help: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.500 9.500a2.500 2.500 0 1 1 3.600 2.200c-.8.4-1.100.9-1.100 1.800m0 3v.1',
  'sign-out': 'M14 4H5v16h9M10 12h11m-4-4 4 4-4 4',
  globe: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3.500 12h17M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zm9.500 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  company: 'M4 21V4h10v17M14 10h6v11M2.500 21h19M7.500 8h3m-3 4h3m-3 4h3',
  shield: 'M12 3l8 3v6c0 5-3.500 7.700-8 9-4.500-1.300-8-4-8-9V6zM8.500 12l2.500 2.500 4.500-5',
  'shield-warning': 'M12 3l8 3v6c0 5-3.500 7.700-8 9-4.500-1.300-8-4-8-9V6zM12 8v4.500m0 3v.1',
  plus: 'M12 5v14M5 12h14',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5.500l3.500 2',
  key: 'M8 16a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zm4.500-4.500H21V15m-4-3.500V14',
  disk: 'M4 6c0-1.700 3.600-3 8-3s8 1.300 8 3v12c0 1.700-3.600 3-8 3s-8-1.300-8-3zM4 6c0 1.700 3.600 3 8 3s8-1.300 8-3M4 12c0 1.700 3.600 3 8 3s8-1.300 8-3',
  trash: 'M4 6h16M9 6V4h6v2M6 6l1 15h10l1-15M10 10v7m4-7v7',
};

/** @param {{name: string}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${paths[name]} /></svg>`;
}
