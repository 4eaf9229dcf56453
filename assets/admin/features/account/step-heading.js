// The first line of a step without a field to start with: it gets the focus, so that screen readers go on from there.
import { html, Component, createRef } from '/admin/assets/lib/html.js';

/** @extends {Component<{text: string}>} */
export class StepHeading extends Component {
  element = createRef();

  componentDidMount() {
    this.element.current.focus();
  }

  /** @param {StepHeading['props']} props */
  render({ text }) {
    return html`<p ref=${this.element} tabindex="-1">${text}</p>`;
  }
}
