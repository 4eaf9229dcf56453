// A bar chart over time, drawn by uPlot, which is fetched only where a chart is shown.
import { formatNumber } from '/admin/assets/lib/format.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';

const loadLibrary = () => import('/admin/assets/vendor/uplot-1.6.32/uPlot.esm.js');
const height = 220; // pixels

/**
 * @extends {Component<{
 *   values: number[],
 *   labels: string[],
 *   label: string,
 *   describe: (index: number) => string,
 *   hint: any,
 *   open: (index: number) => void,
 * }, {hovered: number | null}>}
 * `describe` is the caption while a bar is hovered, `hint` the caption otherwise; `open` shows what a bar counts.
 */
export class BarChart extends Component {
  state = { hovered: null };
  box = createRef();
  dark = matchMedia('(prefers-color-scheme: dark)');
  /** @type {typeof uPlot | undefined} */
  uPlot;
  /** @type {uPlot | undefined} */
  plot;
  /** @type {ResizeObserver | undefined} */
  resizeObserver;

  async componentDidMount() {
    this.uPlot = (await loadLibrary()).default;
    if (!this.box.current) return;
    this.resizeObserver = new ResizeObserver(() => this.plot?.setSize({ width: this.box.current.clientWidth, height }));
    this.resizeObserver.observe(this.box.current);
    this.dark.addEventListener('change', this.draw);
    this.draw();
  }

  componentDidUpdate(previous) {
    const data = ({ values, labels }) => JSON.stringify([values, labels]);
    if (data(previous) !== data(this.props)) this.draw();
  }

  componentWillUnmount() {
    this.resizeObserver?.disconnect();
    this.dark.removeEventListener('change', this.draw);
    this.plot?.destroy();
  }

  draw = () => {
    if (!this.uPlot) return;
    this.plot?.destroy();
    const { values } = this.props;
    this.plot = new this.uPlot(this.options(this.uPlot), [values.map((_, index) => index), values], this.box.current);
    this.setState({ hovered: null });
  };

  /** @returns {uPlot.Options} */
  options(uPlot) {
    const { values, labels } = this.props;
    const style = getComputedStyle(this.box.current);
    const color = (name) => style.getPropertyValue(name).trim();
    const font = `12px ${style.fontFamily}`;
    const axis = { stroke: color('--muted'), font, grid: { show: false }, ticks: { show: false } };
    return {
      width: this.box.current.clientWidth,
      height,
      padding: [12, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: [-0.6, values.length - 0.4] },
        y: { range: [0, Math.max(4, ...values) * 1.08] },
      },
      axes: [
        { ...axis, size: 36, gap: 10, space: 64, incrs: [1, 2, 3, 5, 7, 10, 14, 21, 28, 35, 70, 140, 365], values: (_, indexes) => indexes.map((index) => labels[index] ?? '') },
        { ...axis, size: 40, grid: { stroke: color('--border'), width: 1 }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000], values: (_, counts) => counts.map(formatNumber) },
      ],
      series: [{}, { fill: color('--chart-bar'), stroke: color('--chart-bar'), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.72, 36], radius: 0.16 }) }],
      hooks: { setCursor: [(plot) => this.onHover(plot.cursor.idx)] },
    };
  }

  onClick = () => {
    const { hovered } = this.state;
    if (hovered !== null && this.props.values[hovered] > 0) this.props.open(hovered);
  };

  onHover(index) {
    if (index !== this.state.hovered) this.setState({ hovered: index ?? null });
  }

  /**
   * @param {BarChart['props']} props
   * @param {BarChart['state']} state
   */
  render({ label, describe, values, hint }, { hovered }) {
    return html`
      <p class="chart-caption" aria-hidden="true">${hovered !== null && hovered < values.length ? describe(hovered) : hint}</p>
      <div class="chart ${hovered !== null && values[hovered] > 0 ? 'on-bar' : ''}" role="img" aria-label=${label} ref=${this.box} onClick=${this.onClick}></div>`;
  }
}
