// The language: the person's setting, else the browser's, else French. All texts are in lang/.
import { readSetting, saveSetting } from '/admin/assets/lib/storage.js';

const load = {
  fr: () => import('/admin/assets/lang/fr.js'),
  en: () => import('/admin/assets/lang/en.js'),
};

/** @typedef {keyof typeof load} Language */

/**
 * The texts of the current language; `t.language.code` says which. Filled before the first render.
 * @type {typeof import('/admin/assets/lang/fr.js').default}
 */
export const t = /** @type {any} */ ({});

/** @returns {Language} */
export function preferredLanguage() {
  const wanted = [readSetting('language'), ...(navigator.languages ?? [])];
  const known = wanted.map((tag) => tag?.slice(0, 2).toLowerCase()).find((tag) => tag && tag in load);
  return /** @type {Language | undefined} */ (known) ?? 'fr';
}

/** @param {Language} code */
export async function loadLanguage(code) {
  Object.assign(t, (await load[code]()).default);
  document.documentElement.lang = code;
}

/**
 * Loads a language and saves it as the person's setting.
 * @param {Language} code
 */
export async function setLanguage(code) {
  saveSetting('language', code);
  await loadLanguage(code);
}

/** Isolates text from outside, so that it cannot change the writing direction of the sentence around it. */
export function isolate(text) {
  return `\u2068${text}\u2069`;
}
