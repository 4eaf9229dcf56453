// Statistics of the leads of a period: tiles, a chart over time, and shares by service and status, each with its table.
import { get } from '/admin/assets/lib/api-client.js';
import { filterKey, firstDay, periodFilter, services, statuses, toApiQuery } from '/admin/assets/lib/filter.js';
import { addDays, capitalize, dayOf, daysBetween, formatChange, formatDay, formatDuration, formatNumber, formatPercent, timeZone } from '/admin/assets/lib/format.js';
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { href, navigate } from '/admin/assets/lib/router.js';
import { BarChart } from '/admin/assets/ui/bar-chart.js';
import { EmptyState, SelectField, Skeleton } from '/admin/assets/ui/components.js';
import { ErrorState } from '/admin/assets/ui/load-error.js';
import { DateRange, PeriodSelect } from '/admin/assets/ui/period-select.js';

const defaultFilter = { period: '30d' };
// Longer periods are shown by week unless the address says otherwise.
const maxDaysByDay = 92;

/** @typedef {'day' | 'week'} Bucket */

/**
 * The period and the bucket in an address; the last 30 days by default.
 * @returns {{filter: PeriodFilter, bucket: Bucket}}
 */
function statsQuery(query) {
  const period = periodFilter(query);
  /** @type {PeriodFilter} */
  const filter = Object.keys(period).length ? period : defaultFilter;
  const long = filter.period === '12m' || (filter.since && filter.since < addDays(filter.until ?? dayOf(Date.now()), -maxDaysByDay));
  const bucket = ['day', 'week'].includes(query.get('by')) ? query.get('by') : long ? 'week' : 'day';
  return { filter, bucket };
}

/** @typedef {{stats: Api.Stats | null, bucket?: Bucket, error: any}} StatsState */

/** @extends {Component<{route: Route}, StatsState>} */
export class Stats extends Component {
  /** @type {StatsState} */
  state = { stats: null, error: null };
  /** @type {AbortController | undefined} */
  abort;

  componentDidMount() {
    this.load();
  }

  componentDidUpdate(previous) {
    if (filterKey(statsQuery(previous.route.query)) !== filterKey(statsQuery(this.props.route.query))) this.load();
  }

  componentWillUnmount() {
    this.abort?.abort();
  }

  load = async () => {
    const { filter, bucket } = statsQuery(this.props.route.query);
    this.abort?.abort();
    const { signal } = (this.abort = new AbortController());
    try {
      const stats = await get('stats', { ...toApiQuery(filter), by: bucket, zone: timeZone }, signal);
      this.setState({ stats, bucket, error: null });
    } catch (error) {
      if (!signal.aborted) this.setState({ error });
    }
  };

  render({ route }, { stats, error, bucket: shownBucket }) {
    const { filter, bucket } = statsQuery(route.query);
    const apply = (change, options) => navigate(href('/stats', { ...filter, by: route.query.get('by'), ...change }), options);
    return html`<div class="page">
      <h1>${t.stats.title}</h1>
      <div class="page-filters">
        <${PeriodSelect} filter=${filter} apply=${(change) => apply({ ...change, by: undefined })} without=${['', 'today']} />
        <${SelectField} label=${t.stats.groupBy} value=${bucket} onSelect=${(by) => apply({ by })} options=${[['day', t.stats.byDay], ['week', t.stats.byWeek]]} />
        <${DateRange} filter=${filter} apply=${apply} />
      </div>
      <p class="small stats-period">${periodText(filter)}</p>
      ${error ? html`<${ErrorState} error=${error} retry=${this.load} />` : !stats ? html`<${Skeleton} rows=${4} />` : html`<${StatsContent} stats=${stats} filter=${filter} bucket=${shownBucket} />`}
    </div>`;
  }
}

/** The first and the last day of a period. @param {PeriodFilter} filter */
function periodText(filter) {
  const day = (text) => formatDay(text, { day: 'numeric', month: 'long', year: 'numeric' });
  const first = firstDay(filter);
  const last = filter.until ?? dayOf(Date.now());
  return first ? t.stats.days(day(first), day(last)) : t.stats.until(day(last));
}

/** @param {{stats: Api.Stats, filter: PeriodFilter, bucket: Bucket}} props */
function StatsContent({ stats, filter, bucket }) {
  const { series, by_service: byService, by_status: byStatus, median_seconds_to_processing: median, leads, previous } = stats;
  if (leads === 0) return html`<${EmptyState} icon="stats" title=${t.stats.emptyTitle} text=${t.stats.empty} />`;
  return html`
    <dl class="tiles">
      <div><dt>${t.stats.total}</dt><dd><a href=${href('', filter)}>${formatNumber(leads)}</a></dd>${previous && html`<dd class="small">${comparison(leads, previous, filter)}</dd>`}</div>
      <div><dt>${t.stats.averagePerDay}</dt><dd>${formatNumber(leads / daysCounted(series, filter))}</dd></div>
      <div><dt>${t.stats.median}</dt><dd>${median === null ? '–' : formatDuration(median)}</dd><dd class="small">${median === null ? t.stats.noMedian : t.stats.medianHelp}${medianBefore(previous)}</dd></div>
    </dl>
    <${SeriesCard} series=${series} filter=${filter} bucket=${bucket} total=${leads} />
    <div class="columns">
      <${SharesCard} title=${t.stats.byService} total=${leads} rows=${withKnownCodes(services, byService, 'service').map(({ code, leads: count }) => ({ name: code === null ? t.noService : (t.leadService[code] ?? code), count, url: services.includes(code) ? href('', { ...filter, service: code }) : null }))} />
      <${SharesCard} title=${t.stats.byStatus} total=${leads} rows=${withKnownCodes(statuses, byStatus, 'status').map(({ code, leads: count }) => ({ name: t.leadStatus[code] ?? code, count, code, url: statuses.includes(code) ? href('', { ...filter, status: code }) : null }))} />
    </div>`;
}

/** The days of the period that its series covers: its weeks may begin before it and end after today. */
function daysCounted(series, filter) {
  const [{ start }] = series;
  const today = dayOf(Date.now());
  const first = [firstDay(filter) ?? start, start].sort()[1];
  const last = [filter.until ?? today, today].sort()[0];
  return Math.max(1, daysBetween(first, last) + 1);
}

/** How many leads there are in comparison with the time before. */
function comparison(leads, previous, filter) {
  const first = firstDay(filter);
  const days = first ? daysBetween(first, filter.until ?? dayOf(Date.now())) + 1 : 1;
  if (previous.leads === 0) return t.stats.noneBefore(days);
  return t.stats.compared(formatChange(leads / previous.leads - 1), days, previous.leads);
}

function medianBefore(previous) {
  const median = previous?.median_seconds_to_processing ?? null;
  return median === null ? '' : ` ${t.stats.medianBefore(formatDuration(median))}`;
}

/** All known codes in their order, also those without a lead, then the other codes that the server counted. */
function withKnownCodes(known, counted, key) {
  const count = new Map(counted.map((row) => [row[key], row.leads]));
  const codes = [...known, ...[...count.keys()].filter((code) => !known.includes(code))];
  return codes.map((code) => ({ code, leads: count.get(code) ?? 0 }));
}

/** @param {{series: Api.Stats['series'], filter: PeriodFilter, bucket: Bucket, total: number}} props */
function SeriesCard({ series, filter, bucket, total }) {
  const title = bucket === 'week' ? t.stats.leadsPerWeek : t.stats.leadsPerDay;
  const bucketName = (start) => {
    const text = formatDay(start, { weekday: bucket === 'week' ? undefined : 'short', day: 'numeric', month: 'long', year: 'numeric' });
    return bucket === 'week' ? t.stats.weekOf(text) : capitalize(text);
  };
  // A week at the edge of the period counts its days within the period alone.
  const url = (start) => {
    const last = bucket === 'week' ? addDays(start, 6) : start;
    const first = firstDay(filter);
    return href('', { since: first && first > start ? first : start, until: filter.until && filter.until < last ? filter.until : last });
  };
  const shortName = (start) => formatDay(start, { day: 'numeric', month: 'short' });
  const peak = series.reduce((best, row) => (row.leads > best.leads ? row : best), series[0]);
  return html`<section class="card" aria-labelledby="series-title">
    <h2 id="series-title">${title}</h2>
    <${BarChart} values=${series.map((row) => row.leads)} labels=${series.map((row) => shortName(row.start))}
      describe=${(index) => t.stats.bar(bucketName(series[index].start), series[index].leads)} hint=${html`<span class="hover-only">${t.stats.barHelp.hover}</span><span class="touch-only">${t.stats.barHelp.touch}</span>`}
      open=${(index) => navigate(url(series[index].start))}
      label=${t.stats.chartLabel(title, total, peak.leads, bucketName(peak.start))} />
    <details>
      <summary>${t.common.seeTable}</summary>
      <div class="table-scroller" tabindex="0" role="group" aria-labelledby="series-title"><table>
        <thead><tr><th scope="col">${bucket === 'week' ? t.stats.weekColumn : t.stats.dayColumn}</th><th scope="col" class="numeric">${t.stats.leadsColumn}</th></tr></thead>
        <tbody>${series.toReversed().map((row) => html`<tr><th scope="row">${bucketName(row.start)}</th><td class="numeric">${row.leads ? html`<a href=${url(row.start)}>${formatNumber(row.leads)}</a>` : formatNumber(0)}</td></tr>`)}</tbody>
      </table></div>
    </details>
  </section>`;
}

/**
 * The table is the chart: each row has its bar.
 * @param {{title: string, rows: {name: string, count: number, code?: string, url: string | null}[], total: number}} props
 */
function SharesCard({ title, rows, total }) {
  const max = Math.max(1, ...rows.map(({ count }) => count));
  return html`<section class="card">
    <table class="share-table">
      <caption>${title}</caption>
      <thead class="visually-hidden"><tr><th scope="col">${title}</th><th scope="col">${t.stats.leadsColumn}</th><th scope="col">${t.stats.shareColumn}</th></tr></thead>
      <tbody>${rows.map(({ name, count, code, url }) => html`<tr class=${code ? `share-${code}` : ''}>
        <th scope="row">${url && count ? html`<a href=${url}>${name}</a>` : name}<svg class="share-bar" aria-hidden="true"><rect class="track" width="100%" height="100%" rx="4" /><rect width="${(count / max) * 100}%" height="100%" rx="4" /></svg></th>
        <td class="numeric">${formatNumber(count)}</td>
        <td class="numeric percent">${formatPercent(count / total)}</td>
      </tr>`)}</tbody>
    </table>
  </section>`;
}
