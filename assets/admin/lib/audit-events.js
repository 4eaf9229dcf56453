// How an audit event is shown: actor, name, sentence and icon.
import { isolate, t } from '/admin/assets/lib/i18n.js';

/** @param {string | null} actor null in a damaged row */
export function actorName(actor) {
  if (actor === null) return '?';
  const [kind, ...rest] = actor.split(':');
  const name = isolate(rest.join(':'));
  if (kind === 'cli' && rest.length) return t.audit.actors.cli(name);
  if (kind === 'staff' && rest.length) return name;
  return t.audit.actors[kind] ?? isolate(actor);
}

/** The audit row as a sentence. The details of a damaged row may have anything. */
export function eventSentence({ event, actor, details }) {
  const by = actorName(actor);
  const sentence = t.audit.sentences[event];
  const account = details?.account ? isolate(details.account) : null;
  try {
    if (sentence) return sentence(by, details ?? {}, account);
  } catch { /* As an event that is not known. */ }
  return t.audit.unknownEvent(event, by);
}

export function eventName(event) {
  return t.audit.eventNames[event] ?? event;
}

/** @type {[RegExp, string][]} */
const icons = [
  [/^LEAD_RECEIVED|^LEAD_IMPORTED/, 'inbox'],
  [/REJECTED|CONFLICT|_REFUSED$/, 'warning'],
  [/VIEWED/, 'eye'],
  [/^LEAD_PROCESSED|RETRIED/, 'check'],
  [/EXPORTED/, 'download'],
  [/ERASED|PURGED/, 'trash'],
  [/PASSWORD|ACCOUNT_CHANGED|UNLOCKED/, 'key'],
  [/^STAFF_SIGNED_OUT/, 'sign-out'],
  [/^STAFF/, 'person'],
  [/^NOTICE_GIVEN_UP/, 'warning'],
  [/^NOTICE/, 'mail'],
  [/^BACKUP|^DATABASE/, 'disk'],
];

export function eventIcon(event) {
  return icons.find(([pattern]) => pattern.test(event))?.[1] ?? 'audit';
}
