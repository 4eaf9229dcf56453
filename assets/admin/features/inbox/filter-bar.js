// Search and filters of the inbox. Their state is the page's address and nothing else.
import { openExport } from '/admin/assets/features/inbox/export-dialog.js';
import { StatusChips } from '/admin/assets/features/inbox/status-chips.js';
import { filterKey, services } from '/admin/assets/lib/filter.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { addShortcuts } from '/admin/assets/lib/keyboard-shortcuts.js';
import { href, navigate } from '/admin/assets/lib/router.js';
import { SelectField } from '/admin/assets/ui/components.js';
import { Icon } from '/admin/assets/ui/icon.js';
import { DateRange, PeriodSelect } from '/admin/assets/ui/period-select.js';

// Milliseconds after the last key.
const searchDelay = 250;

/** @extends {Component<{filter: LeadFilter, tally: Api.LeadTally | null}>} */
export class FilterBar extends Component {
  input = createRef();
  timer = 0;
  /** The text while someone types: the address must not overwrite it. @type {string | null} */
  typed = null;
  removeShortcuts = () => {};

  componentDidMount() {
    this.removeShortcuts = addShortcuts({
      '/': () => {
        const field = this.input.current;
        if (!field.checkVisibility({ visibilityProperty: true })) return false;
        field.focus();
        field.select();
      },
    });
  }

  // Back, or a link, has changed the search: what was typed before must not come back.
  componentDidUpdate(previous) {
    const { q = '' } = this.props.filter;
    if (this.typed === null || q === (previous.filter.q ?? '') || q === this.typed.trim()) return;
    clearTimeout(this.timer);
    this.typed = null;
    this.forceUpdate();
  }

  componentWillUnmount() {
    this.removeShortcuts();
    clearTimeout(this.timer);
  }

  apply(change, options) {
    const filter = { ...this.props.filter, ...change };
    if (filterKey(filter) !== filterKey(this.props.filter)) navigate(href('', filter), options);
  }

  // The first letter adds a history entry, the following ones replace it: Back undoes a search, not a letter.
  onInput = (event) => {
    this.typed = event.target.value;
    clearTimeout(this.timer);
    this.timer = setTimeout(this.search, searchDelay);
  };

  search = () => {
    clearTimeout(this.timer);
    if (this.typed === null) return;
    this.apply({ q: this.typed.trim() || undefined }, { replace: Boolean(this.props.filter.q) });
  };

  onBlur = () => {
    this.search();
    this.typed = null;
  };

  onSubmit = (event) => {
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

  render({ filter, tally }) {
    const text = this.typed ?? filter.q ?? '';
    return html`<form class="filter-bar" role="search" onSubmit=${this.onSubmit}>
      <div class="search-field">
        <${Icon} name="search" />
        <input ref=${this.input} type="text" inputmode="search" enterkeyhint="search" autocomplete="off" maxlength="200"
          aria-label=${t.inbox.searchLabel} placeholder=${t.inbox.search} value=${text}
          onInput=${this.onInput} onBlur=${this.onBlur} />
        ${text ? html`<button type="button" class="icon-button quiet" aria-label=${t.inbox.clearSearch} title=${t.inbox.clearSearch} onClick=${this.clearSearch}><${Icon} name="cross" /></button>` : html`<kbd aria-hidden="true">/</kbd>`}
      </div>
      <div class="filter-selects">
        <button type="button" class="button order-button" aria-pressed=${filter.order === 'oldest'} aria-label=${t.inbox.oldestFirst} title=${t.inbox.oldestFirst}
          onClick=${() => this.apply({ order: filter.order ? undefined : 'oldest' })}><${Icon} name="order" /></button>
        <${SelectField} hideLabel label=${t.inbox.service} value=${filter.service} onSelect=${(service) => this.apply({ service })}
          options=${[['', t.inbox.service], ...services.map((code) => [code, t.leadService[code]])]} />
        <${PeriodSelect} hideLabel filter=${filter} apply=${(change) => this.apply(change)} />
        <button type="button" class="button export-button" aria-keyshortcuts="e" aria-label=${t.inbox.export} title=${t.inbox.export} onClick=${() => openExport()}><${Icon} name="download" /><span>${t.inbox.export}</span></button>
      </div>
      <${DateRange} filter=${filter} apply=${(change, options) => this.apply(change, options)} />
      <${StatusChips} filter=${filter} tally=${tally} />
    </form>`;
  }
}
