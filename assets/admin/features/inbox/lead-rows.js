// One chunk of the list. Far from the visible part it is an empty box of the same height, so that a long list stays light.
import { actorName } from '/admin/assets/lib/audit-events.js';
import { filterKey } from '/admin/assets/lib/filter.js';
import { dateHeading, formatClock } from '/admin/assets/lib/format.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { href } from '/admin/assets/lib/router.js';
import { store } from '/admin/assets/lib/store.js';
import { LeadStatus, PersonName, ServiceName, Time, UserText } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';

const renderAhead = '3000px';

/**
 * @extends {Component<{
 *   rows: Api.LeadSummary[],
 *   previousTime: string | null,
 *   filter: LeadFilter,
 *   openId: string | null,
 *   highlighted: Set<string>,
 *   minute: number,
 *   root: () => Element | null,
 * }>}
 * `previousTime` is the time of the row above the chunk; `minute` changes when relative times must be rendered again.
 */
export class LeadChunk extends Component {
  state = { near: true, height: 0 };
  box = createRef();
  /** @type {IntersectionObserver | undefined} */
  observer;

  componentDidMount() {
    this.observer = new IntersectionObserver((entries) => this.onIntersection(entries[entries.length - 1]), { root: this.props.root(), rootMargin: renderAhead });
    this.observer.observe(this.box.current);
    addEventListener('beforeprint', this.onPrint);
  }

  componentWillUnmount() {
    removeEventListener('beforeprint', this.onPrint);
    this.observer?.disconnect();
  }

  // Nothing is far on paper.
  onPrint = () => this.setState({ near: true });

  // While the list is hidden (height 0) nothing intersects; it keeps what it shows.
  onIntersection({ isIntersecting, boundingClientRect, rootBounds }) {
    if (isIntersecting === this.state.near || !rootBounds?.height) return;
    const focused = this.box.current.contains(document.activeElement);
    if (isIntersecting || !focused) this.setState({ near: isIntersecting, height: boundingClientRect.height });
  }

  shouldComponentUpdate(next, state) {
    const { rows, previousTime, filter, openId, minute, highlighted } = this.props;
    const has = (id) => rows.some((lead) => lead.id === id);
    return state.near !== this.state.near || next.rows !== rows || next.previousTime !== previousTime
      || next.highlighted !== highlighted || next.minute !== minute || filterKey(next.filter) !== filterKey(filter)
      || (next.openId !== openId && (has(openId) || has(next.openId)));
  }

  /**
   * @param {LeadChunk['props']} props
   * @param {LeadChunk['state']} state
   */
  render({ rows, previousTime, filter, openId, highlighted }, { near, height }) {
    if (!near && !rows.some((lead) => lead.id === openId)) return html`<div ref=${this.box} style=${{ height: `${height}px` }}></div>`;
    return html`<div ref=${this.box}>
      ${groupByDate(rows, previousTime).map(({ heading, leads }) => html`
        ${heading && html`<h2 class="date-heading">${heading}</h2>`}
        <ul>${leads.map((lead) => html`<${LeadRow} key=${lead.id} lead=${lead} filter=${filter} open=${lead.id === openId} highlight=${highlighted.has(lead.id)} />`)}</ul>`)}
    </div>`;
  }
}

/** Groups rows under date headings; the heading of the row above the chunk is not repeated. */
function groupByDate(rows, previousTime) {
  /** @type {{heading: string | null, leads: Api.LeadSummary[]}[]} */
  const groups = [];
  let last = previousTime && dateHeading(previousTime);
  for (const lead of rows) {
    const heading = dateHeading(lead.created_at_utc);
    if (heading !== last || groups.length === 0) groups.push({ heading: heading === last ? null : heading, leads: [] });
    groups[groups.length - 1].leads.push(lead);
    last = heading;
  }
  return groups;
}

/**
 * Two lines: who and when; what it is about and how far it is.
 * @param {{lead: Api.LeadSummary, filter: LeadFilter, open: boolean, highlight: boolean}} props
 */
function LeadRow({ lead, filter, open, highlight }) {
  if (lead.erased) return html`<li><p class="lead-row erased">${t.inbox.erased}</p></li>`;
  const { hits } = lead;
  return html`<li>
    <a class="lead-row ${lead.status} ${lead.first_view ? 'opened' : 'unopened'} ${highlight ? 'highlight' : ''}" href=${href(`/leads/${lead.id}`, filter)} data-id=${lead.id} aria-current=${open ? 'true' : undefined}>
      <span class="lead-row-line">
        <span class="lead-row-who"><${PersonName} class="lead-row-name" name=${lead.name} hits=${hits?.name} />${lead.company && html`<${UserText} class="lead-row-company" hits=${hits?.company}>${lead.company}<//>`}</span>
        <${Time} at=${lead.created_at_utc} />
      </span>
      <span class="lead-row-line">
        <span class="lead-row-what">${lead.service && html`<${ServiceName} code=${lead.service} found=${hits?.service} />`}${hits?.contact && html`<${UserText} class="lead-row-contact" hits=${hits.contact.hits}>${hits.contact.text}<//>${' '}`}<${UserText} class="lead-row-excerpt" prose hits=${hits?.excerpt}>${lead.excerpt}<//></span>
        <span class="lead-row-marks">${(lead.requests ?? 1) > 1 && html`<span class="lead-row-requests" title=${t.inbox.samePerson}>${t.inbox.requests(lead.requests)}</span>`}<${RowView} view=${lead.first_view} short=${lead.status !== 'received'} /><${RowStatus} code=${lead.status} /></span>
      </span>
    </a>
  </li>`;
}

/** Most rows are new; the others are told apart by a word. */
function RowStatus({ code }) {
  return code === 'received' ? html`<span class="visually-hidden">${t.leadStatus.received}</span>` : html`<${LeadStatus} code=${code} />`;
}

/**
 * Who opened a lead first, and when; beside a status, which says more, an eye.
 * @param {{view: Api.LeadView | null, short: boolean}} props
 */
function RowView({ view, short }) {
  if (!view) return html`<span class="visually-hidden">${t.inbox.notOpened}</span>`;
  const when = formatClock(view.at_utc);
  const text = view.by === `staff:${store.session?.name}` ? t.inbox.viewedByYou(when) : t.inbox.viewedBy(actorName(view.by), when);
  if (!short) return html`<span class="lead-row-view">${text}</span>`;
  return html`<span class="lead-row-view" title=${text}><${Icon} name="eye" /><span class="visually-hidden">${text}</span></span>`;
}
