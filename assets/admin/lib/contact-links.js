// Links to call and to write to the person of a lead.

/** A `tel:` link with the digits and the leading plus only; null if the text is not a telephone number. */
export function telHref(text) {
  const international = text.trim().startsWith('+');
  // "+33 (0)6…": the zero in brackets is dialled only without the country code.
  const digits = (international ? text.replace(/\(\s*0\s*\)/g, '') : text).replace(/\D/g, '');
  return digits.length < 3 ? null : `tel:${international ? '+' : ''}${digits}`;
}

/** A `mailto:` link; nothing in the address can add a header. */
export function mailtoHref(address, subject) {
  const at = address.lastIndexOf('@');
  const to = `${encodeURIComponent(address.slice(0, at))}@${encodeURIComponent(address.slice(at + 1))}`;
  return `mailto:${to}?subject=${encodeURIComponent(subject)}`;
}
