// Finds addresses and telephone numbers in a text from outside. The text itself is shown as it came; only what is surely meant as an
// address becomes a link, and never one that runs a script.

// Without the characters that turn the writing direction around, behind which an address could look like another one.
const inAddress = '[^\\s<>"\'`\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]';
const pattern = new RegExp([
  `(?<web>\\b(?:https?://|www\\.)${inAddress}{3,1000})`,
  '(?<mail>(?<![\\w.+-])[\\w.+-]{1,64}@[\\w-]{1,63}(?:\\.[\\w-]{1,63}){1,8}(?![\\w-]))',
  '(?<phone>(?<![\\w+])(?:\\+[1-9]|00[1-9]|0)[1-9\\d](?:[ .\\u00a0\\u202f-]?(?:\\(0\\))?\\d){7,13}(?![\\w-]))',
].join('|'), 'giu');

/**
 * The parts of a text; those with an `href` are links.
 * @param {string} text
 * @returns {{text: string, start: number, href?: string}[]}
 */
export function linkify(text) {
  /** @type {{text: string, start: number, href?: string}[]} */
  const parts = [];
  let end = 0;
  for (const { index, 0: match, groups } of text.matchAll(pattern)) {
    const found = groups?.web ? trimmed(match) : match;
    const href = groups?.web ? webHref(found) : groups?.mail ? `mailto:${encodeURIComponent(found).replace('%40', '@')}` : phoneHref(found);
    if (!href) continue;
    if (index > end) parts.push({ text: text.slice(end, index), start: end });
    parts.push({ text: found, start: index, href });
    end = index + found.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), start: end });
  return parts;
}

/** An address without the punctuation of the sentence around it. */
function trimmed(address) {
  let rest = address.replace(/[.,;:!?…»”’*_]+$/u, '');
  while (/[)\]}]$/.test(rest) && !/[([{]/.test(rest)) rest = rest.slice(0, -1).replace(/[.,;:!?]+$/, '');
  return rest;
}

/** Null for what is no web address, or names an account, which is only there to deceive. */
function webHref(text) {
  const address = /^www\./i.test(text) ? `https://${text}` : text;
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  if (!['http:', 'https:'].includes(url.protocol) || url.username || url.password || !url.hostname.includes('.')) return null;
  return url.href;
}

/** Null for a row of digits that is no telephone number. */
function phoneHref(text) {
  const international = /^(\+|00)/.test(text);
  const digits = text.replace(/\(0\)/g, '').replace(/\D/g, '').replace(/^00/, '');
  const plausible = international ? digits.length >= 8 && digits.length <= 15 : digits.length === 10;
  return plausible ? `tel:${international ? '+' : ''}${digits}` : null;
}
