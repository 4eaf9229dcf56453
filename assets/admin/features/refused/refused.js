// What the site sent and the server refused: the list, newest first.
import { RefusedDetail } from '/admin/assets/features/refused/refused-detail.js';
import { setRefusedCount } from '/admin/assets/features/refused/refused-count.js';
import { download, get } from '/admin/assets/lib/api-client.js';
import { onServerEvent } from '/admin/assets/lib/event-stream.js';
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { PagedList } from '/admin/assets/lib/paged-list.js';
import { href, navigate } from '/admin/assets/lib/router.js';
import { showToast } from '/admin/assets/lib/toast.js';
import { EmptyState, errorText, SelectField, Time, UserText } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';
import { ListEnd } from '/admin/assets/ui/list-end.js';
import { listState } from '/admin/assets/ui/list-state.js';

const pageSize = 50;
/** A site with a fault sends many: the list is read again once they pause. */
const reloadDelay = 1000; // milliseconds
/** Until a reading that failed is tried again. */
const retryDelay = 5000; // milliseconds

/** @param {{route: Route}} props */
export function Refused({ route }) {
  if (route.id) return html`<${RefusedDetail} key=${route.id} id=${route.id} />`;
  return html`<${RefusedList} settled=${route.query.get('settled') === 'true'} />`;
}

/** @extends {Component<{settled: boolean}, {evicted: number, overBudget: number}>} */
class RefusedList extends Component {
  state = { evicted: 0, overBudget: 0 };
  reloadTimer = 0;
  removeListener = () => {};

  pages = new PagedList(async (cursor, signal) => {
    const page = await get('refused', { settled: this.props.settled || undefined, cursor, limit: pageSize }, signal);
    setRefusedCount(page.open);
    this.setState({ evicted: page.evicted, overBudget: page.over_budget });
    return page;
  });

  componentDidMount() {
    this.pages.restart();
    // After a long interruption the server begins anew with `hello`.
    this.removeListener = onServerEvent(({ type }) => {
      if (type === 'refusals' || type === 'hello') this.reloadAfter(reloadDelay);
    });
  }

  componentDidUpdate(previous) {
    if (previous.settled !== this.props.settled) this.pages.restart();
  }

  componentWillUnmount() {
    clearTimeout(this.reloadTimer);
    this.removeListener();
    this.pages.clear();
  }

  reloadAfter(delay) {
    clearTimeout(this.reloadTimer);
    this.reloadTimer = setTimeout(async () => {
      if (!(await this.pages.refresh())) this.reloadAfter(retryDelay);
    }, delay);
  }

  startExport = (format) => {
    download('export', { source: 'refused', format }, (error) => showToast(errorText(error), 'warning'));
    showToast(t.export.started);
  };

  render({ settled }, { evicted, overBudget }) {
    return html`<div class="page">
      <h1>${t.refused.title}</h1>
      <p class="page-intro">${t.refused.intro}</p>
      <div class="page-filters">
        <${SelectField} label=${t.refused.show} value=${settled ? 'true' : ''} onSelect=${(value) => navigate(href('/refused', { settled: value }))}
          options=${[['', t.refused.openOnly], ['true', t.refused.settledToo]]} />
        ${['xlsx', 'jsonl'].map((format) => html`<button type="button" class="button small-button" onClick=${() => this.startExport(format)}><${Icon} name="download" />${t.refused.exportAs(format)}</button>`)}
      </div>
      ${evicted > 0 && html`<p class="banner"><${Icon} name="warning" /><span>${t.refused.evicted(evicted)}</span></p>`}
      ${overBudget > 0 && html`<p class="page-intro">${t.refused.overBudget(overBudget)}</p>`}
      ${this.rows()}
    </div>`;
  }

  rows() {
    const { pages } = this;
    return listState(pages, html`<${EmptyState} icon="check" title=${t.refused.emptyTitle} text=${t.refused.empty} />`) ?? html`<div class="card refused-list">
      <ol aria-label=${t.refused.title}>${[...pages.rows()].map((row) => html`<${RefusedRow} key=${row.id} row=${row} />`)}</ol>
      <${ListEnd} list=${pages} />
    </div>`;
  }
}

/** @param {{row: Api.RefusedSummary}} props */
function RefusedRow({ row }) {
  return html`<li><a href=${href(`/refused/${row.id}`)}>
    <span class="refused-why"><${UserText}>${t.refused.why(row)}<//></span>
    <span class="refused-more">
      ${row.settled_at_utc && html`<b class="refused-settled">${t.refused.settled}</b>`}
      ${row.times > 1 && html`<span>${t.refused.times(row.times)}</span>`}
      <${Time} at=${row.last_at_utc} />
    </span>
  </a></li>`;
}
