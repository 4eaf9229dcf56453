// The other requests of the person who sent a lead, found by e-mail address and telephone number.
import { html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { href } from '/admin/assets/lib/router.js';
import { LeadStatus, ServiceName, Time, UserText } from '/admin/assets/ui/components.js';

/** @param {{others: Api.OtherRequests | null, email: string, filter: LeadFilter}} props */
export function OtherRequests({ others, email, filter }) {
  if (!others?.leads.length) return null;
  const { leads, count } = others;
  const hidden = count.rows - leads.length;
  return html`<section class="card other-requests" aria-labelledby="others-title">
    <h2 id="others-title">${t.lead.others} <small>(${count.exact ? '' : '> '}${count.rows})</small></h2>
    <ul>${leads.map((lead) => html`<li key=${lead.id}>
      <a href=${href(`/leads/${lead.id}`, filter)}>
        <span class="other-request-meta">
          <${Time} at=${lead.created_at_utc} length="short" />
          ${lead.service && html`<${ServiceName} code=${lead.service} />`}
          <${LeadStatus} code=${lead.status} />
        </span>
        <${UserText} class="other-request-excerpt" prose>${lead.excerpt}<//>
      </a>
    </li>`)}</ul>
    ${hidden > 0 && html`<p><a href=${href('', { q: email })}>${t.lead.moreOthers(hidden, count.exact)}</a></p>`}
  </section>`;
}
