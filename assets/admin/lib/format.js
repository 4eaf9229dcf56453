// Formats times (in Paris time), numbers, sizes and durations in the current language.
import { t } from '/admin/assets/lib/i18n.js';

export const timeZone = 'Europe/Paris';
const msPerDay = 86_400_000;
const locales = { fr: 'fr-FR', en: 'en-GB' };
/** Intl objects are slow to create. */
const cache = new Map();

/** @returns {any} */
function formatter(Formatter, options, locale = locales[t.language.code]) {
  const key = Formatter.name + locale + JSON.stringify(options);
  if (!cache.has(key)) cache.set(key, new Formatter(locale, options));
  return cache.get(key);
}

/**
 * A date as it is written: in French, Intl has "1 février" for "1er février".
 * @param {Intl.DateTimeFormatOptions} options
 * @param {Date} time
 */
function formatDate(options, time) {
  const format = formatter(Intl.DateTimeFormat, { timeZone, ...options });
  if (t.language.code !== 'fr' || !options.day || !options.month) return format.format(time);
  return format.formatToParts(time).map(({ type, value }) => (type === 'day' && value === '1' ? '1er' : value)).join('');
}

export function formatNumber(value) {
  return formatter(Intl.NumberFormat, { maximumFractionDigits: value < 1 ? 2 : 1 }).format(value);
}

export function formatPercent(share) {
  const percent = formatter(Intl.NumberFormat, { style: 'percent' });
  return share > 0 && share < 0.005 ? `< ${percent.format(0.01)}` : percent.format(share);
}

/** A change with its sign: "+12 %", "−8 %", "0 %". */
export function formatChange(share) {
  return formatter(Intl.NumberFormat, { style: 'percent', signDisplay: 'exceptZero' }).format(share);
}

/** The day of a time in Paris, as YYYY-MM-DD. */
export function dayOf(time) {
  return formatter(Intl.DateTimeFormat, { timeZone }, 'sv-SE').format(time);
}

/** The start of a day (YYYY-MM-DD) in Paris. */
export function dayStart(day) {
  const utc = Date.parse(`${day}T00:00:00Z`);
  // The offset near midnight, then again at the result: clocks change at night.
  const estimate = utc - utcOffset(utc);
  return new Date(utc - utcOffset(estimate));
}

/** The offset of Paris time from UTC, in milliseconds. */
function utcOffset(ms) {
  const options = { timeZone, dateStyle: 'short', timeStyle: 'medium' };
  const local = formatter(Intl.DateTimeFormat, options, 'sv-SE').format(ms);
  return Date.parse(`${local.replace(' ', 'T')}Z`) - Math.floor(ms / 1000) * 1000;
}

export function addDays(day, count) {
  return new Date(Date.parse(`${day}T12:00:00Z`) + count * msPerDay).toISOString().slice(0, 10);
}

/** Whether a text is a time: a damaged row of the database may have anything. */
export function isTime(text) {
  return !Number.isNaN(Date.parse(text));
}

/** Date, time with seconds and time zone in full; what is no time, as it is. */
export function formatExact(iso) {
  if (!isTime(iso)) return iso;
  const time = new Date(iso);
  const full = formatDate({
    weekday: 'long', day: 'numeric', month: 'long', year: 'numeric',
    hour: '2-digit', minute: '2-digit', second: '2-digit',
  }, time);
  return t.time.inParis(full, offsetName(time));
}

/**
 * Day and time without seconds.
 * @param {string} iso
 * @param {'long' | 'short'} length long: with the time zone
 */
export function formatDayTime(iso, length) {
  const time = new Date(iso);
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { weekday: length, day: 'numeric', month: length, hour: '2-digit', minute: '2-digit' };
  if (dayOf(time).slice(0, 4) !== dayOf(Date.now()).slice(0, 4)) options.year = 'numeric';
  const text = formatDate(options, time);
  return length === 'long' ? t.time.inParis(text, offsetName(time)) : text;
}

function offsetName(time) {
  const hours = utcOffset(time.getTime()) / 3_600_000;
  return `UTC+${hours}`;
}

// Clocks differ by so many minutes; a time beyond that was stored while one was wrong.
const clockTolerance = 5;

/** A time relative to now: "il y a 5 min", "hier 14:32", "12 nov.". */
export function formatRelative(iso, now = Date.now()) {
  const time = new Date(iso);
  const minutes = Math.round((now - time.getTime()) / 60_000);
  if (minutes < -clockTolerance) {
    return t.time.future(formatDate({ day: 'numeric', month: 'short', year: 'numeric' }, time));
  }
  if (minutes < 1) return t.time.justNow;
  const relative = formatter(Intl.RelativeTimeFormat, { style: 'short', numeric: 'always' });
  if (minutes < 60) return relative.format(-minutes, 'minute');
  const days = daysBetween(dayOf(time), dayOf(now));
  if (days === 0) return relative.format(-Math.floor(minutes / 60), 'hour');
  const clock = formatDate({ hour: '2-digit', minute: '2-digit' }, time);
  if (days === 1) return t.time.yesterdayAt(clock);
  if (days < 7) return `${formatDate({ weekday: 'short' }, time)} ${clock}`;
  const sameYear = dayOf(time).slice(0, 4) === dayOf(now).slice(0, 4);
  return formatDate(sameYear ? { day: 'numeric', month: 'short' } : { day: 'numeric', month: 'short', year: 'numeric' }, time);
}

/** The time of day, with the day unless it is today: "10:32", "hier 14:32", "12 nov.". */
export function formatClock(iso, now = Date.now()) {
  const time = new Date(iso);
  return dayOf(time) === dayOf(now) ? formatDate({ hour: '2-digit', minute: '2-digit' }, time) : formatRelative(iso, now);
}

/** How long ago, in its largest unit: "3 j". */
export function formatAge(iso, now = Date.now()) {
  const minutes = Math.max(1, Math.floor((now - Date.parse(iso)) / 60_000));
  const [unit, value] = minutes < 60 ? ['minute', minutes] : minutes < 2880 ? ['hour', Math.floor(minutes / 60)] : ['day', Math.floor(minutes / 1440)];
  return formatUnit(value, unit);
}

/** The days from one to the other, both as YYYY-MM-DD. */
export function daysBetween(from, to) {
  return Math.round((Date.parse(to) - Date.parse(from)) / msPerDay);
}

/** The heading of a time in a list: its day in the last week, its month before that. */
export function dateHeading(iso, now = Date.now()) {
  const day = dayOf(new Date(iso));
  const days = daysBetween(day, dayOf(now));
  if (days < 0) return t.time.futureHeading;
  if (days === 0) return t.time.today;
  if (days === 1) return t.time.yesterday;
  if (days < 7) return capitalize(formatDay(day, { weekday: 'long', day: 'numeric', month: 'long' }));
  return capitalize(formatDay(day, { month: 'long', year: 'numeric' }));
}

/**
 * @param {string} day YYYY-MM-DD
 * @param {Intl.DateTimeFormatOptions} options
 */
export function formatDay(day, options) {
  return formatDate({ timeZone: 'UTC', ...options }, new Date(`${day}T12:00:00Z`));
}

export function capitalize(text) {
  return text.charAt(0).toLocaleUpperCase(t.language.code) + text.slice(1);
}

export function formatBytes(count) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log10(count) / 3));
  return formatUnit(count / 1000 ** power, units[power], 3);
}

/** @param {number} [maximumSignificantDigits] */
function formatUnit(value, unit, maximumSignificantDigits) {
  return formatter(Intl.NumberFormat, { style: 'unit', unit, unitDisplay: 'short', maximumSignificantDigits }).format(value);
}

/** A duration in its two largest units. */
export function formatDuration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return formatUnit(Math.round(seconds), 'second');
  if (minutes < 60) return formatUnit(minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${formatUnit(hours, 'hour')} ${minutes % 60 ? formatUnit(minutes % 60, 'minute') : ''}`.trim();
  return `${formatUnit(Math.floor(hours / 24), 'day')} ${hours % 24 ? formatUnit(hours % 24, 'hour') : ''}`.trim();
}
