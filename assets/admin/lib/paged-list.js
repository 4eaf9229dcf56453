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
  /** @type {AbortController | undefined} */
  abort;

  /** @param {(cursor: string | null, signal: AbortSignal) => Promise<{rows: any[], next: string | null, count?: Api.Count}>} fetchPage */
  constructor(fetchPage) {
    this.fetchPage = fetchPage;
  }

  clear() {
    this.abort?.abort();
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

  /** Reads the last page again and adds what is new in it, for a list whose newest rows are at its end. */
  async extend() {
    if (this.loading || this.error || this.cursor || !this.loaded) return;
    this.cursor = this.#lastCursor;
    await this.#load();
  }

  /** The error stays until the page is there. */
  async retry() {
    if (this.error && !this.loading) await this.#load();
  }

  async #load() {
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
      this.add(page.rows, 'end');
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

  *rows() {
    for (const chunk of this.chunks) yield* chunk.rows;
  }
}
