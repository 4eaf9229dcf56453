// Whether staff were told of a lead: a line for each channel.
import { html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { Time, UserText } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';

/** @type {Record<Api.LeadNotice['state'], string>} */
const icons = { sent: 'check', pending: 'clock', given_up: 'warning', ended: 'warning' };

/** @param {{notices: Api.LeadNotice[] | null}} props */
export function Notices({ notices }) {
  if (notices?.length === 0) return null;
  return html`<section class="card lead-notices" aria-labelledby="notices-title">
    <h2 id="notices-title">${t.notices.title}</h2>
    ${notices === null
      ? html`<p class="status-line warning"><${Icon} name="warning" /><span>${t.notices.unreadable}</span></p>`
      : html`<ul>${notices.map((notice) => html`<${NoticeLine} key=${notice.channel} ...${notice} />`)}</ul>`}
  </section>`;
}

/** @param {Api.LeadNotice} props */
function NoticeLine({ channel, state, at_utc: at, attempts, last_error: error, next_try_at_utc: nextTry }) {
  const failing = state === 'given_up' || state === 'ended';
  return html`<li class="status-line ${state === 'sent' ? 'success' : failing ? 'warning' : ''}">
    <${Icon} name=${icons[state]} />
    <span>
      <b>${t.notices.channel(channel)}</b> ${t.notices.states[state]}${at && html`, <${Time} at=${at} length="short" />`}
      ${state === 'pending' && nextTry && attempts > 0 && html`<small>${t.notices.attempts(attempts)}, ${t.notices.nextTry} <${Time} at=${nextTry} length="short" /></small>`}
      ${failing && attempts > 0 && html`<small>${t.notices.attempts(attempts)}</small>`}
      ${state !== 'sent' && error && html`<small><${UserText}>${error}<//></small>`}
    </span>
  </li>`;
}
