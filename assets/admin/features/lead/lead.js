// One lead: what was sent, how to answer, its history, and whether its content is intact.
import { Proof, StatusCommands, Timeline } from '/admin/assets/features/lead/lead-sections.js';
import { Notices } from '/admin/assets/features/lead/notices.js';
import { OtherRequests } from '/admin/assets/features/lead/other-requests.js';
import { get } from '/admin/assets/lib/api-client.js';
import { replyHref } from '/admin/assets/lib/contact-links.js';
import { onServerEvent } from '/admin/assets/lib/event-stream.js';
import { dayOf, formatDay } from '/admin/assets/lib/format.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { addShortcuts } from '/admin/assets/lib/keyboard-shortcuts.js';
import { openLead } from '/admin/assets/lib/lead-requests.js';
import { linkify } from '/admin/assets/lib/linkify.js';
import { href, navigate } from '/admin/assets/lib/router.js';
import { scrollBox } from '/admin/assets/lib/scroll-area.js';
import { notify, store } from '/admin/assets/lib/store.js';
import { addSwipe } from '/admin/assets/lib/swipe.js';
import { asciiDomain } from '/admin/assets/lib/visible-text.js';
import { CopyButton, EmptyState, LeadStatus, PersonName, ServiceName, Skeleton, Time, UserText, visibleText } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';
import { ErrorState } from '/admin/assets/ui/load-error.js';

// Milliseconds in which the previous lead stays visible while the next one loads.
const skeletonDelay = 200;

// Fetched at once after a change.
const newRows = 20;

/** @typedef {{opened: Api.OpenedLead | null, error: any, loading: boolean}} LeadState */

/**
 * @extends {Component<{
 *   id: string,
 *   filter: LeadFilter,
 *   neighborId: (id: string, step: number) => string | undefined,
 * }, LeadState>}
 * `neighborId` finds the next lead (1) or the previous one (-1) of the list while the lead itself is still loading.
 */
export class Lead extends Component {
  /** @type {LeadState} */
  state = { opened: null, error: null, loading: false };
  title = createRef();
  scroller = createRef();
  /** @type {AbortController | undefined} */
  abort;
  removeShortcuts = () => {};
  removeListener = () => {};

  componentDidMount() {
    this.removeShortcuts = addShortcuts({ j: () => this.openNeighbor(1), k: () => this.openNeighbor(-1), Escape: () => this.close() });
    addSwipe(this.scroller.current, (step) => this.openNeighbor(step));
    this.removeListener = onServerEvent((event) => this.onServerEvent(event));
    this.load();
  }

  componentDidUpdate(previous) {
    if (previous.id === this.props.id) return;
    this.setState({ error: null });
    this.load();
  }

  componentWillUnmount() {
    this.abort?.abort();
    this.setTitle(null);
    this.removeShortcuts();
    this.removeListener();
  }

  /** Names the lead in the page's title. */
  setTitle(name) {
    store.leadName = name;
    notify();
  }

  load = async () => {
    const { id, filter } = this.props;
    this.abort?.abort();
    this.setTitle(null);
    const { signal } = (this.abort = new AbortController());
    const timer = setTimeout(() => signal.aborted || this.setState({ loading: true }), skeletonDelay);
    try {
      const opened = await openLead(id, filter, signal);
      this.setState({ opened, error: null, loading: false }, () => this.focusTitle());
      this.setTitle(opened.lead.name);
    } catch (error) {
      if (!signal.aborted) this.setState({ error, opened: null, loading: false });
    }
    clearTimeout(timer);
  };

  focusTitle() {
    // After an attempt that was made by itself, someone may be typing in the search.
    if (!this.scroller.current || document.activeElement?.closest('input, select')) return;
    scrollBox(this.scroller.current).scrollTop = 0;
    this.title.current?.focus({ preventScroll: true });
  }

  // The lead is not requested again: the audit log would have it as opened again.
  /** @param {ServerEvent} event */
  onServerEvent({ type, data }) {
    const { opened } = this.state;
    if (opened && type === 'erased') this.removeOther(opened, data.id);
    if (!opened || data.id !== opened.lead.id) return;
    if (type === 'erased') {
      this.setState({ opened: null, error: { code: 'lead_erased' } });
      this.setTitle(null);
    }
    if (type !== 'status') return;
    this.setState({ opened: { ...opened, lead: { ...opened.lead, status: data.status } } });
    this.loadNewRows();
  }

  /**
   * Drops another request of the person that was erased.
   * @param {Api.OpenedLead} opened
   */
  removeOther(opened, id) {
    const { others } = opened;
    const leads = others?.leads.filter((lead) => lead.id !== id) ?? [];
    if (!others || leads.length === others.leads.length) return;
    this.setState({ opened: { ...opened, others: { leads, count: { ...others.count, rows: others.count.rows - 1 } } } });
  }

  /** Adds what the audit log has about the lead since it was opened. */
  async loadNewRows() {
    const { id } = this.props;
    const page = await get('audit', { lead: id, limit: newRows }).catch(() => null);
    const { opened } = this.state;
    if (!page || opened?.lead.id !== id) return;
    const last = opened.timeline.at(-1)?.seq ?? 0;
    const added = page.rows.filter((row) => row.seq > last).reverse();
    this.setState({ opened: { ...opened, timeline: [...opened.timeline, ...added] } });
  }

  /** The id of the next (1) or previous (-1) lead of the list. */
  neighborId(step) {
    const { opened } = this.state;
    if (opened?.lead.id === this.props.id) return this.isOlder(step) ? opened.older : opened.newer;
    return this.props.neighborId(this.props.id, step);
  }

  isOlder(step) {
    return (step > 0) !== (this.props.filter.order === 'oldest');
  }

  openNeighbor(step) {
    const id = this.neighborId(step);
    if (id) navigate(href(`/leads/${id}`, this.props.filter));
  }

  close() {
    navigate(href('', this.props.filter));
  }

  /**
   * @param {Lead['props']} props
   * @param {Lead['state']} state
   */
  render({ filter }, { opened, error, loading }) {
    return html`<div class="detail-scroller" ref=${this.scroller}>
      ${this.toolbar(filter)}
      ${error ? this.failure(error) : loading || !opened ? html`<${Skeleton} rows=${5} />` : this.lead(opened)}
    </div>`;
  }

  toolbar(filter) {
    const neighborLink = (step, icon) => {
      const id = this.neighborId(step);
      const label = this.isOlder(step) ? t.lead.older : t.lead.newer;
      return id
        ? html`<a class="button small-button" href=${href(`/leads/${id}`, filter)} aria-label=${label} title=${label}><${Icon} name=${icon} /><span>${label}</span></a>`
        : html`<span class="button small-button disabled" aria-hidden="true"><${Icon} name=${icon} /><span>${label}</span></span>`;
    };
    return html`<div class="lead-toolbar">
      <a class="button quiet back-link" href=${href('', filter)}><${Icon} name="chevron-left" />${t.lead.back}</a>
      <span class="spacer"></span>
      ${this.state.opened && html`<button type="button" class="button small-button" aria-label=${t.lead.print} title=${t.lead.print} onClick=${() => print()}><${Icon} name="print" /><span>${t.lead.print}</span></button>`}
      ${neighborLink(-1, 'chevron-up')}
      ${neighborLink(1, 'chevron-down')}
    </div>`;
  }

  failure(error) {
    if (error.code === 'lead_erased') {
      return html`<${EmptyState} heading="h1" icon="trash" title=${t.lead.erasedTitle} text=${t.lead.erased}>
        <a class="button" href=${href('/audit', { lead: this.props.id })}>${t.lead.seeAudit}</a>
      <//>`;
    }
    if (error.code === 'not_found') {
      return html`<${EmptyState} heading="h1" icon="search" title=${t.lead.notFoundTitle} text=${t.lead.notFound}>
        <a class="button" href="/admin">${t.common.backToInbox}</a>
      <//>`;
    }
    return html`<${ErrorState} heading="h1" error=${error} retry=${this.load} />`;
  }

  /** @param {Api.OpenedLead} opened */
  lead({ lead, timeline, notices, receipt, digest, others, hits }) {
    const day = formatDay(dayOf(new Date(lead.created_at_utc)), { day: 'numeric', month: 'long' });
    const reply = { greeting: t.lead.greeting(lead.name), intro: t.lead.quoteIntro(day), quoted: lead.message };
    const mailto = replyHref(lead.email, t.lead.subject(day), reply);
    return html`<article class="lead">
      <header>
        <h1 tabindex="-1" ref=${this.title}><${PersonName} name=${lead.name} instead=${lead.email} hits=${hits?.name} /></h1>
        <p class="lead-meta">
          <${LeadStatus} code=${lead.status} />
          <${ServiceName} code=${lead.service} found=${hits?.service} />
          <${Time} at=${lead.created_at_utc} length="long" />
        </p>
      </header>
      <div class="lead-actions">
        <a class="button primary" href=${mailto}><${Icon} name="mail" />${t.lead.reply}</a>
        ${lead.phone_uri && html`<a class="button" href=${lead.phone_uri}><${Icon} name="phone" />${t.lead.call}</a>`}
      </div>
      <div class="lead-columns">
        <div class="lead-column">
          <section class="card message" aria-labelledby="message-title">
            <div class="section-header"><h2 id="message-title">${t.lead.message}</h2><${CopyButton} text=${lead.message} label=${t.lead.copyMessage} /></div>
            <p dir="auto"><${MessageText} text=${lead.message} phones=${lead.message_phones} hits=${hits?.message} /></p>
          </section>
          <section class="card" aria-labelledby="contact-title">
            <h2 id="contact-title">${t.lead.contact}</h2>
            <dl class="contact">
              <${ContactItem} icon="mail" label=${t.lead.email} value=${lead.email} hits=${hits?.email} copyLabel=${t.lead.copyEmail} link=${mailto} note=${asciiDomain(lead.email)} />
              <${ContactItem} icon="phone" label=${t.lead.phone} value=${lead.phone} hits=${hits?.phone} copyLabel=${t.lead.copyPhone} link=${lead.phone_uri} />
              <${ContactItem} icon="company" label=${t.lead.company} value=${lead.company} hits=${hits?.company} copyLabel=${t.lead.copyCompany} />
            </dl>
            <p class="status-line ${lead.consent ? 'success' : 'warning'}">
              <${Icon} name=${lead.consent ? 'check' : 'warning'} />
              <span><b>${lead.consent ? t.lead.consentGiven : t.lead.consentNotGiven}</b> <small>${lead.consent ? t.lead.consentGivenHelp : t.lead.consentNotGivenHelp}</small></span>
            </p>
          </section>
        </div>
        <div class="lead-column">
          <${OtherRequests} others=${others} email=${lead.email} filter=${this.props.filter} />
          <${Timeline} rows=${timeline} />
          <${Notices} notices=${notices} />
          <${Proof} lead=${lead} receipt=${receipt} digest=${digest} />
          <${StatusCommands} id=${lead.id} status=${lead.status} />
        </div>
      </div>
    </article>`;
  }
}

/**
 * A message with live addresses. Another site learns nothing of this page, and opens beside it.
 * @param {{text: string, phones: Api.PhoneLink[], hits?: Api.Hit[]}} props
 */
function MessageText({ text: message, phones, hits = [] }) {
  return linkify(message, phones).map(({ text, start, href: target }) => {
    const inPart = hits.filter((hit) => hit.end > start && hit.start < start + text.length);
    const shown = visibleText(text, true, inPart.map((hit) => ({ start: Math.max(0, hit.start - start), end: hit.end - start })));
    const web = target && /^https?:/.test(target);
    return target ? html`<a href=${target} title=${web ? target : undefined} target=${web ? '_blank' : undefined} rel="noopener noreferrer nofollow">${shown}</a>` : shown;
  });
}

/** @param {{icon: string, label: string, value: string | null, hits?: Api.Hit[], copyLabel: string, link?: string | null, note?: string | null}} props */
function ContactItem({ icon, label, value, hits, copyLabel, link, note }) {
  const text = value && html`<${UserText} hits=${hits}>${value}<//>`;
  return html`<div>
    <dt><${Icon} name=${icon} />${label}</dt>
    <dd>
      ${value ? (link ? html`<a href=${link}>${text}</a>` : text) : html`<span class="not-given">${t.common.notGiven}</span>`}
      ${note && html`<small>${note}</small>`}
      ${value && html`<${CopyButton} text=${value} label=${copyLabel} />`}
    </dd>
  </div>`;
}
