// The lower half of a lead: its history, the check of its digest, and technical data.
import { eventIcon, eventSentence } from '/admin/assets/lib/audit-events.js';
import { formatExact } from '/admin/assets/lib/format.js';
import { statuses } from '/admin/assets/lib/filter.js';
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

/**
 * The commands that change the status: no page can.
 * @param {{id: string, status: string}} props
 */
export function StatusCommands({ id, status }) {
  return html`<details class="card proof status-commands">
    <summary><h2>${t.lead.changeStatus}</h2></summary>
    <p>${t.lead.changeStatusHelp}</p>
    <dl>${statuses.filter((code) => code !== status).map((code) => {
      const command = `fastcore lead set-status ${id} ${code}`;
      return html`<div key=${code}><dt>${t.leadStatus[code]}</dt><dd><code class="small">${command}</code><${CopyButton} text=${command} label=${t.lead.copyCommand(t.leadStatus[code])} /></dd></div>`;
    })}</dl>
  </details>`;
}

/**
 * Whether the content is intact, in one line; what proves it, and technical data, when unfolded.
 * @param {Pick<Api.OpenedLead, 'lead' | 'receipt' | 'digest'>} props
 */
export function Proof({ lead, receipt, digest }) {
  const valid = digest === 'valid';
  const items = [
    [t.lead.id, lead.id],
    [t.lead.source, lead.source],
    [t.lead.requestId, lead.request_id],
    [t.lead.sentAt, lead.timestamp_utc && formatExact(lead.timestamp_utc)],
    [t.lead.received, formatExact(lead.created_at_utc)],
    [t.lead.ipHash, lead.ip_hash],
    [t.lead.userAgentHash, lead.user_agent_hash],
  ];
  return html`<details class="card proof ${valid ? '' : 'danger'}" open=${!valid}>
    <summary>
      <h2>${t.lead.proof}</h2>
      <span class="proof-result"><${Icon} name=${valid ? 'shield' : 'shield-warning'} />${valid ? t.lead.digestValid : t.lead.digestInvalid}</span>
    </summary>
    <p>${valid ? t.lead.digestValidHelp : t.lead.digestInvalidHelp}</p>
    ${receipt && html`<p class="receipt"><span>${t.lead.receipt}</span> <code>${receipt}</code><${CopyButton} text=${receipt} label=${t.lead.copyReceipt} /></p>`}
    <dl class="technical-data">${items.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value ? html`<${UserText}>${value}<//>` : html`<span class="not-given">${t.common.notGiven}</span>`}${label === t.lead.id && html`<${CopyButton} text=${lead.id} label=${t.lead.copyId} />`}</dd></div>`)}</dl>
  </details>`;
}
