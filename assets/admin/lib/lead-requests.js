// Reads of leads by a filter. A search is sent in a body: it is often a name or an e-mail address, and logs keep addresses.
import { get, post } from '/admin/assets/lib/api-client.js';
import { toApiQuery } from '/admin/assets/lib/filter.js';

/**
 * A page of the leads that match a filter.
 * @param {LeadFilter} filter
 * @param {{cursor?: string | null, limit: number}} page
 * @param {AbortSignal} [signal]
 */
export function fetchLeads(filter, page, signal) {
  const parameters = { ...toApiQuery(filter), order: filter.order, ...page };
  return filter.q ? post('leads/search', parameters, signal) : get('leads', parameters, signal);
}

/**
 * A lead, with its neighbors among those that match a filter. The audit log records that it was opened.
 * @param {string} id
 * @param {LeadFilter} filter
 * @param {AbortSignal} signal
 */
export function openLead(id, filter, signal) {
  const path = `leads/${encodeURIComponent(id)}`;
  return filter.q ? post(path, toApiQuery(filter), signal) : get(path, toApiQuery(filter), signal);
}
