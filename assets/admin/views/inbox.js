// The inbox: filters, the list, and beside it (on a wide screen) or over it (on a narrow one) the open lead.
import { html, Component, createRef } from '/admin/assets/dom.js';
import { leadFilter } from '/admin/assets/filter.js';
import { number } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { Icon } from '/admin/assets/icons.js';
import { inbox } from '/admin/assets/inbox-list.js';
import { keys } from '/admin/assets/keys.js';
import { go, href } from '/admin/assets/router.js';
import { app, redraw } from '/admin/assets/state.js';
import { Empty, Failure, ListEnd, Skeleton } from '/admin/assets/ui.js';
import { Filters } from '/admin/assets/views/filters.js';
import { Lead } from '/admin/assets/views/lead.js';
import { Chunk } from '/admin/assets/views/rows.js';

export class Inbox extends Component {
  scroller = createRef();

  componentDidMount() {
    this.follow();
    this.unkey = keys({ j: () => this.step(1), k: () => this.step(-1), e: () => this.export() });
  }

  componentDidUpdate(before) {
    this.follow();
    if (before.route.id && !this.props.route.id) this.row(before.route.id)?.focus();
  }

  componentWillUnmount() {
    this.unkey();
  }

  follow() {
    const before = inbox.key;
    inbox.show(leadFilter(this.props.route.query));
    if (before !== inbox.key) this.scroller.current.scrollTop = 0;
  }

  row(id) {
    return this.scroller.current.querySelector(`a[data-id="${CSS.escape(id)}"]`);
  }

  // With a lead open, j and k open its neighbours; in the list they move the focus.
  step(by) {
    if (this.props.route.id) return false;
    const rows = [...this.scroller.current.querySelectorAll('a.row')];
    const place = rows.indexOf(document.activeElement);
    const next = rows[place < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, place + by))];
    next?.focus();
  }

  export = () => {
    app.dialog = 'export';
    redraw();
  };

  showNew = () => {
    inbox.showWaiting();
    this.scroller.current.scrollTop = 0;
    requestAnimationFrame(() => this.scroller.current.querySelector('a.row')?.focus({ preventScroll: true }));
  };

  render({ route }) {
    const filter = leadFilter(route.query);
    return html`<div class="inbox ${route.id ? 'open' : ''}">
      <section class="list" aria-label=${words.inbox.list}>
        <h1 class="hidden-text">${words.inbox.title}</h1>
        <${Filters} filter=${filter} />
        <${Summary} filter=${filter} export=${this.export} />
        ${inbox.waiting.length > 0 && html`<div class="arrived"><button type="button" class="button primary" onClick=${this.showNew}>
          <${Icon} name="up" />${words.inbox.arrived(inbox.waiting.length, inbox.waitingMore)}
        </button></div>`}
        <div class="scroller" ref=${this.scroller}>${this.rows(filter, route)}</div>
      </section>
      <section class="pane" aria-label=${words.lead.label}>
        ${route.id
          ? html`<${Lead} id=${route.id} filter=${filter} />`
          : !inbox.pages.empty && html`<${Empty} icon="inbox" title=${words.inbox.chooseTitle} text=${words.inbox.choose}><p class="small keys-only">${words.inbox.chooseKeys}</p><//>`}
      </section>
    </div>`;
  }

  rows(filter, route) {
    const { pages } = inbox;
    if (pages.error && pages.chunks.length === 0) return html`<${Failure} error=${pages.error} retry=${() => pages.retry()} />`;
    if (!pages.loaded) return html`<${Skeleton} />`;
    if (pages.empty) return html`<${NoLeads} filter=${filter} />`;
    let day = null;
    return html`${pages.chunks.map((chunk) => {
      const above = day;
      day = chunk.rows.at(-1).created_at_utc;
      return html`<${Chunk} key=${chunk.key} rows=${chunk.rows} above=${above} filter=${filter} current=${route.id} fresh=${inbox.fresh} minute=${app.minute} root=${() => this.scroller.current} />`;
    })}
    <${ListEnd} pages=${pages} root=${() => this.scroller.current} />`;
  }
}

function Summary({ filter, export: exportNow }) {
  const { count } = inbox.pages;
  const filtered = Object.keys(filter).length > 0;
  return html`<div class="summary">
    <p aria-live="polite">${count && (count.exact ? words.inbox.count(count.rows) : words.inbox.countOver(count.rows))}</p>
    ${filtered && html`<button type="button" class="link" aria-label=${words.inbox.clear} onClick=${() => go(href(''))}>${words.inbox.clearShort}</button>`}
    <span class="live ${app.live ? 'on' : ''}" title=${words.inbox.liveHelp}><span>${app.live ? words.inbox.live : words.inbox.notLive}</span></span>
    <button type="button" class="button small-button" aria-keyshortcuts="e" onClick=${exportNow}><${Icon} name="download" />${words.inbox.export}</button>
  </div>`;
}

function NoLeads({ filter }) {
  const filtered = Object.keys(filter).length > 0;
  if (!filtered) return html`<${Empty} icon="inbox" title=${words.inbox.emptyTitle} text=${words.inbox.empty} />`;
  return html`<${Empty} icon="search" title=${words.inbox.nothingTitle} text=${words.inbox.nothing}>
    <button type="button" class="button" onClick=${() => go(href(''))}>${words.inbox.clear}</button>
  <//>`;
}

/** The title's count: what has arrived and was not looked at. */
export function waitingCount() {
  return inbox.waiting.length === 0 ? '' : `(${number(inbox.waiting.length)}${inbox.waitingMore ? '+' : ''}) `;
}
