// How many, of what, how fast: charts that can be read on a phone, each with its table.
import { get } from '/admin/assets/api.js';
import { html, Component } from '/admin/assets/dom.js';
import { forServer, keyOf, period, services, statuses } from '/admin/assets/filter.js';
import { addDays, capital, dayOf, dayText, duration, number, percent, zone } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { go, href } from '/admin/assets/router.js';
import { Choice, Empty, Failure, Skeleton } from '/admin/assets/ui.js';
import { Days, PeriodChoice } from '/admin/assets/views/filters.js';
import { Chart } from '/admin/assets/views/chart.js';

const usual = { period: '30d' };

/** What the address asks for. Without a period it is the last 30 days; long ones go by week. */
function asked(query) {
  const chosen = period(query);
  const filter = Object.keys(chosen).length ? chosen : usual;
  const long = filter.period === '12m' || (filter.since && filter.since < addDays(filter.until ?? dayOf(Date.now()), -92));
  const by = ['day', 'week'].includes(query.get('by')) ? query.get('by') : long ? 'week' : 'day';
  return { filter, by };
}

export class Figures extends Component {
  state = { figures: null, error: null };

  componentDidMount() {
    this.load();
  }

  componentDidUpdate(before) {
    if (keyOf(asked(before.route.query)) !== this.key()) this.load();
  }

  componentWillUnmount() {
    this.abort?.abort();
  }

  key() {
    return keyOf(asked(this.props.route.query));
  }

  load = async () => {
    const { filter, by } = asked(this.props.route.query);
    this.abort?.abort();
    const { signal } = (this.abort = new AbortController());
    try {
      const figures = await get('figures', { ...forServer(filter), by, zone }, signal);
      this.setState({ figures, by, error: null });
    } catch (error) {
      if (!signal.aborted) this.setState({ error });
    }
  };

  render({ route }, { figures, error, by: shownBy }) {
    const { filter, by } = asked(route.query);
    const apply = (change) => go(href('/figures', { ...filter, by: route.query.get('by'), ...change }));
    return html`<div class="page">
      <h1>${words.figures.title}</h1>
      <div class="page-filters">
        <${PeriodChoice} filter=${filter} apply=${(change) => apply({ ...change, by: undefined })} without=${['', 'today']} />
        <${Choice} label=${words.figures.by} value=${by} change=${(value) => apply({ by: value })} options=${[['day', words.figures.day], ['week', words.figures.week]]} />
        <${Days} filter=${filter} apply=${apply} />
      </div>
      ${error ? html`<${Failure} error=${error} retry=${this.load} />` : !figures ? html`<${Skeleton} rows=${4} />` : this.figures(figures, shownBy)}
    </div>`;
  }

  figures({ per, by_service: byService, by_status: byStatus, median_seconds_to_processing: median, leads }, by) {
    if (leads === 0) return html`<${Empty} icon="figures" title=${words.figures.emptyTitle} text=${words.figures.empty} />`;
    const days = per.length * (by === 'week' ? 7 : 1);
    return html`
      <dl class="tiles">
        <div><dt>${words.figures.total}</dt><dd>${number(leads)}</dd></div>
        <div><dt>${words.figures.perDay}</dt><dd>${number(leads / Math.max(1, days))}</dd></div>
        <div><dt>${words.figures.median}</dt><dd>${median === null ? '–' : duration(median)}</dd><dd class="small">${median === null ? words.figures.noMedian : words.figures.medianHelp}</dd></div>
      </dl>
      <${PerTime} per=${per} by=${by} total=${leads} />
      <div class="side-by-side">
        <${Shares} title=${words.figures.byService} total=${leads} rows=${inOrder(services, byService, 'service').map(({ code, leads: count }) => [code === null ? words.noService : (words.service[code] ?? code), count])} />
        <${Shares} title=${words.figures.byStatus} total=${leads} rows=${inOrder(statuses, byStatus, 'status').map(({ code, leads: count }) => [words.status[code] ?? code, count, code])} />
      </div>`;
  }
}

/** All known codes, those without a lead too, then whatever else the server counted. */
function inOrder(known, counted, name) {
  const count = new Map(counted.map((row) => [row[name], row.leads]));
  const codes = [...known, ...[...count.keys()].filter((code) => !known.includes(code))];
  return codes.map((code) => ({ code, leads: count.get(code) ?? 0 }));
}

function PerTime({ per, by, total }) {
  const title = by === 'week' ? words.figures.perWeekChart : words.figures.perDayChart;
  const name = (start) => {
    const text = dayText(start, { weekday: by === 'week' ? undefined : 'short', day: 'numeric', month: 'long', year: 'numeric' });
    return by === 'week' ? words.figures.week_of(text) : capital(text);
  };
  const short = (start) => dayText(start, { day: 'numeric', month: 'short' });
  const most = per.reduce((best, row) => (row.leads > best.leads ? row : best), per[0]);
  return html`<section class="card" aria-labelledby="per-title">
    <h2 id="per-title">${title}</h2>
    <${Chart} values=${per.map((row) => row.leads)} labels=${per.map((row) => short(row.start))}
      describe=${(index) => words.figures.bar(name(per[index].start), per[index].leads)}
      label=${words.figures.chartLabel(title, total, most.leads, name(most.start))} />
    <details>
      <summary>${words.common.seeTable}</summary>
      <div class="table-scroller" tabindex="0" role="group" aria-labelledby="per-title"><table>
        <thead><tr><th scope="col">${by === 'week' ? words.figures.weekColumn : words.figures.dayColumn}</th><th scope="col" class="count">${words.figures.leadsColumn}</th></tr></thead>
        <tbody>${per.toReversed().map((row) => html`<tr><th scope="row">${name(row.start)}</th><td class="count">${number(row.leads)}</td></tr>`)}</tbody>
      </table></div>
    </details>
  </section>`;
}

// The table is the chart: each row carries its bar.
function Shares({ title, rows, total }) {
  const most = Math.max(1, ...rows.map(([, count]) => count));
  return html`<section class="card">
    <table class="shares">
      <caption>${title}</caption>
      <thead class="hidden-text"><tr><th scope="col">${title}</th><th scope="col">${words.figures.leadsColumn}</th><th scope="col">${words.figures.shareColumn}</th></tr></thead>
      <tbody>${rows.map(([name, count, code]) => html`<tr class=${code ? `bar-${code}` : ''}>
        <th scope="row">${name}<svg class="bar" aria-hidden="true"><rect class="track" width="100%" height="100%" rx="4" /><rect width="${(count / most) * 100}%" height="100%" rx="4" /></svg></th>
        <td class="count">${number(count)}</td>
        <td class="count share">${percent(count / total)}</td>
      </tr>`)}</tbody>
    </table>
  </section>`;
}
