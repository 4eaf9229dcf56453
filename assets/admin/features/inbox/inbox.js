// The inbox: filters and list, next to the open lead on a wide screen, under it on a narrow one.
import { openExport } from '/admin/assets/features/inbox/export-dialog.js';
import { FilterBar } from '/admin/assets/features/inbox/filter-bar.js';
import { leadList } from '/admin/assets/features/inbox/lead-list.js';
import { LeadChunk } from '/admin/assets/features/inbox/lead-rows.js';
import { leadFilter } from '/admin/assets/lib/filter.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { addShortcuts } from '/admin/assets/lib/keyboard-shortcuts.js';
import { href, navigate } from '/admin/assets/lib/router.js';
import { store } from '/admin/assets/lib/store.js';
import { EmptyState, ErrorState, Skeleton } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';
import { ListEnd } from '/admin/assets/ui/list-end.js';

/**
 * The children are the open lead, if the route has one.
 * @extends {Component<{route: Route}>}
 */
export class Inbox extends Component {
  scroller = createRef();
  removeShortcuts = () => {};

  componentDidMount() {
    this.applyFilter();
    this.removeShortcuts = addShortcuts({ j: () => this.moveFocus(1), k: () => this.moveFocus(-1), e: () => openExport() });
  }

  componentDidUpdate(previous) {
    this.applyFilter();
    if (previous.route.id && !this.props.route.id) this.row(previous.route.id)?.focus();
  }

  componentWillUnmount() {
    this.removeShortcuts();
  }

  applyFilter() {
    const previous = leadList.key;
    leadList.setFilter(leadFilter(this.props.route.query));
    if (previous !== leadList.key) this.scroller.current.scrollTop = 0;
  }

  row(id) {
    return this.scroller.current.querySelector(`a[data-id="${CSS.escape(id)}"]`);
  }

  // While a lead is open, its own shortcuts open the neighbors.
  moveFocus(step) {
    if (this.props.route.id) return false;
    const rows = [...this.scroller.current.querySelectorAll('a.lead-row')];
    const index = rows.indexOf(document.activeElement);
    rows[index < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, index + step))]?.focus();
  }

  showPending = () => {
    leadList.showPending();
    this.scroller.current.scrollTop = 0;
    requestAnimationFrame(() => this.scroller.current.querySelector('a.lead-row')?.focus({ preventScroll: true }));
  };

  render({ route, children }) {
    const filter = leadFilter(route.query);
    const { pending, pendingMore, pages } = leadList;
    return html`<div class="inbox ${route.id ? 'lead-open' : ''}">
      <section class="list-pane" aria-label=${t.inbox.list}>
        <h1 class="visually-hidden">${t.inbox.title}</h1>
        <${FilterBar} filter=${filter} />
        <${ListSummary} filter=${filter} />
        ${pending.length > 0 && html`<div class="new-leads"><button type="button" class="button primary" onClick=${this.showPending}>
          <${Icon} name="chevron-up" />${t.inbox.newLeads(pending.length, pendingMore)}
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
    if (pages.error && pages.chunks.length === 0) return html`<${ErrorState} error=${pages.error} retry=${() => pages.retry()} />`;
    if (!pages.loaded) return html`<${Skeleton} />`;
    if (pages.isEmpty) return html`<${NoLeads} filter=${filter} />`;
    let time = null;
    return html`${pages.chunks.map((chunk) => {
      const previousTime = time;
      time = chunk.rows[chunk.rows.length - 1].created_at_utc;
      return html`<${LeadChunk} key=${chunk.key} rows=${chunk.rows} previousTime=${previousTime} filter=${filter} openId=${route.id} highlighted=${highlighted} minute=${store.minute} root=${() => this.scroller.current} />`;
    })}
    <${ListEnd} list=${pages} root=${() => this.scroller.current} />`;
  }
}

/** @param {{filter: LeadFilter}} props */
function ListSummary({ filter }) {
  const { count } = leadList.pages;
  const filtered = Object.keys(filter).length > 0;
  return html`<div class="list-summary">
    <p aria-live="polite">${count && (count.exact ? t.inbox.count(count.rows) : t.inbox.countMoreThan(count.rows))}</p>
    ${filtered && html`<button type="button" class="link-button" aria-label=${t.common.clearFilters} onClick=${() => navigate(href(''))}>${t.inbox.clearShort}</button>`}
    <span class="live-indicator ${store.live ? 'on' : ''}" title=${t.inbox.liveHelp}><span>${store.live ? t.inbox.live : t.inbox.reconnecting}</span></span>
    <button type="button" class="button small-button" aria-keyshortcuts="e" onClick=${() => openExport()}><${Icon} name="download" />${t.inbox.export}</button>
  </div>`;
}

/** @param {{filter: LeadFilter}} props */
function NoLeads({ filter }) {
  const filtered = Object.keys(filter).length > 0;
  if (!filtered) return html`<${EmptyState} icon="inbox" title=${t.inbox.emptyTitle} text=${t.inbox.empty} />`;
  return html`<${EmptyState} icon="search" title=${t.inbox.noMatchTitle} text=${t.inbox.noMatch}>
    <button type="button" class="button" onClick=${() => navigate(href(''))}>${t.common.clearFilters}</button>
  <//>`;
}
