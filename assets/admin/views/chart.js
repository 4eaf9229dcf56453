// Bars over time, drawn by uPlot, which is fetched only where a chart is shown.
import { html, Component, createRef } from '/admin/assets/dom.js';
import { number } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';

const library = () => import('/admin/assets/vendor/uplot-1.6.32/uPlot.esm.js');
const height = 220;

export class Chart extends Component {
  state = { told: null };
  box = createRef();
  dark = matchMedia('(prefers-color-scheme: dark)');

  async componentDidMount() {
    this.uPlot = (await library()).default;
    if (!this.box.current) return;
    this.resized = new ResizeObserver(() => this.plot?.setSize({ width: this.box.current.clientWidth, height }));
    this.resized.observe(this.box.current);
    this.dark.addEventListener('change', this.draw);
    this.draw();
  }

  componentDidUpdate(before) {
    const drawn = ({ values, labels }) => JSON.stringify([values, labels]);
    if (drawn(before) !== drawn(this.props)) this.draw();
  }

  componentWillUnmount() {
    this.resized?.disconnect();
    this.dark.removeEventListener('change', this.draw);
    this.plot?.destroy();
  }

  draw = () => {
    if (!this.uPlot) return;
    this.plot?.destroy();
    const { values } = this.props;
    const data = [values.map((_, index) => index), values];
    this.plot = new this.uPlot(this.options(), data, this.box.current);
    this.setState({ told: null });
  };

  options() {
    const { values, labels } = this.props;
    const style = getComputedStyle(this.box.current);
    const colour = (name) => style.getPropertyValue(name).trim();
    const font = `12px ${style.fontFamily}`;
    const axis = { stroke: colour('--muted'), font, grid: { show: false }, ticks: { show: false } };
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
        { ...axis, size: 36, gap: 10, space: 64, incrs: [1, 2, 3, 5, 7, 10, 14, 21, 28, 35, 70, 140, 365], values: (_, places) => places.map((place) => labels[place] ?? '') },
        { ...axis, size: 40, grid: { stroke: colour('--line'), width: 1 }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000], values: (_, counts) => counts.map(number) },
      ],
      series: [{}, { fill: colour('--bar'), stroke: colour('--bar'), width: 0, points: { show: false }, paths: this.uPlot.paths.bars({ size: [0.72, 36], radius: 0.16 }) }],
      hooks: { setCursor: [(plot) => this.tell(plot.cursor.idx)] },
    };
  }

  tell(index) {
    if (index !== this.state.told) this.setState({ told: index ?? null });
  }

  render({ label, describe, values }, { told }) {
    return html`
      <p class="told" aria-hidden="true">${told !== null && told < values.length ? describe(told) : words.figures.barHelp}</p>
      <div class="chart" role="img" aria-label=${label} ref=${this.box}></div>`;
  }
}
