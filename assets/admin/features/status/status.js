// The status of the server: a summary, and a tile per subject. Its warnings are also in the banner of every view.
import { get } from '/admin/assets/lib/api-client.js';
import { formatBytes } from '/admin/assets/lib/format.js';
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { notify, store } from '/admin/assets/lib/store.js';
import { Skeleton, Time, UserText } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';
import { ErrorState } from '/admin/assets/ui/load-error.js';

/**
 * Fetches the status and stores its warnings for the banner.
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Status>}
 */
export async function fetchStatus(signal) {
  const status = await get('status', {}, signal);
  if (JSON.stringify(status.warnings) !== JSON.stringify(store.warnings)) {
    store.warnings = status.warnings;
    notify();
  }
  return status;
}

/** @typedef {{status: Api.Status | null, fetchedAt: string | null, error: any}} StatusState */

/** @extends {Component<{}, StatusState>} */
export class Status extends Component {
  /** @type {StatusState} */
  state = { status: null, fetchedAt: null, error: null };
  /** @type {AbortController | undefined} */
  abort;

  componentDidMount() {
    this.load();
  }

  componentWillUnmount() {
    this.abort?.abort();
  }

  load = async () => {
    this.abort?.abort();
    const { signal } = (this.abort = new AbortController());
    try {
      const status = await fetchStatus(signal);
      this.setState({ status, fetchedAt: new Date().toISOString(), error: null });
    } catch (error) {
      if (!signal.aborted) this.setState({ error });
    }
  };

  render(_, { status, fetchedAt, error }) {
    return html`<div class="page">
      <div class="page-header">
        <h1>${t.serverStatus.title}</h1>
        ${fetchedAt && html`<p class="small">${t.serverStatus.fetchedAt} <${Time} at=${fetchedAt} /></p>`}
        <button type="button" class="button small-button" onClick=${this.load}>${t.serverStatus.refresh}</button>
      </div>
      ${error ? html`<${ErrorState} error=${error} retry=${this.load} />` : !status ? html`<${Skeleton} rows=${4} />` : html`<${StatusContent} ...${status} />`}
    </div>`;
  }
}

/** @param {Api.Status} props */
function StatusContent({ version, database, last_lead_at_utc: lastLead, last_backup: backup, chain, health, retention, notice_channels: channels, canary, certificate, warnings }) {
  const ok = warnings.length === 0 && health.ok && chain.ok;
  const hasWarning = (code) => warnings.some((warning) => warning.code === code);
  const verified = chain.verified_to > 0;
  const chainText = chain.ok ? (verified ? t.serverStatus.chainValid(chain.verified_to, chain.head) : t.serverStatus.chainNotVerified) : t.serverStatus.chainBroken;
  const chainDetail = chain.ok ? verified && html`<${Time} at=${chain.at_utc} />` : chain.finding;
  const databaseDetail = t.serverStatus.databaseRows(database.leads, database.audit_rows) + (hasWarning('wal_large') ? t.serverStatus.walSize(formatBytes(database.wal_bytes)) : '');
  return html`
    <div class="status-summary ${ok ? 'success' : 'warning'}">
      <${Icon} name=${ok ? 'shield' : 'warning'} />
      <div>
        <h2>${ok ? t.serverStatus.ok : t.serverStatus.attention}</h2>
        ${ok ? html`<p>${t.serverStatus.okHelp}</p>` : html`
          <ul>${warnings.map(({ code, detail }) => html`<li>${t.serverStatus.warnings[code] ?? detail}</li>`)}</ul>
          <p>${t.serverStatus.attentionHelp}</p>`}
      </div>
    </div>
    <dl class="tiles">
      <${Tile} label=${t.serverStatus.intake} danger=${!health.ok} value=${health.ok ? t.serverStatus.intakeOk : t.serverStatus.intakeFailing} detail=${health.detail} />
      <${Tile} label=${t.serverStatus.lastLead} value=${lastLead ? html`<${Time} at=${lastLead} />` : t.serverStatus.noLead} />
      <${Tile} label=${t.serverStatus.lastBackup} danger=${hasWarning('backup_old') || hasWarning('backup_failing')} value=${backup ? html`<${Time} at=${backup.at_utc} />` : t.serverStatus.noBackup} detail=${backup?.file} />
      <${Tile} label=${t.serverStatus.chain} danger=${!chain.ok} value=${chainText} detail=${chainDetail} />
      <${Tile} label=${t.serverStatus.freeSpace} danger=${hasWarning('disk_low')} value=${formatBytes(database.free_bytes)} />
      <${Tile} label=${t.serverStatus.database} danger=${hasWarning('wal_large')} value=${formatBytes(database.bytes)} detail=${databaseDetail} />
      ${retention && html`<${Tile} label=${t.serverStatus.retention} danger=${hasWarning('retention_failing')} value=${t.serverStatus.retentionDays(retention.days)} detail=${t.serverStatus.leadsLeaving(retention.leads_leaving)} />`}
      ${canary && html`<${Tile} label=${t.serverStatus.canary} danger=${hasWarning('canary_late')} value=${canary.last_at_utc ? html`<${Time} at=${canary.last_at_utc} />` : t.serverStatus.noCanary} detail=${t.serverStatus.canaryEvery(Math.round(canary.every_seconds / 60))} />`}
      ${certificate && html`<${CertificateTile} ...${certificate} danger=${warnings.some(({ code }) => code.startsWith('certificate_'))} />`}
      <${Tile} label=${t.serverStatus.version} value=${`FASTCore ${version}`} />
    </dl>
    <${NoticeChannels} channels=${channels} />`;
}

/**
 * The channels by which staff hear of new leads, and what has not reached their receivers.
 * @param {{channels: Api.NoticeChannel[] | null}} props
 */
function NoticeChannels({ channels }) {
  if (channels?.length === 0) return null;
  return html`<section class="notice-channels" aria-labelledby="channels-title">
    <h2 id="channels-title">${t.notices.title}</h2>
    ${channels === null ? html`<p class="danger"><${Icon} name="warning" /> ${t.notices.unreadable}</p>` : html`<dl class="tiles">${channels.map((channel) => html`<${ChannelTile} key=${channel.channel} ...${channel} />`)}</dl>`}
  </section>`;
}

/** @param {Api.NoticeChannel} props */
function ChannelTile({ channel, has_ended: hasEnded, pending, waiting_since_utc: since, given_up: givenUp, last_sent_at_utc: lastSent, last_error: error }) {
  const failing = hasEnded || givenUp > 0 || (pending > 0 && error !== null);
  const value = hasEnded ? t.notices.ended : pending > 0 ? html`${t.notices.waiting(pending)} <${Time} at=${since} />` : givenUp > 0 ? t.notices.givenUp(givenUp) : t.notices.nothingWaits;
  const last = lastSent && html`${t.notices.lastSent} <${Time} at=${lastSent} />`;
  const detail = html`${failing && error && html`<span class="channel-error"><${UserText}>${error}<//></span>`}${last}`;
  return html`<${Tile} label=${t.notices.channel(channel)} danger=${failing} value=${value} detail=${(last || (failing && error)) && detail} />`;
}

/** @param {NonNullable<Api.Status['certificate']> & {danger: boolean}} props */
function CertificateTile({ source, expires_at_utc: expiresAt, days_left: days, failure, danger }) {
  const value = expiresAt === null ? t.serverStatus.noCertificate : t.serverStatus.certificateDays(days);
  return html`<${Tile} label=${t.serverStatus.certificate} danger=${danger} value=${value} detail=${failure ?? t.serverStatus.certificateSources[source]} />`;
}

/** @param {{label: string, value: any, detail?: any, danger?: boolean}} props */
function Tile({ label, value, detail, danger = false }) {
  return html`<div class=${danger ? 'danger' : ''}>
    <dt>${danger && html`<${Icon} name="warning" />`}${label}</dt>
    <dd>${value}</dd>
    ${detail && html`<dd class="small">${typeof detail === 'string' ? html`<${UserText}>${detail}<//>` : detail}</dd>`}
  </div>`;
}
