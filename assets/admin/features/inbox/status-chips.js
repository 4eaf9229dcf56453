// How many leads have each status, as links that filter by it, and how many nobody has opened; since when the oldest waits.
import { statuses } from '/admin/assets/lib/filter.js';
import { formatAge, formatExact, formatNumber } from '/admin/assets/lib/format.js';
import { html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { href } from '/admin/assets/lib/router.js';

/** @param {{filter: LeadFilter, tally: Api.LeadTally | null}} props */
export function StatusChips({ filter, tally }) {
  const { status, opened } = filter;
  return html`<nav class="status-chips" aria-label=${t.inbox.status}>
    <ul>
      ${['', ...statuses].map((code) => html`<li key=${code}><${Chip} name=${t.inbox.statuses[code]} count=${countOf(tally, code, opened)}
        current=${code === (status ?? '')} href=${href('', { ...filter, status: code })} /></li>`)}
      <li><${Chip} name=${t.inbox.unopened} count=${countOf(tally, status, 'false')}
        current=${Boolean(opened)} href=${href('', { ...filter, opened: opened ? '' : 'false' })} /></li>
    </ul>
  </nav>`;
}

/**
 * Since when the oldest new lead waits, as a link to those that wait, from the oldest on.
 * @param {{filter: LeadFilter, tally: Api.LeadTally | null}} props
 */
export function OldestLead({ filter, tally }) {
  const oldest = tally?.oldest_received_utc;
  if (!oldest) return null;
  return html`<a class="oldest" href=${href('', { ...filter, status: 'received', order: 'oldest' })} title=${t.inbox.oldestHelp(formatExact(oldest))}>${t.inbox.oldest(formatAge(oldest))}</a>`;
}

/** @param {{name: string, count: Api.Count | null, current: boolean, href: string}} props */
function Chip({ name, count, current, href: target }) {
  return html`<a class="chip" href=${target} aria-current=${current ? 'true' : undefined}>${name}${count && html` <span class="chip-count">${formatNumber(count.rows)}${count.exact ? '' : '+'}</span>`}</a>`;
}

/**
 * The leads of a status, or of all, or those of them that nobody has opened.
 * @param {Api.LeadTally | null} tally
 * @param {string | undefined} status
 * @param {string | undefined} opened
 * @returns {Api.Count | null}
 */
function countOf(tally, status, opened) {
  if (!tally) return null;
  const rows = tally.by_status.filter((row) => !status || row.status === status);
  const counts = rows.map((row) => (opened ? row.unopened : row.leads));
  return { rows: counts.reduce((sum, count) => sum + count.rows, 0), exact: counts.every((count) => count.exact) };
}
