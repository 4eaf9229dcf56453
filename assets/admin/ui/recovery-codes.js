// Recovery codes, shown once: to copy, to download or to print. Printing the page prints nothing else.
import { copyText } from '/admin/assets/lib/clipboard.js';
import { downloadText } from '/admin/assets/lib/download.js';
import { formatDayTime } from '/admin/assets/lib/format.js';
import { html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { showToast } from '/admin/assets/lib/toast.js';
import { Icon } from '/admin/assets/ui/icon.js';

/** @param {{codes: string[], name: string, onStored: () => void}} props `onStored`: the person has stored them */
export function RecoveryCodes({ codes, name, onStored }) {
  const heading = t.recoveryCodes.fileHeading(name, location.host, formatDayTime(new Date().toISOString(), 'long'));
  const copy = async () => {
    await copyText(codes.join('\n'));
    showToast(t.common.copied);
  };
  const download = () => downloadText(t.recoveryCodes.fileName(name), `${heading}\n\n${codes.join('\n')}\n\n${t.recoveryCodes.help}\n`);
  return html`<div class="recovery-codes">
    <p class="print-only">${heading}</p>
    <p>${t.recoveryCodes.help}</p>
    <ol>${codes.map((code) => html`<li><code>${code}</code></li>`)}</ol>
    <div class="form-actions">
      <button type="button" class="button small-button" onClick=${copy}><${Icon} name="copy" />${t.recoveryCodes.copy}</button>
      <button type="button" class="button small-button" onClick=${download}><${Icon} name="download" />${t.recoveryCodes.download}</button>
      <button type="button" class="button small-button" onClick=${() => print()}><${Icon} name="print" />${t.recoveryCodes.print}</button>
    </div>
    <p class="small">${t.recoveryCodes.once}</p>
    <button type="button" class="button primary wide" onClick=${onStored}>${t.recoveryCodes.stored}</button>
  </div>`;
}
