// Times (of Paris), numbers, sizes and durations as a person writes them.
import { language, words } from '/admin/assets/i18n.js';

export const zone = 'Europe/Paris';
const dayMs = 86_400_000;
const made = new Map();

function formatter(kind, options, locale = locales[language]) {
  const key = kind.name + locale + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new kind(locale, options));
  return made.get(key);
}

const locales = { fr: 'fr-FR', en: 'en-GB' };
const date = (options) => formatter(Intl.DateTimeFormat, { timeZone: zone, ...options });

export function number(value) {
  return formatter(Intl.NumberFormat, { maximumFractionDigits: value < 1 ? 2 : 1 }).format(value);
}

export function percent(share) {
  const text = formatter(Intl.NumberFormat, { style: 'percent' });
  return share > 0 && share < 0.005 ? `< ${text.format(0.01)}` : text.format(share);
}

/** The day of a moment in Paris, as YYYY-MM-DD. */
export function dayOf(moment) {
  return formatter(Intl.DateTimeFormat, { timeZone: zone }, 'sv-SE').format(moment);
}

/** The first moment of a day (YYYY-MM-DD) in Paris. */
export function dayStart(day) {
  const utc = Date.parse(`${day}T00:00:00Z`);
  // The offset is read near midnight, then once more where it landed: clocks change at night.
  const guess = utc - offset(utc);
  return new Date(utc - offset(guess));
}

function offset(ms) {
  const options = { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' };
  const local = formatter(Intl.DateTimeFormat, options, 'sv-SE').format(ms);
  return Date.parse(`${local.replace(' ', 'T')}Z`) - Math.floor(ms / 1000) * 1000;
}

export function addDays(day, count) {
  return new Date(Date.parse(`${day}T12:00:00Z`) + count * dayMs).toISOString().slice(0, 10);
}

export function exact(iso) {
  const moment = new Date(iso);
  const long = date({
    weekday: 'long', day: 'numeric', month: 'long', year: 'numeric',
    hour: '2-digit', minute: '2-digit', second: '2-digit',
  });
  return words.time.inParis(long.format(moment), offsetName(moment));
}

/** Day and time, without seconds: in full with the zone for a lead's head, short for its timeline. */
export function dayAndTime(iso, length) {
  const moment = new Date(iso);
  const name = length === 'long' ? 'long' : 'short';
  const options = { weekday: name, day: 'numeric', month: name, hour: '2-digit', minute: '2-digit' };
  if (dayOf(moment).slice(0, 4) !== dayOf(Date.now()).slice(0, 4)) options.year = 'numeric';
  const text = date(options).format(moment);
  return length === 'long' ? words.time.inParis(text, offsetName(moment)) : text;
}

function offsetName(moment) {
  const hours = offset(moment.getTime()) / 3_600_000;
  return `UTC+${hours}`;
}

/** How long ago, as one would say it: "il y a 5 min", "hier 14:32", "12 nov.". */
export function ago(iso, now = Date.now()) {
  const moment = new Date(iso);
  const minutes = Math.round((now - moment) / 60_000);
  if (minutes < 1) return words.time.now;
  const relative = formatter(Intl.RelativeTimeFormat, { style: 'short', numeric: 'always' });
  if (minutes < 60) return relative.format(-minutes, 'minute');
  const days = daysBetween(dayOf(moment), dayOf(now));
  if (days === 0) return relative.format(-Math.floor(minutes / 60), 'hour');
  const clock = date({ hour: '2-digit', minute: '2-digit' }).format(moment);
  if (days === 1) return words.time.yesterdayAt(clock);
  if (days < 7) return `${date({ weekday: 'short' }).format(moment)} ${clock}`;
  const sameYear = dayOf(moment).slice(0, 4) === dayOf(now).slice(0, 4);
  return date(sameYear ? { day: 'numeric', month: 'short' } : { day: 'numeric', month: 'short', year: 'numeric' })
    .format(moment);
}

function daysBetween(from, to) {
  return Math.round((Date.parse(to) - Date.parse(from)) / dayMs);
}

/** The heading of a moment in a list: its day while that is near, later its month. */
export function headingOf(iso, now = Date.now()) {
  const day = dayOf(new Date(iso));
  const today = dayOf(now);
  const days = daysBetween(day, today);
  if (days === 0) return words.time.today;
  if (days === 1) return words.time.yesterday;
  if (days < 7) return capital(dayText(day, { weekday: 'long', day: 'numeric', month: 'long' }));
  return capital(dayText(day, { month: 'long', year: 'numeric' }));
}

/** A day (YYYY-MM-DD) in words. */
export function dayText(day, options) {
  return formatter(Intl.DateTimeFormat, { timeZone: 'UTC', ...options }).format(new Date(`${day}T12:00:00Z`));
}

export function capital(text) {
  return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
}

export function bytes(count) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log10(count) / 3));
  const options = { style: 'unit', unit: units[power], unitDisplay: 'short', maximumSignificantDigits: 3 };
  return formatter(Intl.NumberFormat, options).format(count / 1000 ** power);
}

export function duration(seconds) {
  const unit = (name, value) =>
    formatter(Intl.NumberFormat, { style: 'unit', unit: name, unitDisplay: 'short' }).format(value);
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return unit('second', Math.round(seconds));
  if (minutes < 60) return unit('minute', minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${unit('hour', hours)} ${minutes % 60 ? unit('minute', minutes % 60) : ''}`.trim();
  return `${unit('day', Math.floor(hours / 24))} ${hours % 24 ? unit('hour', hours % 24) : ''}`.trim();
}

/** An account's name as accounts are named, however someone writes theirs: Élodie is elodie. */
export function accountName(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim().replace(/\s+/g, '.');
}

/** A telephone link that a phone understands: digits, with the plus that may lead them; none of what is no number. */
export function telephone(text) {
  const abroad = text.trim().startsWith('+');
  // "+33 (0)6…": the zero in brackets is for those who leave the country's code away.
  const digits = (abroad ? text.replace(/\(\s*0\s*\)/g, '') : text).replace(/\D/g, '');
  return digits.length < 3 ? null : `tel:${abroad ? '+' : ''}${digits}`;
}

/** A mail link that can carry nothing but this address and this subject. */
export function mail(address, subject) {
  const at = address.lastIndexOf('@');
  const to = `${encodeURIComponent(address.slice(0, at))}@${encodeURIComponent(address.slice(at + 1))}`;
  return `mailto:${to}?subject=${encodeURIComponent(subject)}`;
}
