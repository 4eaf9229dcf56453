// The end of a paged list: loads the next page when it comes near, and has a button for those who do not scroll.
import { Component, createRef, html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { isTemporary } from '/admin/assets/lib/retry.js';
import { errorText } from '/admin/assets/ui/components.js';
import { RetryButton } from '/admin/assets/ui/load-error.js';

const loadAhead = '800px';

/** @extends {Component<{list: import('/admin/assets/lib/paged-list.js').PagedList, root?: () => Element | null}>} */
export class ListEnd extends Component {
  element = createRef();
  /** @type {IntersectionObserver | undefined} */
  observer;

  componentDidMount() {
    const onIntersection = (entries) => entries.some((entry) => entry.isIntersecting) && this.props.list.loadMore();
    this.observer = new IntersectionObserver(onIntersection, { root: this.props.root?.() ?? null, rootMargin: loadAhead });
    this.observer.observe(this.element.current);
  }

  // Observing again reports the position again: after a short page the end may still be visible.
  componentDidUpdate() {
    this.observer?.unobserve(this.element.current);
    this.observer?.observe(this.element.current);
  }

  componentWillUnmount() {
    this.observer?.disconnect();
  }

  render({ list }) {
    return html`<div class="list-end" ref=${this.element}>
      ${list.error && html`<p role="alert">${errorText(list.error)}</p>
        <${RetryButton} key=${isTemporary(list.error)} error=${list.error} retry=${() => list.retry()} />`}
      ${!list.error && list.cursor && (list.loading
        ? html`<p>${t.common.loading}</p>`
        : html`<button type="button" class="button" onClick=${() => list.loadMore()}>${t.common.loadMore}</button>`)}
      ${!list.error && !list.cursor && html`<p>${t.common.endOfList}</p>`}
    </div>`;
  }
}
