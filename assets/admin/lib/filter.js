// Filters of the lists: parsed from the page's address, and converted to the parameters of the API.
import { addDays, dayOf, dayStart } from '/admin/assets/lib/format.js';

export const statuses = ['received', 'processing', 'resolved', 'archived'];
export const services = ['ponts', 'cabines', 'compresseurs', 'diagnostic', 'autre'];
const daysBack = { today: 0, '7d': 6, '30d': 29, '90d': 89, '12m': 364 };
export const periods = Object.keys(daysBack);

/**
 * The filter of leads in an address; unknown values are left out.
 * @param {URLSearchParams} query
 * @returns {LeadFilter}
 */
export function leadFilter(query) {
  return omitEmpty({
    status: oneOf(statuses, query.get('status')),
    opened: oneOf(['false'], query.get('opened')),
    service: oneOf(services, query.get('service')),
    ...periodFilter(query),
    q: query.get('q')?.slice(0, 200),
    order: oneOf(['oldest'], query.get('order')),
  });
}

/** Whether a filter leaves leads out; an order does not. @param {LeadFilter} filter */
export function isFiltered(filter) {
  return Object.keys(filter).some((name) => name !== 'order');
}

/**
 * The period in an address: a name relative to today, or two days.
 * @param {URLSearchParams} query
 * @returns {PeriodFilter}
 */
export function periodFilter(query) {
  const name = oneOf(periods, query.get('period'));
  if (name) return { period: name };
  return omitEmpty({ since: validDay(query.get('since')), until: validDay(query.get('until')) });
}

/** The first day of a period, if it has one. @param {PeriodFilter} filter */
export function firstDay({ period, since }) {
  return period ? addDays(dayOf(Date.now()), -daysBack[period]) : since;
}

/** The filter as parameters of the API, without its order: the period as timestamps, including the whole last day. */
export function toApiQuery(filter) {
  const { period, since, until, ...rest } = filter;
  const first = firstDay({ period, since });
  return omitEmpty({
    ...rest,
    order: undefined,
    since: first && dayStart(first).toISOString(),
    until: until && dayStart(addDays(until, 1)).toISOString(),
  });
}

/** A filter as text, the same for equal filters. */
export function filterKey(filter) {
  return JSON.stringify(Object.entries(filter).sort());
}

/** @returns {any} */
export function omitEmpty(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value));
}

function oneOf(known, value) {
  return known.includes(value) ? value : null;
}

/** The day, if it can be one of a lead: not while somebody types its year. */
export function validDay(text) {
  return /^2\d{3}-\d\d-\d\d$/.test(text ?? '') && !Number.isNaN(Date.parse(text)) ? text : null;
}
