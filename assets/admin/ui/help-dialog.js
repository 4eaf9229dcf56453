// Help: what the page does, and its keyboard shortcuts.
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { setShortcutsEnabled, shortcutsEnabled } from '/admin/assets/lib/keyboard-shortcuts.js';
import { Dialog } from '/admin/assets/ui/dialog.js';

/** @extends {Component<{close: () => void}>} */
export class HelpDialog extends Component {
  state = { enabled: shortcutsEnabled() };

  toggleShortcuts = (event) => {
    setShortcutsEnabled(event.target.checked);
    this.setState({ enabled: event.target.checked });
  };

  render({ close }, { enabled }) {
    return html`<${Dialog} title=${t.help.title} close=${close}>
      <h3>${t.help.aboutTitle}</h3>
      <ul class="bullet-list">${t.help.about.map((line) => html`<li>${line}</li>`)}<li class="hover-only">${t.help.hover}</li></ul>
      <div class="keyboard-only">
        <h3>${t.help.shortcutsTitle}</h3>
        <label class="checkbox-field"><input type="checkbox" checked=${enabled} onChange=${this.toggleShortcuts} />${t.help.enableShortcuts}</label>
        <dl class="shortcuts ${enabled ? '' : 'disabled'}">${t.help.shortcuts.map(([key, action]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${action}</dd></div>`)}</dl>
      </div>
    <//>`;
  }
}
