// A long list fetched page by page with a keyset cursor.
import { notify } from '/admin/assets/lib/store.js';

let lastKey = 0;

export class PagedList {
  /** @type {{key: number, rows: any[]}[]} */
  chunks = [];
  /** The `seq` of every row in the list. */
  seqs = new Set();
  /** @type {string | null} */
  cursor = null;
  /** @type {Api.Count | null} */
  count = null;
  /** @type {any} */
  error = null;
  loading = false;
  loaded = false;
  /** The cursor that the last page was read with. @type {string | null} */
  #lastCursor = null;
  /** Grows with each refresh: the answer to an earlier one is older. */
  #turn = 0;
  abort = new AbortController();

  /** @param {(cursor: string | null, signal: AbortSignal) => Promise<{rows: any[], next: string | null, count?: Api.Count}>} fetchPage */
  constructor(fetchPage) {
    this.fetchPage = fetchPage;
  }

  clear() {
    this.abort.abort();
    this.#turn += 1;
    this.chunks = [];
    this.seqs = new Set();
    this.cursor = null;
    this.count = null;
    this.error = null;
    this.loading = false;
    this.loaded = false;
  }

  async restart() {
    this.clear();
    await this.#load();
  }

  async loadMore() {
    if (this.loading || this.error || !this.cursor) return;
    await this.#load();
  }

  /** Reads the last page again and adds what comes after its last row, for a list whose newest rows are at its end. */
  async extend() {
    if (this.loading || this.error || this.cursor || !this.loaded) return;
    this.cursor = this.#lastCursor;
    await this.#load(this.last?.created_at_utc);
  }

  /**
   * Reads again what is there, from the first page on. Rows that stay do not move.
   * @returns whether it was read; if not, it has to be tried again
   */
  async refresh() {
    if (!this.loaded) {
      // What is loading may have been read before.
      if (this.loading) this.restart();
      return true;
    }
    const turn = ++this.#turn;
    const last = this.last?.seq;
    const rows = [];
    let cursor = null;
    do {
      const page = await this.fetchPage(cursor, this.abort.signal).catch(() => null);
      if (turn !== this.#turn) return true;
      if (!page) return false;
      rows.push(...page.rows);
      cursor = page.next;
    } while (cursor && rows.at(-1).seq > last);
    // A page that is loading comes after these.
    if (!this.loading) this.cursor = cursor;
    this.seqs = new Set();
    this.chunks = [];
    this.add(rows, 'end');
    notify();
    return true;
  }

  /** The error stays until the page is there. */
  async retry() {
    if (this.error && !this.loading) await this.#load();
  }

  /** @param {string} [after] rows are added that are not older than this */
  async #load(after = '') {
    const abort = new AbortController();
    this.abort = abort;
    this.loading = true;
    notify();
    try {
      const cursor = this.cursor;
      const page = await this.fetchPage(cursor, abort.signal);
      if (abort.signal.aborted) return;
      this.#lastCursor = cursor;
      this.cursor = page.next;
      this.count = page.count ?? this.count;
      this.loaded = true;
      this.error = null;
      this.add(page.rows.filter((row) => !after || row.created_at_utc >= after), 'end');
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error;
    }
    this.loading = false;
    notify();
  }

  /**
   * Adds the rows that are not in the list yet as one chunk, which is rendered and measured on its own.
   * @param {any[]} rows
   * @param {'start' | 'end'} end
   */
  add(rows, end) {
    const added = rows.filter((row) => !this.seqs.has(row.seq));
    if (added.length === 0) return;
    for (const row of added) this.seqs.add(row.seq);
    const chunk = { key: ++lastKey, rows: added };
    this.chunks = end === 'end' ? [...this.chunks, chunk] : [chunk, ...this.chunks];
  }

  /** Replaces the rows for which `matches` is true; the other chunks stay the same objects. */
  update(matches, replace) {
    this.chunks = this.chunks.map((chunk) =>
      chunk.rows.some(matches)
        ? { ...chunk, rows: chunk.rows.map((row) => (matches(row) ? replace(row) : row)) }
        : chunk);
  }

  get isEmpty() {
    return this.loaded && this.chunks.length === 0;
  }

  get last() {
    return this.chunks.at(-1)?.rows.at(-1);
  }

  *rows() {
    for (const chunk of this.chunks) yield* chunk.rows;
  }
}
