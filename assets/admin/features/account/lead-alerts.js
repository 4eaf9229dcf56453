// What announces a new lead on this device: a notification, a sound.
import { html, Component } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { isAlertEnabled, notificationPermission, setAlertEnabled } from '/admin/assets/lib/lead-alerts.js';

/** @typedef {import('/admin/assets/lib/lead-alerts.js').AlertKind} AlertKind */

export class LeadAlerts extends Component {
  /** @param {AlertKind} kind */
  toggle = (kind) => async (event) => {
    await setAlertEnabled(kind, event.target.checked);
    this.forceUpdate();
  };

  render() {
    const permission = notificationPermission();
    const cannotNotify = permission === 'denied' ? t.alerts.denied : permission === 'unsupported' ? t.alerts.unsupported : null;
    return html`<section class="card account-section">
      <div>
        <h2>${t.alerts.title}</h2>
        <p class="account-state">${t.alerts.text}</p>
      </div>
      ${this.checkbox('notification', t.alerts.notification, cannotNotify)}
      ${this.checkbox('sound', t.alerts.sound, null)}
    </section>`;
  }

  /**
   * @param {AlertKind} kind
   * @param {string} label
   * @param {string | null} obstacle why it cannot be turned on
   */
  checkbox(kind, label, obstacle) {
    return html`<label class="checkbox-field"><input type="checkbox" name=${kind} checked=${isAlertEnabled(kind)} disabled=${obstacle !== null}
      aria-describedby=${obstacle ? `${kind}-obstacle` : undefined} onChange=${this.toggle(kind)} />${label}</label>
    ${obstacle && html`<p class="small" id="${kind}-obstacle">${obstacle}</p>`}`;
  }
}
