// The audit log: what happened, a sentence a row, newest first.
import { get } from '/admin/assets/api.js';
import { html, Component } from '/admin/assets/dom.js';
import { actorName, eventIcon, eventName, sentence } from '/admin/assets/events.js';
import { forServer, keyOf, period, tidy } from '/admin/assets/filter.js';
import { exact, number } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { Icon } from '/admin/assets/icons.js';
import { Pages } from '/admin/assets/pages.js';
import { go, href } from '/admin/assets/router.js';
import { app } from '/admin/assets/state.js';
import { Choice, Empty, Failure, ListEnd, Skeleton, Text, Time } from '/admin/assets/ui.js';
import { Days, PeriodChoice } from '/admin/assets/views/filters.js';

function asked(query) {
  const { event, actor, lead } = Object.fromEntries(query);
  return tidy({ event, actor, lead, ...period(query) });
}

export class Audit extends Component {
  state = { events: [] };
  seen = new Set(['site_ingest', 'schedule', `staff:${app.session.name}`]);

  pages = new Pages(async (cursor, signal) => {
    const page = await get('audit', { ...forServer(asked(this.props.route.query)), cursor, limit: 50 }, signal);
    for (const row of page.rows) this.seen.add(row.actor);
    this.setState({ events: page.events });
    return page;
  });

  componentDidMount() {
    this.pages.restart();
  }

  componentDidUpdate(before) {
    if (keyOf(asked(before.route.query)) !== keyOf(asked(this.props.route.query))) this.pages.restart();
  }

  componentWillUnmount() {
    this.pages.clear();
  }

  render({ route }, { events }) {
    const filter = asked(route.query);
    const apply = (change) => go(href('/audit', { ...filter, ...change }));
    return html`<div class="page">
      <h1>${words.audit.title}</h1>
      <p class="page-lead">${words.audit.lead}</p>
      <div class="page-filters">
        <${Choice} label=${words.audit.event} value=${filter.event} change=${(event) => apply({ event })}
          options=${[['', words.audit.anyEvent], ...withChosen(events, filter.event).map((event) => [event, eventName(event)])]} />
        <${PeriodChoice} filter=${filter} apply=${apply} />
        <${Choice} label=${words.audit.actor} value=${filter.actor} change=${(actor) => apply({ actor })}
          options=${[['', words.audit.anyActor], ...this.actors(filter.actor).map((actor) => [actor, actorName(actor)])]} />
        <${Days} filter=${filter} apply=${apply} />
      </div>
      ${Object.keys(filter).length > 0 && html`<p class="chosen-filter">
        ${filter.lead && html`<span>${words.audit.ofLead}</span>`}
        <a class="button small-button" href="/admin/audit"><${Icon} name="clear" />${words.inbox.clear}</a>
      </p>`}
      ${this.rows()}
    </div>`;
  }

  /** Those who can be chosen: oneself, the machines, and whoever the rows have named so far. */
  actors(chosen) {
    return withChosen([...this.seen], chosen);
  }

  rows() {
    const { pages } = this;
    if (pages.error && pages.chunks.length === 0) return html`<${Failure} error=${pages.error} retry=${() => pages.retry()} />`;
    if (!pages.loaded) return html`<${Skeleton} />`;
    if (pages.empty) return html`<${Empty} icon="audit" title=${words.audit.emptyTitle} text=${words.audit.empty} />`;
    return html`<div class="card log">
      <ol aria-label=${words.audit.list}>${[...pages.rows()].map((row) => html`<${Entry} key=${row.seq} row=${row} />`)}</ol>
      <${ListEnd} pages=${pages} />
    </div>`;
  }
}

/** What can be chosen, and what the address asks for even where it is not among it. */
function withChosen(known, chosen) {
  return chosen && !known.includes(chosen) ? [...known, chosen] : known;
}

class Entry extends Component {
  shouldComponentUpdate(next) {
    return next.row !== this.props.row;
  }

  render({ row }) {
    const facts = [
      [words.audit.place, number(row.seq)],
      [words.audit.event_code, row.event],
      [words.audit.actor, row.actor],
      [words.audit.at, exact(row.created_at_utc)],
      [words.audit.request, row.request_id],
      [words.audit.status_code, row.status_code],
      [words.audit.details, row.details && JSON.stringify(row.details)],
      [words.audit.hash, row.hash],
    ].filter(([, value]) => value);
    return html`<li>
      <details>
        <summary>
          <span class="timeline-icon"><${Icon} name=${eventIcon(row.event)} /></span>
          <span class="log-text">${sentence(row)}</span>
          <${Time} at=${row.created_at_utc} />
        </summary>
        <dl>${facts.map(([label, value]) => html`<div><dt>${label}</dt><dd><${Text}>${value}<//></dd></div>`)}</dl>
        ${row.lead_id && html`<p><a href=${href(`/leads/${row.lead_id}`)}>${words.audit.openLead}</a> · <a href=${href('/audit', { lead: row.lead_id })}>${words.audit.ofLead}</a></p>`}
      </details>
    </li>`;
  }
}
