// The inbox's rows, kept while other views are open: pages of the filter, and what has arrived since.
import { announce } from '/admin/assets/announce.js';
import { get } from '/admin/assets/api.js';
import { forServer, keyOf } from '/admin/assets/filter.js';
import { words } from '/admin/assets/i18n.js';
import { Pages } from '/admin/assets/pages.js';
import { redraw } from '/admin/assets/state.js';

const firstPage = 50;
const laterPages = 100;
const soon = 300; // milliseconds in which arrivals are gathered
const later = 5000; // before a question that failed is asked again

class InboxList {
  filter = {};
  key = null;
  waiting = []; // arrived, matching the filter, not shown until someone asks
  waitingMore = false;
  fresh = new Set(); // shown at request just now: marked for a moment
  #timer = 0;
  #wanted = false;
  #turn = 0; // an answer to an earlier list is not of this one

  pages = new Pages(async (cursor, signal) => {
    const limit = cursor ? laterPages : firstPage;
    const page = await get('leads', { ...forServer(this.filter), cursor, limit }, signal);
    return { rows: page.leads, next: page.next, count: page.count };
  });

  show(filter) {
    const key = keyOf(filter);
    if (key === this.key) return;
    this.key = key;
    this.filter = filter;
    this.restart();
  }

  restart() {
    this.#nothingWaits();
    this.pages.restart();
  }

  forget() {
    this.key = null;
    this.#nothingWaits();
    this.pages.clear();
  }

  #nothingWaits() {
    this.#turn += 1;
    this.waiting = [];
    this.waitingMore = false;
    this.fresh = new Set();
  }

  /** Something arrived: soon asks the server what of it this filter finds. Many arrivals, one question at a time. */
  lookSoon(pause = soon) {
    this.#wanted = true;
    this.#timer ||= setTimeout(() => this.#look(), pause);
  }

  async #look() {
    this.#wanted = false;
    // A list that is still under way may have been read before what arrived: it is looked at once it is there.
    const answered = this.pages.loaded ? await this.#ask() : !this.pages.loading;
    this.#timer = 0;
    if (!answered) this.lookSoon(this.pages.loaded ? later : soon);
    else if (this.#wanted) this.lookSoon();
  }

  /** Says whether the server was heard, or need not be any more. */
  async #ask() {
    const turn = this.#turn;
    const page = await get('leads', { ...forServer(this.filter), limit: firstPage }).catch(() => null);
    if (turn !== this.#turn) return true;
    if (!page) return false;
    this.pages.count = page.count ?? this.pages.count;
    const arrived = page.leads.filter((lead) => !this.pages.known.has(lead.seq));
    const more = arrived.length - this.waiting.length;
    this.waiting = arrived;
    this.waitingMore = arrived.length === page.leads.length && page.next !== null;
    if (more > 0) announce(words.inbox.arrived(arrived.length, this.waitingMore));
    // Nobody reads an empty list: there it is shown at once.
    if (this.pages.empty) this.showWaiting();
    redraw();
    return true;
  }

  /** Shows what waits, at the top. Where more than a page waits, or it belongs further down, the list begins anew. */
  showWaiting() {
    const [top] = this.pages.rows();
    const above = this.waiting.every((lead) => !top || lead.created_at_utc > top.created_at_utc);
    if (this.waitingMore || !above) return this.restart();
    this.fresh = new Set(this.waiting.map((lead) => lead.id));
    this.pages.add(this.waiting, 'start');
    this.waiting = [];
    redraw();
  }

  statusChanged(id, status) {
    this.pages.change((lead) => lead.id === id, (lead) => ({ ...lead, status }));
    this.waiting = this.waiting.map((lead) => (lead.id === id ? { ...lead, status } : lead));
    // The row stays where someone may be reading it, but the filter finds one more or one less.
    if (this.filter.status) this.lookSoon();
    redraw();
  }

  /** An erased person leaves the page, too; the row stays, so that nothing moves. */
  erased(id) {
    this.pages.change((lead) => lead.id === id, (lead) => ({ id, seq: lead.seq, created_at_utc: lead.created_at_utc, erased: true }));
    this.waiting = this.waiting.filter((lead) => lead.id !== id);
    redraw();
  }

  /** The row before or after one, where it is loaded. */
  neighbour(id, step) {
    const rows = [...this.pages.rows()];
    const place = rows.findIndex((lead) => lead.id === id);
    return place < 0 ? null : (rows[place + step] ?? null);
  }
}

export const inbox = new InboxList();
