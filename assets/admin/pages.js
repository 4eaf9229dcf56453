// A long list that is fetched page after page, newest first, each page beginning where the last one ended.
import { redraw } from '/admin/assets/state.js';

let serial = 0;

export class Pages {
  /** `fetchPage(cursor, signal)` answers `{rows, next, count}`. */
  constructor(fetchPage) {
    this.fetchPage = fetchPage;
    this.clear();
  }

  clear() {
    this.abort?.abort();
    this.chunks = [];
    this.known = new Set();
    this.next = null;
    this.count = null;
    this.error = null;
    this.loading = false;
    this.loaded = false;
  }

  async restart() {
    this.clear();
    await this.#load();
  }

  async more() {
    if (this.loading || this.error || !this.next) return;
    await this.#load();
  }

  async retry() {
    this.error = null;
    await this.#load();
  }

  async #load() {
    const abort = new AbortController();
    this.abort = abort;
    this.loading = true;
    redraw();
    try {
      const page = await this.fetchPage(this.next, abort.signal);
      if (abort.signal.aborted) return;
      this.next = page.next;
      this.count = page.count ?? this.count;
      this.loaded = true;
      this.add(page.rows, 'end');
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error;
    }
    this.loading = false;
    redraw();
  }

  /** Puts rows that are not there yet at one end, as one chunk that is drawn and measured by itself. */
  add(rows, where) {
    const fresh = rows.filter((row) => !this.known.has(row.seq));
    if (fresh.length === 0) return;
    for (const row of fresh) this.known.add(row.seq);
    const chunk = { key: ++serial, rows: fresh };
    this.chunks = where === 'end' ? [...this.chunks, chunk] : [chunk, ...this.chunks];
  }

  /** Replaces the rows that `change` answers anew for, and no other. */
  change(matches, change) {
    this.chunks = this.chunks.map((chunk) =>
      chunk.rows.some(matches)
        ? { ...chunk, rows: chunk.rows.map((row) => (matches(row) ? change(row) : row)) }
        : chunk);
  }

  get empty() {
    return this.loaded && this.chunks.length === 0;
  }

  *rows() {
    for (const chunk of this.chunks) yield* chunk.rows;
  }
}
