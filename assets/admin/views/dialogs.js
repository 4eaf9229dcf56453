// The two dialogs: export what the filter shows, and help.
import { address } from '/admin/assets/api.js';
import { confirm } from '/admin/assets/announce.js';
import { html, Component } from '/admin/assets/dom.js';
import { forServer } from '/admin/assets/filter.js';
import { number } from '/admin/assets/format.js';
import { words } from '/admin/assets/i18n.js';
import { Icon } from '/admin/assets/icons.js';
import { inbox } from '/admin/assets/inbox-list.js';
import { setShortcuts, shortcutsOn } from '/admin/assets/keys.js';
import { Dialog } from '/admin/assets/ui.js';

const formats = ['xlsx', 'csv-excel-fr', 'csv', 'jsonl'];

export function Export({ close }) {
  const { count } = inbox.pages;
  if (count?.rows === 0) return html`<${Dialog} title=${words.export.title} close=${close}><p>${words.export.nothing}</p><//>`;
  const filtered = Object.keys(inbox.filter).length > 0;
  const rows = count ? `${count.exact ? '' : '> '}${number(count.rows)}` : '…';
  const started = () => {
    confirm(words.export.started);
    close();
  };
  return html`<${Dialog} title=${words.export.title} close=${close}>
    <p><b>${filtered ? words.export.filtered(rows) : words.export.all(rows)}</b><br />${words.export.chooseFormat}</p>
    <ul class="formats">${formats.map((format, place) => html`<li>
      <a autofocus=${place === 0} href=${address('export', { ...forServer(inbox.filter), format })} download onClick=${started}>
        <${Icon} name="download" />
        <span><b>${words.export.formats[format][0]}</b><small>${words.export.formats[format][1]}</small></span>
      </a>
    </li>`)}</ul>
    <p class="small">${words.export.noted}</p>
  <//>`;
}

export class Help extends Component {
  state = { on: shortcutsOn() };

  toggle = (event) => {
    setShortcuts(event.target.checked);
    this.setState({ on: event.target.checked });
  };

  render({ close }, { on }) {
    return html`<${Dialog} title=${words.help.title} close=${close}>
      <h3>${words.help.aboutTitle}</h3>
      <ul class="plain">${words.help.about.map((line) => html`<li>${line}</li>`)}</ul>
      <div class="by-keyboard">
        <h3>${words.help.shortcuts}</h3>
        <label class="check"><input type="checkbox" checked=${on} onChange=${this.toggle} />${words.help.on}</label>
        <dl class="shortcuts ${on ? '' : 'off'}">${words.help.keys.map(([key, meaning]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${meaning}</dd></div>`)}</dl>
      </div>
    <//>`;
  }
}
