/** Normalizes an account name as the server does: Élodie is elodie. */
export function normalizeAccountName(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim().replace(/\s+/g, '.');
}
