// The audit log: one sentence per row, newest first.
import { get } from '/admin/assets/lib/api-client.js';
import { actorName, eventIcon, eventName, eventSentence } from '/admin/assets/lib/audit-events.js';
import { filterKey, omitEmpty, periodFilter, toApiQuery } from '/admin/assets/lib/filter.js';
import { formatExact, formatNumber } from '/admin/assets/lib/format.js';
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { PagedList } from '/admin/assets/lib/paged-list.js';
import { href, navigate } from '/admin/assets/lib/router.js';
import { store } from '/admin/assets/lib/store.js';
import { EmptyState, SelectField, Time, UserText } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';
import { ListEnd } from '/admin/assets/ui/list-end.js';
import { listState } from '/admin/assets/ui/list-state.js';
import { DateRange, PeriodSelect } from '/admin/assets/ui/period-select.js';

const pageSize = 50;

function auditFilter(query) {
  const { event, actor, lead } = Object.fromEntries(query);
  return omitEmpty({ event, actor, lead, ...periodFilter(query) });
}

/** @extends {Component<{route: Route}, {events: string[]}>} */
export class Audit extends Component {
  state = { events: [] };
  /** Actors to choose from: the machines, oneself, and those of the rows loaded so far. */
  actors = new Set(['site_ingest', 'schedule', `staff:${store.session?.name}`]);

  pages = new PagedList(async (cursor, signal) => {
    const page = await get('audit', { ...toApiQuery(auditFilter(this.props.route.query)), cursor, limit: pageSize }, signal);
    for (const { actor } of page.rows) if (actor) this.actors.add(actor);
    this.setState({ events: page.events });
    return page;
  });

  componentDidMount() {
    this.pages.restart();
  }

  componentDidUpdate(previous) {
    if (filterKey(auditFilter(previous.route.query)) !== filterKey(auditFilter(this.props.route.query))) this.pages.restart();
  }

  componentWillUnmount() {
    this.pages.clear();
  }

  render({ route }, { events }) {
    const filter = auditFilter(route.query);
    const apply = (change, options) => navigate(href('/audit', { ...filter, ...change }), options);
    return html`<div class="page">
      <h1>${t.audit.title}</h1>
      <p class="page-intro">${t.audit.intro}</p>
      <div class="page-filters">
        <${SelectField} label=${t.audit.event} value=${filter.event} onSelect=${(event) => apply({ event })}
          options=${[['', t.audit.anyEvent], ...withSelected(events, filter.event).map((event) => [event, eventName(event)])]} />
        <${PeriodSelect} filter=${filter} apply=${apply} />
        <${SelectField} label=${t.audit.actor} value=${filter.actor} onSelect=${(actor) => apply({ actor })}
          options=${[['', t.audit.anyActor], ...withSelected([...this.actors], filter.actor).map((actor) => [actor, actorName(actor)])]} />
        <${DateRange} filter=${filter} apply=${apply} />
      </div>
      ${Object.keys(filter).length > 0 && html`<p class="active-filters">
        ${filter.lead && html`<span>${t.audit.ofLead}</span>`}
        <a class="button small-button" href="/admin/audit"><${Icon} name="cross" />${t.common.clearFilters}</a>
      </p>`}
      ${this.rows()}
    </div>`;
  }

  rows() {
    const { pages } = this;
    return listState(pages, html`<${EmptyState} icon="audit" title=${t.audit.emptyTitle} text=${t.audit.empty} />`) ?? html`<div class="card audit-log">
      <ol aria-label=${t.audit.list}>${[...pages.rows()].map((row) => html`<${AuditRow} key=${row.seq} row=${row} />`)}</ol>
      <${ListEnd} list=${pages} />
    </div>`;
  }
}

/** The options, with the selected one even if it is not among them. */
function withSelected(options, selected) {
  return selected && !options.includes(selected) ? [...options, selected] : options;
}

/** @extends {Component<{row: Api.AuditRow}>} */
class AuditRow extends Component {
  shouldComponentUpdate(next) {
    return next.row !== this.props.row;
  }

  render({ row }) {
    const items = [
      [t.audit.seq, formatNumber(row.seq)],
      [t.audit.event, row.event],
      [t.audit.actor, row.actor],
      [t.audit.createdAt, formatExact(row.created_at_utc)],
      [t.audit.requestId, row.request_id],
      [t.audit.statusCode, row.status_code],
      [t.audit.details, row.details && JSON.stringify(row.details)],
      [t.audit.hash, row.hash],
    ].filter(([, value]) => value);
    return html`<li>
      <details>
        <summary>
          <span class="event-icon"><${Icon} name=${eventIcon(row.event)} /></span>
          <span class="audit-log-text">${eventSentence(row)}</span>
          <${Time} at=${row.created_at_utc} />
        </summary>
        <dl>${items.map(([label, value]) => html`<div><dt>${label}</dt><dd><${UserText}>${value}<//></dd></div>`)}</dl>
        ${row.lead_id && html`<p><a href=${href(`/leads/${row.lead_id}`)}>${t.audit.openLead}</a> · <a href=${href('/audit', { lead: row.lead_id })}>${t.audit.ofLead}</a></p>`}
      </details>
    </li>`;
  }
}
