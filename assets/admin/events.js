// What an audit row says, as a sentence for a person.
import { isolate, words } from '/admin/assets/i18n.js';

export function actorName(actor) {
  const [kind, ...rest] = actor.split(':');
  const name = isolate(rest.join(':'));
  if (kind === 'cli' && rest.length) return words.audit.actors.cli(name);
  if (kind === 'staff' && rest.length) return name;
  return words.audit.actors[kind] ?? isolate(actor);
}

export function sentence({ event, actor, details }) {
  const who = actorName(actor);
  const known = words.audit.sentences[event];
  const account = details?.account ? isolate(details.account) : null;
  return known ? known(who, details ?? {}, account) : words.audit.unknown(event, who);
}

export function eventName(event) {
  return words.audit.names[event] ?? event;
}

const icons = [
  [/^LEAD_RECEIVED|^LEAD_IMPORTED/, 'inbox'],
  [/REJECTED|CONFLICT|REFUSED/, 'warning'],
  [/^LEAD_VIEWED/, 'eye'],
  [/^LEAD_PROCESSED/, 'done'],
  [/EXPORTED/, 'download'],
  [/ERASED/, 'trash'],
  [/PASSWORD/, 'key'],
  [/^STAFF_SIGNED_OUT/, 'leave'],
  [/^STAFF/, 'person'],
  [/^BACKUP|^DATABASE/, 'disk'],
];

export function eventIcon(event) {
  return icons.find(([pattern]) => pattern.test(event))?.[1] ?? 'audit';
}
