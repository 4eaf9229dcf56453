// Finds addresses in a text from outside, and puts the telephone numbers among them. The text itself is shown as it came; only what is surely meant as an
// address becomes a link, and never one that runs a script.
import { mailtoHref } from '/admin/assets/lib/contact-links.js';

// Without the characters that turn the writing direction around, behind which an address could look like another one.
const inAddress = '[^\\s<>"\'`\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]';
const inWord = '\\p{L}\\p{M}\\p{N}_+-';
// What an address may have before a part that looks like one, and what cannot be seen.
const inLocal = `[${inWord}.&!#$%^{|}~´‘\\p{Default_Ignorable_Code_Point}]`;
const pattern = new RegExp([
  `(?<web>\\b(?:https?://|www\\.)${inAddress}{3,1000})`,
  // Never a part of an address with other letters, or of a name with an apostrophe: that would be somebody else's.
  `(?<mail>(?<!${inLocal}['’]?)[\\w.+-]{1,64}@[\\w-]{1,63}(?:\\.[\\w-]{1,63}){1,8}(?!\\.?[${inWord}]))`,
].join('|'), 'giu');

/**
 * The parts of a text; those with an `href` are links.
 * @param {string} text
 * @param {Api.PhoneLink[]} phones the telephone numbers that the server has found in it
 * @returns {{text: string, start: number, href?: string}[]}
 */
export function linkify(text, phones) {
  const links = phones.map(({ start, end, uri }) => ({ start, end, href: uri }));
  for (const { index, 0: match, groups } of text.matchAll(pattern)) {
    const found = groups?.web ? trimmed(match) : match;
    const href = groups?.web ? webHref(found) : mailtoHref(found);
    if (href) links.push({ start: index, end: index + found.length, href });
  }
  /** @type {{text: string, start: number, href?: string}[]} */
  const parts = [];
  let at = 0;
  for (const { start, end, href } of links.sort((a, b) => a.start - b.start || b.end - a.end)) {
    // The digits of an address are no telephone number.
    if (start < at) continue;
    if (start > at) parts.push({ text: text.slice(at, start), start: at });
    parts.push({ text: text.slice(start, end), start, href });
    at = end;
  }
  if (at < text.length) parts.push({ text: text.slice(at), start: at });
  return parts;
}

/** An address without the punctuation of the sentence around it. */
function trimmed(address) {
  let rest = address.replace(/(?<![.,;:!?…»”’*_])[.,;:!?…»”’*_]+$/u, '');
  while (endsUnpaired(rest)) rest = rest.slice(0, -1).replace(/(?<![.,;:!?])[.,;:!?]+$/, '');
  return rest;
}

/** Whether the last character closes a bracket that was opened before the text. */
function endsUnpaired(text) {
  const last = text.slice(-1);
  const opening = { ')': '(', ']': '[', '}': '{' }[last];
  return Boolean(opening) && text.split(last).length > text.split(opening).length;
}

/** Null for what is no web address, or names an account, which is only there to deceive. */
function webHref(text) {
  const address = /^www\./i.test(text) ? `https://${text}` : text;
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  if (!['http:', 'https:'].includes(url.protocol) || url.username || url.password || !url.hostname.includes('.')) return null;
  return url.href;
}
