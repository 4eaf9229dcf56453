// Where the account is signed in. Another session can be ended from here.
import { del } from '/admin/assets/lib/api-client.js';
import { browserName } from '/admin/assets/lib/browser-name.js';
import { html, Component, createRef } from '/admin/assets/lib/html.js';
import { t } from '/admin/assets/lib/i18n.js';
import { showToast } from '/admin/assets/lib/toast.js';
import { errorText, Time } from '/admin/assets/ui/components.js';

/** @extends {Component<{sessions: Api.AccountSession[], reload: () => Promise<void>}, {busy: boolean}>} */
export class Sessions extends Component {
  state = { busy: false };
  heading = createRef();

  /**
   * @param {string} path
   * @param {string} done
   */
  async end(path, done) {
    this.setState({ busy: true });
    try {
      await del(path);
      showToast(done);
    } catch (error) {
      // A session that is gone already is what was wanted.
      if (error.status !== 404) showToast(errorText(error), 'warning');
    }
    await this.props.reload();
    this.setState({ busy: false });
    this.heading.current?.focus();
  }

  /**
   * @param {Sessions['props']} props
   * @param {Sessions['state']} state
   */
  render({ sessions }, { busy }) {
    const others = sessions.filter((session) => !session.is_current);
    const current = sessions.filter((session) => session.is_current);
    return html`<section class="card account-section">
      <div class="account-section-header">
        <div>
          <h2 ref=${this.heading} tabindex="-1">${t.account.sessions}</h2>
          <p class="account-state">${t.account.sessionsText}</p>
        </div>
        ${others.length > 1 && html`<button type="button" class="button small-button" disabled=${busy} onClick=${() => this.end('account/sessions', t.account.othersEnded)}>${t.account.endOthers}</button>`}
      </div>
      <ul class="sessions">${[...current, ...others].map((session) => html`
        <${Session} key=${session.id} session=${session} busy=${busy} end=${() => this.end(`account/sessions/${session.id}`, t.account.sessionEnded)} />`)}
      </ul>
    </section>`;
  }
}

/** @param {{session: Api.AccountSession, busy: boolean, end: () => void}} props */
function Session({ session, busy, end }) {
  const { browser, system } = browserName(session.browser);
  const name = t.account.browserOn(browser, system);
  return html`<li>
    <div>
      <p class="session-name"><b title=${session.browser}>${name}</b>${session.is_current && html`<span class="current-session">${t.account.thisDevice}</span>`}</p>
      <p class="small">${t.account.openedAt} <${Time} at=${session.created_at_utc} length="short" /> · ${t.account.seenAt} <${Time} at=${session.seen_at_utc} /></p>
    </div>
    ${!session.is_current && html`<button type="button" class="button small-button" disabled=${busy} aria-label=${t.account.endSession(name)} onClick=${end}>${t.account.end}</button>`}
  </li>`;
}
