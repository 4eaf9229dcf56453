// Settings kept in this browser. Works without storage too (private windows).
const prefix = 'fastcore.';

/** @param {string} key */
export function readSetting(key) {
  try {
    return localStorage.getItem(prefix + key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
export function saveSetting(key, value) {
  try {
    localStorage.setItem(prefix + key, value);
  } catch {
    // The setting lasts until the page is closed.
  }
}
