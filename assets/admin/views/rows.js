// One fetched page of the inbox. Far from what is seen it is an empty box of the same height, so that a long list stays light.
import { html, Component, createRef } from '/admin/assets/dom.js';
import { headingOf } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { href } from '/admin/assets/router.js';
import { Status, Text, Time } from '/admin/assets/ui.js';

export class Chunk extends Component {
  state = { near: true, height: 0 };
  box = createRef();

  componentDidMount() {
    this.observer = new IntersectionObserver((entries) => this.moved(entries.at(-1)), { root: this.props.root(), rootMargin: '3000px' });
    this.observer.observe(this.box.current);
  }

  componentWillUnmount() {
    this.observer.disconnect();
  }

  // While the list is hidden (height 0) nothing is near; it keeps what it shows.
  moved({ isIntersecting, boundingClientRect, rootBounds }) {
    if (isIntersecting === this.state.near || !rootBounds?.height) return;
    const focused = this.box.current.contains(document.activeElement);
    if (isIntersecting || !focused) this.setState({ near: isIntersecting, height: boundingClientRect.height });
  }

  shouldComponentUpdate(next, state) {
    const { rows, above, filter, current, minute, fresh } = this.props;
    const has = (id) => rows.some((lead) => lead.id === id);
    return state.near !== this.state.near || next.rows !== rows || next.above !== above || next.fresh !== fresh
      || next.minute !== minute || JSON.stringify(next.filter) !== JSON.stringify(filter)
      || (next.current !== current && (has(current) || has(next.current)));
  }

  render({ rows, above, filter, current, fresh }, { near, height }) {
    if (!near) return html`<div class="chunk" ref=${this.box} style=${{ height: `${height}px` }}></div>`;
    return html`<div class="chunk" ref=${this.box}>
      ${groupsOf(rows, above).map(({ heading, leads }) => html`
        ${heading && html`<h2 class="day-name">${heading}</h2>`}
        <ul>${leads.map((lead) => html`<${Row} key=${lead.id} lead=${lead} filter=${filter} current=${lead.id === current} fresh=${fresh.has(lead.id)} />`)}</ul>`)}
    </div>`;
  }
}

/** Rows in groups under one heading; what the rows above have begun is not named again. */
function groupsOf(rows, above) {
  const groups = [];
  let last = above && headingOf(above);
  for (const lead of rows) {
    const heading = headingOf(lead.created_at_utc);
    if (heading !== last || groups.length === 0) groups.push({ heading: heading === last ? null : heading, leads: [] });
    groups.at(-1).leads.push(lead);
    last = heading;
  }
  return groups;
}

function Row({ lead, filter, current, fresh }) {
  if (lead.erased) return html`<li><p class="row erased">${words.inbox.erased}</p></li>`;
  return html`<li>
    <a class="row ${lead.status} ${fresh ? 'fresh' : ''}" href=${href(`/leads/${lead.id}`, filter)} data-id=${lead.id} aria-current=${current ? 'true' : undefined}>
      <span class="row-top"><${Text} class="row-name">${lead.name}<//><${Time} at=${lead.created_at_utc} /></span>
      <span class="row-about">
        <span class="row-what">${lead.service && html`<span class="service">${words.service[lead.service] ?? lead.service}</span>`}${lead.company && html`<${Text} class="row-company">${lead.company}<//>`}</span>
        <${Status} code=${lead.status} />
      </span>
      <${Text} class="row-text">${lead.beginning}<//>
    </a>
  </li>`;
}
