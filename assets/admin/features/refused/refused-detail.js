// One refused submission: why, whom to call back, what can be read of it. Everything in it is shown as text.
import { get } from '/admin/assets/lib/api-client.js';
import { mailtoHref } from '/admin/assets/lib/contact-links.js';
import { formatExact, formatNumber } from '/admin/assets/lib/format.js';
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { href } from '/admin/assets/lib/router.js';
import { CopyButton, EmptyState, Skeleton, UserText } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';
import { ErrorState } from '/admin/assets/ui/load-error.js';

/** @extends {Component<{id: string}, {refused: Api.RefusedDetail | null, error: any}>} */
export class RefusedDetail extends Component {
  /** @type {{refused: Api.RefusedDetail | null, error: any}} */
  state = { refused: null, error: null };
  abort = new AbortController();

  componentDidMount() {
    this.load();
  }

  componentWillUnmount() {
    this.abort.abort();
  }

  load = async () => {
    try {
      const { summary, ...content } = await get(`refused/${this.props.id}`, {}, this.abort.signal);
      this.setState({ refused: { ...summary, ...content }, error: null });
    } catch (error) {
      if (!this.abort.signal.aborted) this.setState({ error });
    }
  };

  /**
   * @param {RefusedDetail['props']} props
   * @param {RefusedDetail['state']} state
   */
  render(props, { refused, error }) {
    if (error?.status === 404) return html`<${EmptyState} icon="trash" heading="h1" title=${t.refused.goneTitle} text=${t.refused.gone}><a class="button" href="/admin/refused">${t.refused.back}</a><//>`;
    if (error) return html`<${ErrorState} heading="h1" error=${error} retry=${this.load} />`;
    if (!refused) return html`<${Skeleton} />`;
    return html`<div class="page">
      <p><a class="button small-button" href="/admin/refused"><${Icon} name="chevron-left" />${t.refused.back}</a></p>
      <h1>${t.refused.one}</h1>
      ${refused.settled_at_utc && html`<p class="page-intro">${t.refused.settledText} ${refused.lead_id && html`<a href=${href(`/leads/${refused.lead_id}`)}>${t.refused.openLead}</a>`}</p>`}
      <${Contacts} refused=${refused} />
      <section class="card">
        <h2>${t.refused.faults}</h2>
        <ul>${refused.faults.map((fault) => html`<li><${UserText}>${t.refused.fault(fault)}<//></li>`)}</ul>
        <dl class="refused-facts">${facts(refused).map(([label, value]) => html`<div><dt>${label}</dt><dd><${UserText}>${value}<//></dd></div>`)}</dl>
      </section>
      ${refused.fields.length > 0 && html`<section class="card">
        <h2>${t.refused.fields}</h2>
        <dl class="refused-facts">${refused.fields.map(({ name, value }) => html`<div><dt>${t.refused.fieldName(name)}</dt><dd><${UserText} prose>${value}<//></dd></div>`)}</dl>
      </section>`}
      <section class="card">
        <h2>${t.refused.body}</h2>
        <pre class="refused-body"><${UserText} prose>${refused.body}<//></pre>
        ${refused.cut && html`<p class="small">${t.refused.cut}</p>`}
      </section>
    </div>`;
  }
}

/** Whom to call back, as far as that can be read. */
function Contacts({ refused: { emails, phones } }) {
  if (emails.length + phones.length === 0) return html`<section class="card"><h2>${t.refused.contacts}</h2><p>${t.refused.noContacts}</p></section>`;
  return html`<section class="card">
    <h2>${t.refused.contacts}</h2>
    <ul class="refused-contacts">
      ${emails.map((email) => html`<li><a href=${mailtoHref(email)}><${Icon} name="mail" /><${UserText}>${email}<//></a><${CopyButton} text=${email} label=${t.refused.email} /></li>`)}
      ${phones.map(({ text, uri }) => html`<li><a href=${uri}><${Icon} name="phone" /><${UserText}>${text}<//></a><${CopyButton} text=${text} label=${t.refused.phone} /></li>`)}
    </ul>
  </section>`;
}

/** @param {Api.RefusedDetail} refused */
function facts(refused) {
  return [
    [t.refused.receivedAt, formatExact(refused.received_at_utc)],
    [t.refused.lastAt, refused.times > 1 && `${formatExact(refused.last_at_utc)} (${t.refused.times(refused.times)})`],
    [t.refused.status, String(refused.status_code)],
    [t.refused.mediaType, refused.media_type],
    [t.refused.encoding, refused.content_encoding],
    [t.refused.requestId, refused.request_id],
    [t.refused.size, t.refused.bytes(formatNumber(refused.size))],
    [t.refused.id, refused.id],
  ].filter(([, value]) => value);
}
