// A section of the account: what is, and a button that opens the form to change it.
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { Icon } from '/admin/assets/ui/icon.js';

/** @extends {Component<{title: string, text: string, state?: 'success' | 'warning', action: string, isOpen: boolean, disabled: boolean, onOpen: () => void, children?: any}>} */
export class Section extends Component {
  button = createRef();

  // The button is where the person was before the form opened.
  componentDidUpdate(previous) {
    if (previous.isOpen && !this.props.isOpen) this.button.current?.focus();
  }

  /** @param {Section['props']} props */
  render({ title, text, state, action, isOpen, disabled, onOpen, children }) {
    return html`<section class="card account-section">
      <div class="account-section-header">
        <div>
          <h2>${title}</h2>
          <p class="account-state ${state ?? ''}">${state && html`<${Icon} name=${state === 'success' ? 'check' : 'warning'} />`}<span>${text}</span></p>
        </div>
        ${!isOpen && html`<button type="button" class="button small-button" ref=${this.button} disabled=${disabled} onClick=${onOpen}>${action}</button>`}
      </div>
      ${isOpen && children}
    </section>`;
  }
}
