// The length of a password that may be chosen. The server checks the rest.
export const minPasswordLength = 12; // characters

/** The number of characters as the server counts them. */
export function passwordLength(text) {
  return [...text.normalize('NFKC')].length;
}

/** A code or a key as it is sent: apps and people write it in groups. */
export function withoutSpaces(text) {
  return text.replace(/\s/g, '');
}
