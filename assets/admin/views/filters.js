// The inbox's search and filters: what is chosen goes into the address, nowhere else.
import { html, Component, createRef } from '/admin/assets/dom.js';
import { keyOf, periods, services, statuses } from '/admin/assets/filter.js';
import { addDays, dayOf } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { Icon } from '/admin/assets/icons.js';
import { keys } from '/admin/assets/keys.js';
import { go, href } from '/admin/assets/router.js';
import { Choice } from '/admin/assets/ui.js';

const pause = 250;

export class Filters extends Component {
  input = createRef();
  timer = 0;
  typed = null; // while someone types, the field is theirs

  componentDidMount() {
    this.unkey = keys({
      '/': () => {
        const field = this.input.current;
        if (!field.checkVisibility({ visibilityProperty: true })) return false;
        field.focus();
        field.select();
      },
    });
  }

  componentWillUnmount() {
    this.unkey();
    clearTimeout(this.timer);
  }

  apply(change, options) {
    const filter = { ...this.props.filter, ...change };
    if (keyOf(filter) !== keyOf(this.props.filter)) go(href('', filter), options);
  }

  // The first letter makes an entry of the history, the following ones change it: Back undoes a search, not a letter.
  type = (event) => {
    this.typed = event.target.value;
    clearTimeout(this.timer);
    this.timer = setTimeout(this.search, pause);
  };

  search = () => {
    clearTimeout(this.timer);
    if (this.typed === null) return;
    this.apply({ q: this.typed.trim() || undefined }, { replace: Boolean(this.props.filter.q) });
  };

  submit = (event) => {
    event.preventDefault();
    this.search();
    this.typed = null;
  };

  clearSearch = () => {
    this.typed = null;
    this.input.current.value = '';
    this.apply({ q: undefined });
    this.input.current.focus();
  };

  render({ filter }) {
    const shown = this.typed ?? filter.q ?? '';
    return html`<form class="filters" role="search" onSubmit=${this.submit}>
      <div class="search">
        <${Icon} name="search" />
        <input ref=${this.input} type="text" inputmode="search" enterkeyhint="search" autocomplete="off" maxlength="200"
          aria-label=${words.inbox.searchLabel} placeholder=${words.inbox.search} value=${shown}
          onInput=${this.type} onBlur=${() => { this.search(); this.typed = null; }} />
        ${shown ? html`<button type="button" class="icon-button quiet" aria-label=${words.inbox.clearSearch} title=${words.inbox.clearSearch} onClick=${this.clearSearch}><${Icon} name="clear" /></button>` : html`<kbd aria-hidden="true">/</kbd>`}
      </div>
      <div class="choices">
        <${Choice} hideLabel label=${words.inbox.status} value=${filter.status} change=${(status) => this.apply({ status })}
          options=${[['', words.inbox.status], ...statuses.map((code) => [code, words.status[code]])]} />
        <${Choice} hideLabel label=${words.inbox.service} value=${filter.service} change=${(service) => this.apply({ service })}
          options=${[['', words.inbox.service], ...services.map((code) => [code, words.service[code]])]} />
        <${PeriodChoice} hideLabel filter=${filter} apply=${(change) => this.apply(change)} />
      </div>
      <${Days} filter=${filter} apply=${(change) => this.apply(change)} />
    </form>`;
  }
}

/** A period by name, or "choose the days", which begins with the last week. */
export function PeriodChoice({ filter, apply, hideLabel, without = [] }) {
  const change = (name) => {
    if (name !== 'custom') return apply({ period: name, since: undefined, until: undefined });
    const today = dayOf(Date.now());
    return apply({ period: undefined, since: addDays(today, -6), until: today });
  };
  const value = filter.since || filter.until ? 'custom' : filter.period;
  const names = ['', ...periods, 'custom'].filter((name) => !without.includes(name));
  return html`<${Choice} label=${words.inbox.period} hideLabel=${hideLabel} value=${value} change=${change}
    options=${names.map((name) => [name, name || hideLabel ? words.inbox.periods[name] : words.inbox.anyPeriod])} />`;
}

/** The two days of a period chosen by hand. */
export function Days({ filter, apply }) {
  if (!filter.since && !filter.until) return null;
  const field = (name) => html`<label class="day">
    <span>${words.inbox[name]}</span>
    <input type="date" value=${filter[name] ?? ''} min=${name === 'until' ? filter.since : undefined} max=${name === 'since' ? filter.until : undefined}
      onChange=${(event) => event.target.validity.badInput || apply({ [name]: event.target.value })} />
  </label>`;
  return html`<div class="days">${field('since')}${field('until')}</div>`;
}
