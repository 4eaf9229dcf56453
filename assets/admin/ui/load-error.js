// What could not be loaded: tries again by itself if that can help, and has a button for those who do not wait.
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { isTemporary, retryUntilStopped } from '/admin/assets/lib/retry.js';
import { EmptyState, errorText } from '/admin/assets/ui/components.js';

/**
 * The button of an error. The error has to stay until an attempt succeeds.
 * @extends {Component<{error: any, retry: () => Promise<unknown>}>}
 */
export class RetryButton extends Component {
  state = { busy: false };
  stop = () => {};

  componentDidMount() {
    if (isTemporary(this.props.error)) this.stop = retryUntilStopped(() => this.props.retry());
  }

  componentWillUnmount() {
    this.stop();
  }

  retry = async () => {
    this.setState({ busy: true });
    await this.props.retry();
    this.setState({ busy: false });
  };

  render(_, { busy }) {
    return html`<button type="button" class="button" disabled=${busy} onClick=${this.retry}>${busy ? t.form.busy : t.common.retry}</button>`;
  }
}

/** An error instead of a whole view. */
export function ErrorState({ error, retry, heading }) {
  return html`<div role="alert"><${EmptyState} heading=${heading} icon=${error.code === 'offline' ? 'offline' : 'warning'} title=${t.error.title} text=${errorText(error)}>
    <${RetryButton} key=${isTemporary(error)} error=${error} retry=${retry} />
  <//></div>`;
}
