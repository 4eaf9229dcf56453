// The lower half of a lead: its timeline, its proof, and the data that seldom matter.
import { html } from '/admin/assets/dom.js';
import { eventIcon, sentence } from '/admin/assets/events.js';
import { exact } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { Icon } from '/admin/assets/icons.js';
import { CopyButton, Text, Time } from '/admin/assets/ui.js';

export function Timeline({ rows }) {
  return html`<section aria-labelledby="timeline-title">
    <h2 id="timeline-title">${words.lead.timeline}</h2>
    <ol class="timeline">${gathered(rows).map(({ row, times }) => html`<li key=${row.seq}>
      <span class="timeline-icon"><${Icon} name=${eventIcon(row.event)} /></span>
      <p>${sentence(row)}${times > 1 && html` <small>(${words.lead.times(times)})</small>`}<br /><${Time} at=${row.created_at_utc} length="short" /></p>
    </li>`)}</ol>
  </section>`;
}

/** Rows that say the same of the same person one after the other become one, with the time of the last. */
function gathered(rows) {
  const groups = [];
  for (const row of rows) {
    const last = groups.at(-1);
    const same = row.event === 'LEAD_VIEWED' && last?.row.event === row.event && last.row.actor === row.actor;
    if (same) groups[groups.length - 1] = { row, times: last.times + 1 };
    else groups.push({ row, times: 1 });
  }
  return groups;
}

export function Proof({ receipt, digest }) {
  const holds = digest === 'holds';
  return html`<section aria-labelledby="proof-title">
    <h2 id="proof-title">${words.lead.proof}</h2>
    <p class="fact ${holds ? 'good' : 'bad'}">
      <${Icon} name=${holds ? 'shield' : 'broken'} />
      <span><b>${holds ? words.lead.holds : words.lead.broken}</b> <small>${holds ? words.lead.holdsHelp : words.lead.brokenHelp}</small></span>
    </p>
    ${receipt && html`<p class="receipt"><span>${words.lead.receipt}</span> <code>${receipt}</code><${CopyButton} text=${receipt} what=${words.lead.copyReceipt} /></p>`}
  </section>`;
}

export function Technical({ lead }) {
  const rows = [
    [words.lead.id, lead.id],
    [words.lead.source, lead.source],
    [words.lead.requestId, lead.request_id],
    [words.lead.sentAt, lead.timestamp_utc && exact(lead.timestamp_utc)],
    [words.lead.received, exact(lead.created_at_utc)],
    [words.lead.ipHash, lead.ip_hash],
    [words.lead.userAgentHash, lead.user_agent_hash],
  ];
  return html`<details class="technical">
    <summary>${words.lead.technical}</summary>
    <dl>${rows.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value ? html`<${Text}>${value}<//>` : html`<span class="absent">${words.common.none}</span>`}</dd></div>`)}</dl>
  </details>`;
}
