// Exports the leads that the filter shows, in a format to choose.
import { leadList } from '/admin/assets/features/inbox/lead-list.js';
import { download } from '/admin/assets/lib/api-client.js';
import { isFiltered, toApiQuery } from '/admin/assets/lib/filter.js';
import { formatNumber } from '/admin/assets/lib/format.js';
import { html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { notify, store } from '/admin/assets/lib/store.js';
import { showToast } from '/admin/assets/lib/toast.js';
import { errorText } from '/admin/assets/ui/components.js';
import { Dialog } from '/admin/assets/ui/dialog.js';
import { Icon } from '/admin/assets/ui/icon.js';

const formats = ['xlsx', 'csv-excel-fr', 'csv', 'jsonl'];

/**
 * Opens the dialog; with the error of an export that was refused.
 * @param {Store['exportError']} [error]
 */
export function openExport(error = null) {
  store.exportError = error;
  store.dialog = 'export';
  notify();
}

/** @param {{close: () => void}} props */
export function ExportDialog({ close }) {
  const { filter, pages: { count } } = leadList;
  if (count?.rows === 0) return html`<${Dialog} title=${t.export.title} close=${close}><p>${t.export.empty}</p><//>`;
  const filtered = isFiltered(filter);
  const rows = count ? `${count.exact ? '' : '> '}${formatNumber(count.rows)}` : '…';
  const start = (format) => {
    download('export', { ...toApiQuery(filter), format, language: t.language.code }, openExport);
    showToast(t.export.started);
    close();
  };
  return html`<${Dialog} title=${t.export.title} close=${close}>
    ${store.exportError && html`<p class="form-error" role="alert">${exportErrorText(store.exportError)}</p>`}
    <p><b>${filtered ? t.export.filtered(rows) : t.export.all(rows)}</b><br />${t.export.chooseFormat}</p>
    <ul class="export-formats">${formats.map((format, index) => html`<li>
      <button type="button" value=${format} autofocus=${index === 0} onClick=${() => start(format)}>
        <${Icon} name="download" />
        <span><b>${t.export.formats[format][0]}</b><small>${t.export.formats[format][1]}</small></span>
      </button>
    </li>`)}</ul>
    <p class="small">${t.export.auditNote}</p>
  <//>`;
}

function exportErrorText(error) {
  return error.code === 'too_many_requests' ? t.export.busy : errorText(error);
}
