// What the lists show: as words of the page's address, and as the server wants it.
import { addDays, dayOf, dayStart } from '/admin/assets/format.js';

export const statuses = ['received', 'processing', 'resolved', 'archived'];
export const services = ['ponts', 'cabines', 'compresseurs', 'diagnostic', 'autre'];
const daysBack = { today: 0, '7d': 6, '30d': 29, '90d': 89, '12m': 364 };
export const periods = Object.keys(daysBack);

/** The filter of leads that an address asks for; what it cannot mean is left out. */
export function leadFilter(query) {
  return tidy({
    status: oneOf(statuses, query.get('status')),
    service: oneOf(services, query.get('service')),
    ...period(query),
    q: query.get('q')?.slice(0, 200),
  });
}

/** The period that an address asks for: a name that moves with today, or two days. */
export function period(query) {
  const name = oneOf(periods, query.get('period'));
  if (name) return { period: name };
  return tidy({ since: day(query.get('since')), until: day(query.get('until')) });
}

/** The same for the server: moments, the last day whole within. */
export function forServer(filter) {
  const { period: name, since, until, ...rest } = filter;
  const first = name ? addDays(dayOf(Date.now()), -daysBack[name]) : since;
  return tidy({
    ...rest,
    since: first && dayStart(first).toISOString(),
    until: until && dayStart(addDays(until, 1)).toISOString(),
  });
}

/** A stable text of a filter, to see whether it changed. */
export function keyOf(filter) {
  return JSON.stringify(Object.entries(filter).sort());
}

export function tidy(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value));
}

function oneOf(known, value) {
  return known.includes(value) ? value : null;
}

function day(text) {
  return /^\d{4}-\d\d-\d\d$/.test(text ?? '') && !Number.isNaN(Date.parse(text)) ? text : null;
}
