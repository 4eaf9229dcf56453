// The language: a person's choice, else the browser's, else French. All words are in lang/.
import { remember, remembered } from '/admin/assets/memory.js';

const load = {
  fr: () => import('/admin/assets/lang/fr.js'),
  en: () => import('/admin/assets/lang/en.js'),
};

export let language = 'fr';
export let words = null;

export function preferredLanguage() {
  const wanted = [remembered('language'), ...(navigator.languages ?? [])];
  const known = wanted.map((tag) => tag?.slice(0, 2).toLowerCase()).find((tag) => tag in load);
  return known ?? 'fr';
}

export async function speak(code) {
  words = (await load[code]()).default;
  language = code;
  document.documentElement.lang = code;
}

export async function choose(code) {
  remember('language', code);
  await speak(code);
}

/** A text from outside, kept from turning the direction of the sentence around it. */
export function isolate(text) {
  return `\u2068${text}\u2069`;
}
