// Small parts that several views are made of.
import { copy } from '/admin/assets/announce.js';
import { Component, createRef, html } from '/admin/assets/dom.js';
import { ago, dayAndTime, exact } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { Icon } from '/admin/assets/icons.js';

/** A moment: relative, exact on hover; with a length (`long`, `short`) day and time. */
export function Time({ at, length }) {
  return html`<time datetime=${at} title=${exact(at)}>${length ? dayAndTime(at, length) : ago(at)}</time>`;
}

export function Status({ code }) {
  return html`<span class="status status-${code}">${words.status[code] ?? code}</span>`;
}

/** Text from outside: its direction stays its own. */
export function Text({ children, class: name }) {
  return html`<bdi class=${name} dir="auto">${children}</bdi>`;
}

export class CopyButton extends Component {
  state = { done: false };

  copy = async () => {
    await copy(this.props.text, words.common.copied);
    this.setState({ done: true });
    setTimeout(() => this.setState({ done: false }), 1800);
  };

  render({ what }, { done }) {
    const label = words.common.copy(what);
    return html`<button type="button" class="icon-button quiet ${done ? 'done' : ''}" aria-label=${label} title=${label} onClick=${this.copy}>
      <${Icon} name=${done ? 'done' : 'copy'} />
    </button>`;
  }
}

/** Says that there is nothing here, and what to do. As the whole page's content it is headed by an `h1`. */
export function Empty({ icon, title, text, heading = 'h2', children }) {
  return html`<div class="empty">
    <span class="empty-icon"><${Icon} name=${icon} /></span>
    <${heading}>${title}<//>
    <p>${text}</p>
    ${children}
  </div>`;
}

export function errorText(error) {
  return words.error[error.code] ?? words.error.other;
}

export function Failure({ error, retry, heading }) {
  return html`<div role="alert"><${Empty} heading=${heading} icon=${error.code === 'offline' ? 'offline' : 'warning'} title=${words.error.title} text=${errorText(error)}>
    <button type="button" class="button" onClick=${retry}>${words.common.retry}</button>
  <//></div>`;
}

/** Grey shapes while something loads; they show only when it takes a moment. */
export function Skeleton({ rows = 8 }) {
  return html`<div class="skeleton" role="status">
    <span class="hidden-text">${words.common.loading}</span>
    ${Array.from({ length: rows }, () => html`<div aria-hidden="true"><i></i><i></i><i></i></div>`)}
  </div>`;
}

/** The end of a list: asks for more as it comes near, and has a button for those who do not scroll. */
export class ListEnd extends Component {
  place = createRef();

  componentDidMount() {
    const near = (entries) => entries.some((entry) => entry.isIntersecting) && this.props.pages.more();
    this.observer = new IntersectionObserver(near, { root: this.props.root?.() ?? null, rootMargin: '800px' });
    this.observer.observe(this.place.current);
  }

  // Observed anew, it tells again whether it is near: a short page may leave it in sight.
  componentDidUpdate() {
    this.observer.unobserve(this.place.current);
    this.observer.observe(this.place.current);
  }

  componentWillUnmount() {
    this.observer.disconnect();
  }

  render({ pages }) {
    return html`<div class="list-end" ref=${this.place}>
      ${pages.error && html`<p role="alert">${errorText(pages.error)}</p>
        <button type="button" class="button" onClick=${() => pages.retry()}>${words.common.retry}</button>`}
      ${!pages.error && pages.next && (pages.loading
        ? html`<p>${words.common.loading}</p>`
        : html`<button type="button" class="button" onClick=${() => pages.more()}>${words.common.more}</button>`)}
      ${!pages.error && !pages.next && html`<p>${words.common.all}</p>`}
    </div>`;
  }
}

/** A dialog of the browser: it keeps the keyboard inside and closes with Escape or a click beside it. */
export class Dialog extends Component {
  element = createRef();

  componentDidMount() {
    this.element.current.showModal();
  }

  beside = (event) => {
    if (event.target === this.element.current) this.element.current.close();
  };

  render({ title, close, children }) {
    return html`<dialog ref=${this.element} aria-labelledby="dialog-title" onClose=${close} onClick=${this.beside}>
      <div class="dialog-body">
        <header>
          <h2 id="dialog-title">${title}</h2>
          <button type="button" class="icon-button quiet" aria-label=${words.common.close} title=${words.common.close} onClick=${() => this.element.current.close()}>
            <${Icon} name="clear" />
          </button>
        </header>
        ${children}
      </div>
    </dialog>`;
  }
}

/** A field with its label above it; marked when something other than its neutral first option is chosen. */
export function Choice({ label, value, options, change, hideLabel = false }) {
  return html`<label class="choice ${value && options[0][0] === '' ? 'chosen' : ''}">
    <span class=${hideLabel ? 'hidden-text' : ''}>${label}</span>
    <select value=${value ?? ''} onChange=${(event) => change(event.target.value)}>
      ${options.map(([code, name]) => html`<option value=${code} selected=${code === (value ?? '')}>${name}</option>`)}
    </select>
  </label>`;
}
