// One lead: everything that was sent, how to answer, what has been done, and the proof that nothing changed.
import { get } from '/admin/assets/api.js';
import { html, Component, createRef } from '/admin/assets/dom.js';
import { forServer } from '/admin/assets/filter.js';
import { dayText, dayOf, mail, telephone } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { Icon } from '/admin/assets/icons.js';
import { inbox } from '/admin/assets/inbox-list.js';
import { keys } from '/admin/assets/keys.js';
import { onLeadChange } from '/admin/assets/live.js';
import { go, href } from '/admin/assets/router.js';
import { CopyButton, Empty, Failure, Skeleton, Status, Text, Time } from '/admin/assets/ui.js';
import { Proof, Technical, Timeline } from '/admin/assets/views/lead-history.js';

const patience = 200; // milliseconds that the lead before stays in sight while the next one loads

export class Lead extends Component {
  state = { shown: null, error: null, waiting: false };
  title = createRef();
  pane = createRef();

  componentDidMount() {
    this.unkey = keys({ j: () => this.neighbour(1), k: () => this.neighbour(-1), Escape: () => this.close() });
    this.unlisten = onLeadChange((change) => this.changed(change));
    this.load();
  }

  componentDidUpdate(before) {
    if (before.id !== this.props.id) this.load();
  }

  componentWillUnmount() {
    this.abort?.abort();
    this.unkey();
    this.unlisten();
  }

  load = async () => {
    const { id, filter } = this.props;
    this.abort?.abort();
    const { signal } = (this.abort = new AbortController());
    this.setState({ error: null, waiting: this.state.error !== null || this.state.shown === null });
    const timer = setTimeout(() => signal.aborted || this.setState({ waiting: true }), patience);
    try {
      const shown = await get(`leads/${encodeURIComponent(id)}`, forServer(filter), signal);
      this.setState({ shown, waiting: false }, () => this.opened());
    } catch (error) {
      if (!signal.aborted) this.setState({ error, shown: null, waiting: false });
    }
    clearTimeout(timer);
  };

  opened() {
    if (!this.pane.current) return;
    this.pane.current.scrollTop = 0;
    this.title.current?.focus({ preventScroll: true });
  }

  // Asking the server again would count as opening the lead again; what the event says is enough.
  changed({ id, status, erased }) {
    const { shown } = this.state;
    if (id !== shown?.lead.id) return;
    if (erased) return this.setState({ shown: null, error: { code: 'lead_erased' } });
    this.setState({ shown: { ...shown, lead: { ...shown.lead, status } } });
  }

  /** The neighbour's id: by what the server said, or by the list when the answer is still under way. */
  idOf(step) {
    const { shown } = this.state;
    if (shown?.lead.id === this.props.id) return step > 0 ? shown.older : shown.newer;
    return inbox.neighbour(this.props.id, step)?.id;
  }

  neighbour(step) {
    const id = this.idOf(step);
    if (id) go(href(`/leads/${id}`, this.props.filter));
  }

  close() {
    go(href('', this.props.filter));
  }

  render({ filter }, { shown, error, waiting }) {
    return html`<div class="lead-scroller" ref=${this.pane}>
      ${this.bar(filter)}
      ${error ? this.failure(error) : waiting || !shown ? html`<${Skeleton} rows=${5} />` : this.lead(shown)}
    </div>`;
  }

  bar(filter) {
    const step = (by, icon, label) => {
      const id = this.idOf(by);
      return id
        ? html`<a class="button small-button" href=${href(`/leads/${id}`, filter)} aria-label=${label} title=${label}><${Icon} name=${icon} /><span>${label}</span></a>`
        : html`<span class="button small-button off" aria-hidden="true"><${Icon} name=${icon} /><span>${label}</span></span>`;
    };
    return html`<div class="lead-bar">
      <a class="button quiet back" href=${href('', filter)}><${Icon} name="back" />${words.lead.back}</a>
      <span class="spring"></span>
      ${this.state.shown && html`<button type="button" class="button small-button" aria-label=${words.lead.print} title=${words.lead.print} onClick=${() => print()}><${Icon} name="print" /><span>${words.lead.print}</span></button>`}
      ${step(-1, 'up', words.lead.newer)}
      ${step(1, 'down', words.lead.older)}
    </div>`;
  }

  failure(error) {
    if (error.code === 'lead_erased') {
      return html`<${Empty} heading="h1" icon="trash" title=${words.lead.erasedTitle} text=${words.lead.erased}>
        <a class="button" href=${href('/audit', { lead: this.props.id })}>${words.lead.seeTrace}</a>
      <//>`;
    }
    if (error.code === 'not_found') {
      return html`<${Empty} heading="h1" icon="search" title=${words.lead.notFoundTitle} text=${words.lead.notFound}>
        <a class="button" href="/admin">${words.common.backToInbox}</a>
      <//>`;
    }
    return html`<${Failure} heading="h1" error=${error} retry=${this.load} />`;
  }

  lead({ lead, timeline, receipt, digest }) {
    const day = dayText(dayOf(new Date(lead.created_at_utc)), { day: 'numeric', month: 'long' });
    const call = lead.phone && telephone(lead.phone);
    return html`<article class="lead">
      <header>
        <h1 tabindex="-1" ref=${this.title}><${Text}>${lead.name}<//></h1>
        <p class="lead-about">
          <${Status} code=${lead.status} />
          <span class="service">${lead.service ? (words.service[lead.service] ?? lead.service) : words.noService}</span>
          <${Time} at=${lead.created_at_utc} length="long" />
        </p>
      </header>
      <div class="answer">
        <a class="button primary" href=${mail(lead.email, words.lead.subject(day))}><${Icon} name="mail" />${words.lead.reply}</a>
        ${call && html`<a class="button" href=${call}><${Icon} name="phone" />${words.lead.call}</a>`}
      </div>
      <section class="message" aria-labelledby="message-title">
        <div class="section-head"><h2 id="message-title">${words.lead.message}</h2><${CopyButton} text=${lead.message} what=${words.lead.copyMessage} /></div>
        <p dir="auto">${lead.message}</p>
      </section>
      <section aria-labelledby="contact-title">
        <h2 id="contact-title">${words.lead.contact}</h2>
        <dl class="contact">
          ${contact('mail', words.lead.email, lead.email, words.lead.copyEmail, mail(lead.email, words.lead.subject(day)))}
          ${contact('phone', words.lead.phone, lead.phone, words.lead.copyPhone, call)}
          ${contact('company', words.lead.company, lead.company, words.lead.copyCompany)}
        </dl>
        <p class="fact ${lead.consent ? 'good' : 'warn'}">
          <${Icon} name=${lead.consent ? 'done' : 'warning'} />
          <span><b>${lead.consent ? words.lead.consentYes : words.lead.consentNo}</b> <small>${lead.consent ? words.lead.consentYesHelp : words.lead.consentNoHelp}</small></span>
        </p>
      </section>
      <${Timeline} rows=${timeline} />
      <${Proof} receipt=${receipt} digest=${digest} />
      <${Technical} lead=${lead} />
    </article>`;
  }
}

function contact(icon, label, value, what, link) {
  return html`<div>
    <dt><${Icon} name=${icon} />${label}</dt>
    <dd>
      ${value ? (link ? html`<a href=${link}><${Text}>${value}<//></a>` : html`<${Text}>${value}<//>`) : html`<span class="absent">${words.common.none}</span>`}
      ${value && html`<${CopyButton} text=${value} what=${what} />`}
    </dd>
  </div>`;
}
