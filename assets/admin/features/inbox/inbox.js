// The inbox: filters and list, next to the open lead on a wide screen, under it on a narrow one.
import { openExport } from '/admin/assets/features/inbox/export-dialog.js';
import { FilterBar } from '/admin/assets/features/inbox/filter-bar.js';
import { leadList } from '/admin/assets/features/inbox/lead-list.js';
import { LeadChunk } from '/admin/assets/features/inbox/lead-rows.js';
import { OldestLead } from '/admin/assets/features/inbox/status-chips.js';
import { isFiltered, leadFilter } from '/admin/assets/lib/filter.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { addShortcuts } from '/admin/assets/lib/keyboard-shortcuts.js';
import { href, navigate } from '/admin/assets/lib/router.js';
import { scrollBox, scrollRoot } from '/admin/assets/lib/scroll-area.js';
import { store } from '/admin/assets/lib/store.js';
import { EmptyState } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';
import { ListEnd } from '/admin/assets/ui/list-end.js';
import { listState } from '/admin/assets/ui/list-state.js';

/**
 * The children are the open lead, if the route has one.
 * @extends {Component<{route: Route}>}
 */
export class Inbox extends Component {
  scroller = createRef();
  /** What the list scrolls in; undefined until it is rendered. @type {Element | null | undefined} */
  root;
  /** The open lead whose row has been brought into sight. @type {string | null} */
  shownId = null;
  removeShortcuts = () => {};

  componentDidMount() {
    this.applyFilter();
    leadList.setOpen(true);
    this.removeShortcuts = addShortcuts({
      j: () => this.moveFocus(1),
      k: () => this.moveFocus(-1),
      ArrowDown: () => this.moveFocus(1),
      ArrowUp: () => this.moveFocus(-1),
      e: () => openExport(),
    });
    addEventListener('scroll', this.rememberPosition, { capture: true, passive: true });
    addEventListener('resize', this.onResize);
    this.onResize();
    this.scrollTo(leadList.scrollTop);
    this.showOpenRow();
  }

  componentDidUpdate(previous) {
    const filterChanged = this.applyFilter();
    const { id } = this.props.route;
    // With another filter someone is still typing or choosing, and the old rows go.
    if (previous.route.id && !id && !filterChanged) this.returnToList(previous.route.id);
    if (id && id !== previous.route.id) leadList.loadAfter(id);
    this.showOpenRow();
  }

  componentWillUnmount() {
    leadList.setOpen(false);
    this.removeShortcuts();
    removeEventListener('scroll', this.rememberPosition, { capture: true });
    removeEventListener('resize', this.onResize);
  }

  // The rows are observed in what scrolls them, which depends on the height of the window.
  onResize = () => {
    const root = scrollRoot(this.scroller.current);
    if (root === this.root) return;
    this.root = root;
    this.forceUpdate();
  };

  /** Returns whether the filter has changed. */
  applyFilter() {
    const previous = leadList.key;
    leadList.setFilter(leadFilter(this.props.route.query));
    const changed = previous !== null && previous !== leadList.key;
    if (changed) this.scrollTo(0);
    return changed;
  }

  /** The position of the list, kept while other views are open. */
  rememberPosition = () => {
    if (this.listIsVisible()) leadList.scrollTop = scrollBox(this.scroller.current).scrollTop;
  };

  scrollTo(position) {
    if (this.listIsVisible()) scrollBox(this.scroller.current).scrollTop = position;
    leadList.scrollTop = position;
  }

  listIsVisible() {
    return this.scroller.current.checkVisibility();
  }

  returnToList(id) {
    this.scrollTo(leadList.scrollTop);
    this.row(id)?.focus();
  }

  /** Brings the row of the lead that was opened into sight, once it is there. */
  showOpenRow() {
    const { id } = this.props.route;
    const row = id && id !== this.shownId && this.row(id);
    if (!id) this.shownId = null;
    if (!row) return;
    this.shownId = id;
    if (this.listIsVisible()) row.scrollIntoView({ block: 'nearest' });
  }

  row(id) {
    return this.scroller.current.querySelector(`a[data-id="${CSS.escape(id)}"]`);
  }

  // While a lead is open, its own shortcuts open the neighbors.
  moveFocus(step) {
    const rows = [...this.scroller.current.querySelectorAll('a.lead-row')];
    const index = rows.indexOf(document.activeElement);
    if (rows.length === 0 || (index < 0 && this.props.route.id)) return false;
    if (index < 0) return this.firstVisible(rows).focus();
    rows[Math.max(0, Math.min(rows.length - 1, index + step))].focus();
  }

  firstVisible(rows) {
    const top = Math.max(0, this.scroller.current.getBoundingClientRect().top);
    return rows.find((row) => row.getBoundingClientRect().top >= top) ?? rows[0];
  }

  showPending = () => {
    leadList.showPending();
    this.scrollTo(0);
    requestAnimationFrame(() => this.scroller.current.querySelector('a.lead-row')?.focus({ preventScroll: true }));
  };

  render({ route, children }) {
    const filter = leadFilter(route.query);
    const { pending, pendingText, pages } = leadList;
    return html`<div class="inbox ${route.id ? 'lead-open' : ''}">
      <section class="list-pane" aria-label=${t.inbox.list}>
        <h1 class="visually-hidden">${t.inbox.title}</h1>
        <${FilterBar} filter=${filter} tally=${leadList.tally} />
        <${ListSummary} filter=${filter} />
        ${pending.length > 0 && html`<div class="new-leads"><button type="button" class="button primary" onClick=${this.showPending}>
          <${Icon} name="chevron-up" />${pendingText}
        </button></div>`}
        <div class="list-scroller" ref=${this.scroller}>${this.rows(filter, route)}</div>
      </section>
      <section class="detail-pane" aria-label=${t.lead.label}>
        ${route.id
          ? children
          : !pages.isEmpty && html`<${EmptyState} icon="inbox" title=${t.inbox.noSelectionTitle} text=${t.inbox.noSelection}><p class="small keyboard-hint">${t.inbox.noSelectionKeys}</p><//>`}
      </section>
    </div>`;
  }

  rows(filter, route) {
    const { pages, highlighted } = leadList;
    const state = listState(pages, html`<${NoLeads} filter=${filter} />`);
    if (state) return state;
    let time = null;
    const where = this.root === null ? 'page' : 'pane';
    const root = () => scrollRoot(this.scroller.current);
    return html`${pages.chunks.map((chunk) => {
      const previousTime = time;
      time = chunk.rows[chunk.rows.length - 1].created_at_utc;
      return html`<${LeadChunk} key=${`${where}-${chunk.key}`} rows=${chunk.rows} previousTime=${previousTime} filter=${filter} openId=${route.id} highlighted=${highlighted} minute=${store.minute} root=${root} />`;
    })}
    <${ListEnd} key=${`${where}-end`} list=${pages} root=${root} />`;
  }
}

/** @param {{filter: LeadFilter}} props */
function ListSummary({ filter }) {
  const { count } = leadList.pages;
  const filtered = isFiltered(filter);
  return html`<div class="list-summary">
    <p aria-live="polite">${count && (count.exact ? t.inbox.count(count.rows) : t.inbox.countMoreThan(count.rows))}</p>
    ${filtered && html`<button type="button" class="link-button" aria-label=${t.common.clearFilters} onClick=${() => navigate(href(''))}>${t.inbox.clearShort}</button>`}
    <${OldestLead} filter=${filter} tally=${leadList.tally} />
    <span class="live-indicator ${store.live ? 'on' : ''}" title=${t.inbox.liveHelp}><span>${store.live ? t.inbox.live : t.inbox.reconnecting}</span></span>
  </div>`;
}

/** @param {{filter: LeadFilter}} props */
function NoLeads({ filter }) {
  const filtered = isFiltered(filter);
  if (!filtered) return html`<${EmptyState} icon="inbox" title=${t.inbox.emptyTitle} text=${t.inbox.empty} />`;
  const { searchable, suggestion } = leadList.search;
  if (!searchable) {
    return html`<${EmptyState} icon="search" title=${t.inbox.noSearchTitle} text=${t.inbox.noSearch}>
      <button type="button" class="button" onClick=${() => navigate(href('', { ...filter, q: undefined }))}>${t.inbox.clearSearch}</button>
    <//>`;
  }
  if (suggestion) {
    return html`<${EmptyState} icon="search" title=${t.inbox.noMatchTitle} text=${t.inbox.noMatch}>
      <button type="button" class="button primary suggestion" onClick=${() => navigate(href('', { ...filter, q: suggestion }))}>${t.inbox.didYouMean(suggestion)}</button>
      <button type="button" class="button" onClick=${() => navigate(href(''))}>${t.common.clearFilters}</button>
    <//>`;
  }
  return html`<${EmptyState} icon="search" title=${t.inbox.noMatchTitle} text=${t.inbox.noMatch}>
    <button type="button" class="button" onClick=${() => navigate(href(''))}>${t.common.clearFilters}</button>
  <//>`;
}
