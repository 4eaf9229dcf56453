// Small components that several views use.
import { copyText } from '/admin/assets/lib/clipboard.js';
import { formatDayTime, formatExact, formatRelative, isTime } from '/admin/assets/lib/format.js';
import { Component, html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { showToast } from '/admin/assets/lib/toast.js';
import { isVisible, visiblePieces } from '/admin/assets/lib/visible-text.js';
import { Icon } from '/admin/assets/ui/icon.js';

const copiedFor = 1800; // milliseconds

/**
 * A time, exact on hover: relative to now (on paper, as day and time), or with `length` the day and time.
 * @param {{at: string, length?: 'long' | 'short'}} props
 */
export function Time({ at, length }) {
  if (!isTime(at)) return html`<${UserText}>${at}<//>`;
  return html`<time datetime=${at} title=${formatExact(at)} data-printed=${length ? undefined : formatDayTime(at, 'short')}>${length ? formatDayTime(at, length) : formatRelative(at)}</time>`;
}

export function LeadStatus({ code }) {
  return html`<span class="lead-status lead-status-${code}">${t.leadStatus[code] ?? code}</span>`;
}

/**
 * Text from outside: its writing direction does not affect the text around it, and nothing in it is invisible.
 * @param {{children?: any, class?: string, prose?: boolean, hits?: Api.Hit[]}} props `hits`: what a search has found in it
 */
export function UserText({ children, class: className, prose, hits }) {
  return html`<bdi class=${className} dir="auto">${visibleText(children, prose, hits)}</bdi>`;
}

/**
 * @param {any} text
 * @param {boolean} [prose]
 * @param {Api.Hit[]} [hits] what a search has found in it, in order
 */
export function visibleText(text, prose = false, hits = []) {
  if (typeof text !== 'string') return text;
  const visible = (part) => visiblePieces(part, { prose }).map((piece, index) => (index % 2 ? html`<span class="code-point">${piece}</span>` : piece));
  let end = 0;
  const parts = hits.map((hit) => {
    const before = visible(text.slice(end, hit.start));
    end = hit.end;
    return html`${before}<mark>${visible(text.slice(hit.start, hit.end))}</mark>`;
  });
  return [...parts, ...visible(text.slice(end))];
}

/** A service, or what is in its place; marked where a search has found its name. */
export function ServiceName({ code, found = false }) {
  const name = code ? (t.leadService[code] ?? code) : t.noService;
  return html`<span class="lead-service">${found ? html`<mark>${name}</mark>` : name}</span>`;
}

/**
 * A person's name; where it has nothing to see, what is known instead.
 * @param {{name: string, instead?: string, class?: string, hits?: Api.Hit[]}} props
 */
export function PersonName({ name, instead = t.noName, class: className, hits }) {
  const shown = isVisible(name);
  return html`<${UserText} class=${className} hits=${shown ? hits : undefined}>${shown ? name : instead}<//>`;
}

/** @extends {Component<{text: string, label: string}>} */
export class CopyButton extends Component {
  state = { copied: false };

  copy = async () => {
    await copyText(this.props.text);
    showToast(t.common.copied);
    this.setState({ copied: true });
    setTimeout(() => this.setState({ copied: false }), copiedFor);
  };

  /**
   * @param {CopyButton['props']} props
   * @param {CopyButton['state']} state
   */
  render({ label: what }, { copied }) {
    const label = t.common.copy(what);
    return html`<button type="button" class="icon-button quiet ${copied ? 'copied' : ''}" aria-label=${label} title=${label} onClick=${this.copy}>
      <${Icon} name=${copied ? 'check' : 'copy'} />
    </button>`;
  }
}

/**
 * Says that there is nothing to show, and what to do. `heading` is `h1` where it is the whole content of the page.
 * @param {{icon: string, title: string, text: string, heading?: string, children?: any}} props
 */
export function EmptyState({ icon, title, text, heading = 'h2', children }) {
  return html`<div class="empty-state">
    <span class="empty-state-icon"><${Icon} name=${icon} /></span>
    <${heading}>${title}<//>
    <p>${text}</p>
    ${children}
  </div>`;
}

export function errorText(error) {
  return t.error[error.code] ?? t.error.other;
}

/** Grey placeholders while content loads; they appear only after a moment. */
export function Skeleton({ rows = 8 }) {
  return html`<div class="skeleton" role="status">
    <span class="visually-hidden">${t.common.loading}</span>
    ${Array.from({ length: rows }, () => html`<div aria-hidden="true"><i></i><i></i><i></i></div>`)}
  </div>`;
}

/**
 * A select with its label; highlighted when another option than an empty first one is selected.
 * @param {{label: string, value?: string, options: [string, string][], onSelect: (value: string) => void, hideLabel?: boolean}} props
 */
export function SelectField({ label, value, options, onSelect, hideLabel = false }) {
  return html`<label class="select-field ${value && options[0][0] === '' ? 'active' : ''}">
    <span class=${hideLabel ? 'visually-hidden' : ''}>${label}</span>
    <select value=${value ?? ''} onChange=${(event) => onSelect(event.target.value)}>
      ${options.map(([code, name]) => html`<option value=${code} selected=${code === (value ?? '')}>${name}</option>`)}
    </select>
  </label>`;
}
