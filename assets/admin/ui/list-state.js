// What a paged list shows in place of its rows.
import { html } from '/admin/assets/lib/html.js';
import { Skeleton } from '/admin/assets/ui/components.js';
import { ErrorState } from '/admin/assets/ui/load-error.js';

/**
 * The failure of a list, its loading, or what is shown where it is empty; null if it has rows.
 * @param {import('/admin/assets/lib/paged-list.js').PagedList} pages
 */
export function listState(pages, empty) {
  if (pages.error && pages.chunks.length === 0) return html`<${ErrorState} error=${pages.error} retry=${() => pages.retry()} />`;
  if (!pages.loaded) return html`<${Skeleton} />`;
  return pages.isEmpty ? empty : null;
}
