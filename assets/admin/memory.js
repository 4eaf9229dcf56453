// What this browser remembers of a person's choices; works without storage, too (private windows).
const prefix = 'fastcore.';

export function remembered(key) {
  try {
    return localStorage.getItem(prefix + key);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(prefix + key, value);
  } catch {
    // The choice holds until the page is closed.
  }
}
