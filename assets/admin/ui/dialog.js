// A native modal dialog: it keeps the keyboard focus inside and closes with Escape or a click on the backdrop.
import { Component, createRef, html } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { Icon } from '/admin/assets/ui/icon.js';

/** @extends {Component<{title: string, close: () => void}>} */
export class Dialog extends Component {
  element = createRef();

  componentDidMount() {
    this.element.current.showModal();
  }

  // Everything inside is covered by the body; only the backdrop has the dialog itself as target.
  closeOnBackdrop = (event) => {
    if (event.target === this.element.current) this.element.current.close();
  };

  render({ title, close, children }) {
    return html`<dialog ref=${this.element} aria-labelledby="dialog-title" onClose=${close} onClick=${this.closeOnBackdrop}>
      <div class="dialog-body">
        <header>
          <h2 id="dialog-title">${title}</h2>
          <button type="button" class="icon-button quiet" aria-label=${t.common.close} title=${t.common.close} onClick=${() => this.element.current.close()}>
            <${Icon} name="cross" />
          </button>
        </header>
        ${children}
      </div>
    </dialog>`;
  }
}
