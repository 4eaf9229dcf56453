// Is everything well? The server's state, in words; the warnings stand in the banner of every view.
import { get } from '/admin/assets/api.js';
import { html, Component } from '/admin/assets/dom.js';
import { bytes } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { Icon } from '/admin/assets/icons.js';
import { app, redraw } from '/admin/assets/state.js';
import { Failure, Skeleton, Text, Time } from '/admin/assets/ui.js';

/** Asks for the state and keeps its warnings for the banner. */
export async function readState(signal) {
  const state = await get('state', {}, signal);
  if (JSON.stringify(state.warnings) !== JSON.stringify(app.warnings)) {
    app.warnings = state.warnings;
    redraw();
  }
  return state;
}

export class State extends Component {
  state = { read: null, at: null, error: null };

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
      const read = await readState(signal);
      this.setState({ read, at: new Date().toISOString(), error: null });
    } catch (error) {
      if (!signal.aborted) this.setState({ error });
    }
  };

  render(_, { read, at, error }) {
    return html`<div class="page">
      <div class="page-head">
        <h1>${words.state.title}</h1>
        ${at && html`<p class="small">${words.state.checkedAt} <${Time} at=${at} /></p>`}
        <button type="button" class="button small-button" onClick=${this.load}>${words.state.refresh}</button>
      </div>
      ${error ? html`<${Failure} error=${error} retry=${this.load} />` : !read ? html`<${Skeleton} rows=${4} />` : html`<${Findings} ...${read} />`}
    </div>`;
  }
}

function Findings({ version, database, last_lead_at_utc: lastLead, last_backup: backup, chain, health, warnings }) {
  const well = warnings.length === 0 && health.ok && chain.ok;
  const warned = (code) => warnings.some((warning) => warning.code === code);
  return html`
    <div class="verdict ${well ? 'good' : 'warn'}">
      <${Icon} name=${well ? 'shield' : 'warning'} />
      <div>
        <h2>${well ? words.state.good : words.state.bad}</h2>
        ${well ? html`<p>${words.state.goodHelp}</p>` : html`
          <ul>${warnings.map(({ code, detail }) => html`<li>${words.state.warnings[code] ?? detail}</li>`)}</ul>
          <p>${words.state.whatToDo}</p>`}
      </div>
    </div>
    <dl class="tiles">
      <${Tile} label=${words.state.intake} bad=${!health.ok} value=${health.ok ? words.state.intakeGood : words.state.intakeBad} more=${health.detail} />
      <${Tile} label=${words.state.lastLead} value=${lastLead ? html`<${Time} at=${lastLead} />` : words.state.never} />
      <${Tile} label=${words.state.backup} bad=${warned('backup_old')} value=${backup ? html`<${Time} at=${backup.at_utc} />` : words.state.noBackup} more=${backup?.file} />
      <${Tile} label=${words.state.chain} bad=${!chain.ok} value=${chain.ok ? (chain.verified_to > 0 ? words.state.chainGood(chain.verified_to, chain.head) : words.state.notYet) : words.state.chainBad} more=${chain.ok ? chain.verified_to > 0 && html`<${Time} at=${chain.at_utc} />` : chain.finding} />
      <${Tile} label=${words.state.disk} bad=${warned('disk_low')} value=${bytes(database.free_bytes)} />
      <${Tile} label=${words.state.database} bad=${warned('wal_large')} value=${bytes(database.bytes)} more=${words.state.databaseHelp(database.leads, database.audit_rows) + (warned('wal_large') ? words.state.wal(bytes(database.wal_bytes)) : '')} />
      <${Tile} label=${words.state.version} value=${`FASTCore ${version}`} />
    </dl>`;
}

function Tile({ label, value, more, bad = false }) {
  return html`<div class=${bad ? 'bad' : ''}>
    <dt>${bad && html`<${Icon} name="warning" />`}${label}</dt>
    <dd>${value}</dd>
    ${more && html`<dd class="small">${typeof more === 'string' ? html`<${Text}>${more}<//>` : more}</dd>`}
  </div>`;
}
