// Links to write to a person.

/** Encoded characters of a reply at most: mail programs cut or refuse longer links. */
const maxBody = 1500;

/** A `mailto:` link; nothing in the address can add a header. */
export function mailtoHref(address) {
  const at = address.lastIndexOf('@');
  return `mailto:${encodeURIComponent(address.slice(0, at))}@${encodeURIComponent(address.slice(at + 1))}`;
}

/**
 * A `mailto:` link with a subject and a body.
 * @param {string} address
 * @param {string} subject
 * @param {{greeting: string, intro: string, quoted: string}} reply
 */
export function replyHref(address, subject, { greeting, intro, quoted }) {
  const body = encodeBody(`${greeting}\n\n\n\n${intro}\n`);
  return `${mailtoHref(address)}?subject=${encodeURIComponent(subject)}&body=${body}${quote(quoted, maxBody - body.length)}`;
}

/** Encoded, with the line ends of RFC 6068. */
function encodeBody(text) {
  return encodeURIComponent(text.replace(/\r?\n|\r/g, '\r\n'));
}

/** The lines of a text as a quotation, encoded; what exceeds the limit is left out, by whole characters. */
function quote(text, limit) {
  const end = encodeBody('\n> […]');
  const encoded = encodeBody(text.trim().replace(/^/gm, '> '));
  if (encoded.length <= limit) return encoded;
  let kept = '';
  for (const character of text.trim().replace(/^/gm, '> ')) {
    const next = encodeBody(character);
    if (kept.length + next.length + end.length > limit) break;
    kept += next;
  }
  return kept + end;
}
