// The lower half of a lead: its history, the check of its digest, and technical data.
import { eventIcon, eventSentence } from '/admin/assets/lib/audit-events.js';
import { formatExact } from '/admin/assets/lib/format.js';
import { html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { CopyButton, Time, UserText } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';

/** @param {{rows: Api.AuditRow[]}} props */
export function Timeline({ rows }) {
  return html`<section class="card" aria-labelledby="timeline-title">
    <h2 id="timeline-title">${t.lead.timeline}</h2>
    <ol class="timeline">${groupRepeatedViews(rows).map(({ row, times }) => html`<li key=${row.seq}>
      <span class="event-icon"><${Icon} name=${eventIcon(row.event)} /></span>
      <p>${eventSentence(row)}${times > 1 && html` <small>(${t.lead.times(times)})</small>`}<br /><${Time} at=${row.created_at_utc} length="short" /></p>
    </li>`)}</ol>
  </section>`;
}

/** Consecutive views by the same person become one row with the time of the last. */
function groupRepeatedViews(rows) {
  /** @type {{row: Api.AuditRow, times: number}[]} */
  const groups = [];
  for (const row of rows) {
    const last = groups.at(-1);
    const repeated = row.event === 'LEAD_VIEWED' && last?.row.event === row.event && last?.row.actor === row.actor;
    if (last && repeated) groups[groups.length - 1] = { row, times: last.times + 1 };
    else groups.push({ row, times: 1 });
  }
  return groups;
}

/** @param {Pick<Api.OpenedLead, 'receipt' | 'digest'>} props */
export function Integrity({ receipt, digest }) {
  const valid = digest === 'valid';
  return html`<section class="card" aria-labelledby="integrity-title">
    <h2 id="integrity-title">${t.lead.integrity}</h2>
    <p class="status-line ${valid ? 'success' : 'danger'}">
      <${Icon} name=${valid ? 'shield' : 'shield-warning'} />
      <span><b>${valid ? t.lead.digestValid : t.lead.digestInvalid}</b> <small>${valid ? t.lead.digestValidHelp : t.lead.digestInvalidHelp}</small></span>
    </p>
    ${receipt && html`<p class="receipt"><span>${t.lead.receipt}</span> <code>${receipt}</code><${CopyButton} text=${receipt} label=${t.lead.copyReceipt} /></p>`}
  </section>`;
}

/** @param {{lead: Api.Lead}} props */
export function TechnicalData({ lead }) {
  const items = [
    [t.lead.id, lead.id],
    [t.lead.source, lead.source],
    [t.lead.requestId, lead.request_id],
    [t.lead.sentAt, lead.timestamp_utc && formatExact(lead.timestamp_utc)],
    [t.lead.received, formatExact(lead.created_at_utc)],
    [t.lead.ipHash, lead.ip_hash],
    [t.lead.userAgentHash, lead.user_agent_hash],
  ];
  return html`<details class="card technical-data">
    <summary>${t.lead.technicalData}</summary>
    <dl>${items.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value ? html`<${UserText}>${value}<//>` : html`<span class="not-given">${t.common.notGiven}</span>`}</dd></div>`)}</dl>
  </details>`;
}
