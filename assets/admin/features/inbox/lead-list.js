// The leads of the inbox: the pages of the current filter, and new leads that are not shown yet. Kept while other views are open.
import { filterKey } from '/admin/assets/lib/filter.js';
import { t } from '/admin/assets/lib/i18n.js';
import { fetchLeads } from '/admin/assets/lib/lead-requests.js';
import { announce } from '/admin/assets/lib/live-region.js';
import { PagedList } from '/admin/assets/lib/paged-list.js';
import { notify } from '/admin/assets/lib/store.js';

const firstPageSize = 50;
// The size of a page that is read for its counts.
const nothing = 1;
const pageSize = 100;
// Milliseconds in which new leads are collected.
const pollDelay = 300;
// Milliseconds after a failed request.
const retryDelay = 5000;

class LeadList {
  /** @type {LeadFilter} */
  filter = {};
  /** @type {string | null} */
  key = null;
  /** Whether the inbox is the view that is open. */
  isOpen = false;
  /** The position at which the list was left, in pixels. */
  scrollTop = 0;
  /** Leads that match the filter by now, shown when someone asks for them. @type {Api.LeadSummary[]} */
  pending = [];
  /** Whether more leads are pending than one page. */
  pendingMore = false;
  /** Ids of the leads to highlight: those shown last on request. @type {Set<string>} */
  highlighted = new Set();
  /** The position in the audit log at which the list was read last. */
  #asOf = 0;
  /** The position of the last event that a newer list may have. */
  #wantedAsOf = 0;
  #timer = 0;
  #pollWanted = false;
  /** Whether the search has something to look for, and what one without results may have meant. */
  search = { searchable: true, suggestion: /** @type {string | null} */ (null) };
  /** Whether the next poll is for new leads, not for the counts alone. */
  #leadsWanted = false;
  /** How many leads have each status, for the filters but the status. @type {Api.LeadTally | null} */
  tally = null;
  /** Grows with every restart, so that the response to an older request is ignored. */
  #generation = 0;

  pages = new PagedList(async (cursor, signal) => {
    const limit = cursor ? pageSize : firstPageSize;
    const page = await fetchLeads(this.filter, { cursor, limit }, signal);
    if (!cursor) {
      this.#asOf = page.as_of;
      this.tally = page.tally;
    }
    const { searchable, suggestion } = page;
    if (!signal.aborted) this.search = { searchable, suggestion };
    if (suggestion) announce(t.inbox.didYouMean(suggestion));
    return { rows: page.leads, next: page.next, count: page.count };
  });

  /** @param {LeadFilter} filter */
  setFilter(filter) {
    const key = filterKey(filter);
    if (key === this.key) return;
    this.key = key;
    this.filter = filter;
    this.restart();
  }

  restart() {
    this.#clearPending();
    this.pages.restart();
  }

  clear() {
    this.key = null;
    this.filter = {};
    this.scrollTop = 0;
    this.tally = null;
    this.#clearPending();
    this.pages.clear();
  }

  #clearPending() {
    this.#generation += 1;
    this.#asOf = 0;
    this.pending = [];
    this.pendingMore = false;
    this.highlighted = new Set();
  }

  /** @param {ServerEvent} event */
  onServerEvent({ type, id, data }) {
    if (type === 'hello' || type === 'lead') {
      this.#leadsWanted = true;
      this.schedulePoll(id);
    } else if (type === 'status') {
      // With a filter by status, another lead may match now.
      this.#leadsWanted ||= Boolean(this.filter.status);
      this.#change(data.id, (lead) => ({ ...lead, status: data.status }), id);
    } else if (type === 'viewed') this.#change(data.id, (lead) => ({ ...lead, first_view: lead.first_view ?? data.view, last_view: data.view }), id);
    else if (type === 'erased') this.#erase(data.id, id);
  }

  /**
   * Asks the server soon for the counts, and for new leads that match the filter, unless the list was read after the event. One
   * request at a time, whatever happens.
   * @param {string} eventId
   */
  schedulePoll(eventId) {
    this.#wantedAsOf = Math.max(this.#wantedAsOf, Number(eventId));
    this.#startTimer(pollDelay);
  }

  #startTimer(delay) {
    this.#pollWanted = true;
    if (!this.#timer) this.#timer = setTimeout(() => this.#poll(), delay);
  }

  async #poll() {
    this.#pollWanted = false;
    // A page that is still loading may have been read before the new leads: poll once it is there.
    const done = this.pages.loaded ? await this.#fetchPending() : !this.pages.loading;
    this.#timer = 0;
    if (!done) this.#startTimer(this.pages.loaded ? retryDelay : pollDelay);
    else if (this.#pollWanted) this.#startTimer(pollDelay);
  }

  /** Returns false if the request failed and is still needed. */
  async #fetchPending() {
    if (this.#asOf >= this.#wantedAsOf) {
      this.#leadsWanted = false;
      return true;
    }
    const generation = this.#generation;
    const leadsWanted = this.#leadsWanted;
    // Before the request: a lead that arrives during it is wanted again.
    this.#leadsWanted = false;
    const page = await fetchLeads(this.filter, { limit: leadsWanted ? firstPageSize : nothing }).catch(() => null);
    if (generation !== this.#generation) return true;
    if (!page) {
      this.#leadsWanted ||= leadsWanted;
      return false;
    }
    this.pages.count = page.count ?? this.pages.count;
    this.tally = page.tally;
    notify();
    if (!leadsWanted) return true;
    this.#asOf = page.as_of;
    this.#refresh(page.leads);
    const isOldestFirst = this.#isOldestFirst;
    const last = this.pages.last?.created_at_utc;
    // What comes after the last row comes with its page; at the end, nothing moves when it appears.
    if (isOldestFirst) this.pages.extend();
    const comesLater = ({ created_at_utc: time }) => last && (isOldestFirst ? time > last : this.pages.cursor && time < last);
    const pending = page.leads.filter((lead) => !this.pages.seqs.has(lead.seq) && !comesLater(lead));
    const added = pending.length - this.pending.length;
    this.pending = pending;
    this.pendingMore = pending.length === page.leads.length && page.next !== null;
    if (added > 0) announce(this.pendingText);
    this.#fillIfEmpty();
    notify();
    return true;
  }

  /** @param {boolean} isOpen */
  setOpen(isOpen) {
    this.isOpen = isOpen;
    this.#fillIfEmpty();
  }

  /** Nobody reads an empty list: new leads are shown at once. */
  #fillIfEmpty() {
    if (this.isOpen && this.pages.isEmpty && this.pending.length > 0) this.showPending();
  }

  get #isOldestFirst() {
    return this.filter.order === 'oldest';
  }

  /** Whether pending leads have just arrived; otherwise their status has changed. */
  get #areNew() {
    return [undefined, 'received'].includes(this.filter.status);
  }

  /** How many leads are pending, in words. */
  get pendingText() {
    return t.inbox[this.#areNew ? 'newLeads' : 'moreLeads'](this.pending.length, this.pendingMore);
  }

  /** Shows the pending leads at the top. If they are more than a page, or not all newest, the list restarts. */
  showPending() {
    const [top] = this.pages.rows();
    const allNewer = !this.#isOldestFirst && this.pending.every((lead) => !top || lead.created_at_utc > top.created_at_utc);
    if (this.pendingMore || !allNewer) return this.restart();
    this.highlighted = new Set(this.pending.map((lead) => lead.id));
    this.pages.add(this.pending, 'start');
    this.pending = [];
    notify();
  }

  /**
   * Brings shown rows up to date: what changed between the first page and the first event is in no event.
   * @param {Api.LeadSummary[]} leads
   */
  #refresh(leads) {
    const read = new Map(leads.map((lead) => [lead.id, lead]));
    const differs = (row) => {
      const now = read.get(row.id);
      return now && !row.erased && (now.status !== row.status || now.first_view?.at_utc !== row.first_view?.at_utc);
    };
    this.pages.update(differs, (row) => read.get(row.id));
  }

  #change(id, change, eventId) {
    this.pages.update((lead) => lead.id === id && !lead.erased, change);
    this.pending = this.pending.map((lead) => (lead.id === id ? change(lead) : lead));
    // The row stays, as someone may be reading it, but the counts change.
    this.schedulePoll(eventId);
    notify();
  }

  /** Drops the personal data; the row stays, so that nothing moves. */
  #erase(id, eventId) {
    this.pages.update((lead) => lead.id === id, (lead) => ({ id, seq: lead.seq, created_at_utc: lead.created_at_utc, erased: true }));
    this.pending = this.pending.filter((lead) => lead.id !== id);
    this.schedulePoll(eventId);
    notify();
  }

  /** Loads the next page if the lead is the last one that is loaded. */
  loadAfter(id) {
    if (this.pages.last?.id === id) this.pages.loadMore();
  }

  /**
   * The id of the lead before (-1) or after (1) another one, if it is loaded.
   * @returns {string | undefined}
   */
  neighborId(id, step) {
    const rows = [...this.pages.rows()];
    const index = rows.findIndex((lead) => lead.id === id);
    return index < 0 ? undefined : rows[index + step]?.id;
  }
}

export const leadList = new LeadList();
