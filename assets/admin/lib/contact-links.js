// A link to write to the person of a lead.

/** A `mailto:` link; nothing in the address can add a header. */
export function mailtoHref(address, subject) {
  const at = address.lastIndexOf('@');
  const to = `${encodeURIComponent(address.slice(0, at))}@${encodeURIComponent(address.slice(at + 1))}`;
  return `mailto:${to}?subject=${encodeURIComponent(subject)}`;
}
