// Fields to filter by period: a select with named periods, and two date inputs for a custom one.
import { filterKey, periods, validDay } from '/admin/assets/lib/filter.js';
import { addDays, dayOf } from '/admin/assets/lib/format.js';
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { SelectField } from '/admin/assets/ui/components.js';

/**
 * A custom period starts with the last seven days.
 * @param {{filter: PeriodFilter, apply: (change: PeriodFilter) => void, hideLabel?: boolean, without?: string[]}} props
 *   `without`: names that are not offered
 */
export function PeriodSelect({ filter, apply, hideLabel, without = [] }) {
  const onSelect = (name) => {
    if (name !== 'custom') return apply({ period: name, since: undefined, until: undefined });
    const today = dayOf(Date.now());
    apply({ period: undefined, since: addDays(today, -6), until: today });
  };
  const value = filter.since || filter.until ? 'custom' : filter.period;
  const names = ['', ...periods, 'custom'].filter((name) => !without.includes(name));
  return html`<${SelectField} label=${t.period.label} hideLabel=${hideLabel} value=${value} onSelect=${onSelect}
    options=${names.map((name) => [name, name || hideLabel ? t.period.names[name] : t.period.any])} />`;
}

/**
 * First and last day of a custom period. Two days in the wrong order leave nothing to find, which is said at once.
 * @extends {Component<{filter: PeriodFilter, apply: (change: PeriodFilter, options: {replace: boolean}) => void}>}
 */
export class DateRange extends Component {
  // A date that somebody is typing stays, whatever else changes.
  shouldComponentUpdate(next) {
    return filterKey(next.filter) !== filterKey(this.props.filter);
  }

  // A date that follows another one replaces it: Back undoes the choice, not a digit.
  onChange(name, { value, validity }) {
    if (validity.badInput || (value && !validDay(value))) return;
    this.props.apply({ [name]: value }, { replace: Boolean(value && this.props.filter[name]) });
  }

  // A date that no lead can have does not stay.
  onBlur(name, target) {
    if (target.value && !validDay(target.value)) target.value = this.props.filter[name] ?? '';
  }

  /** @param {DateRange['props']} props */
  render({ filter }) {
    if (!filter.since && !filter.until) return null;
    const reversed = Boolean(filter.since && filter.until && filter.since > filter.until);
    const field = (name) => html`<label class="date-field">
      <span>${t.period[name]}</span>
      <input type="date" aria-invalid=${reversed ? 'true' : undefined} aria-describedby=${reversed ? 'reversed-period' : undefined} value=${filter[name] ?? ''} min=${name === 'until' ? filter.since : undefined} max=${name === 'since' ? filter.until : undefined}
        onChange=${(event) => this.onChange(name, event.target)} onBlur=${(event) => this.onBlur(name, event.target)} />
    </label>`;
    return html`<div class="date-range">${field('since')}${field('until')}
      ${reversed && html`<p class="form-error" id="reversed-period" role="alert">${t.period.reversed}</p>`}
    </div>`;
  }
}
