// A notification and a sound for a new lead while the page is open, each if the person wants it on this device.
import { t } from '/admin/assets/lib/i18n.js';
import { serviceWorker } from '/admin/assets/lib/service-worker.js';
import { readSetting, saveSetting } from '/admin/assets/lib/storage.js';

// Milliseconds between two alerts, however many leads arrive.
const quietTime = 2000;
const resumeTime = 500; // milliseconds
let lastAlert = -Infinity;
/** @type {AudioContext | undefined} */
let audio;

/** @typedef {'notification' | 'sound'} AlertKind */

/** @param {AlertKind} kind */
export function isAlertEnabled(kind) {
  if (kind === 'notification' && notificationPermission() !== 'granted') return false;
  return readSetting(`alert.${kind}`) === 'on';
}

/** @returns {NotificationPermission | 'unsupported'} browsers have notifications on HTTPS and localhost only */
export function notificationPermission() {
  return globalThis.isSecureContext && 'Notification' in globalThis ? Notification.permission : 'unsupported';
}

/**
 * Saves what the person wants, after asking the browser where it must be asked.
 * @param {AlertKind} kind
 * @param {boolean} enabled
 */
export async function setAlertEnabled(kind, enabled) {
  if (kind === 'notification' && enabled && (await Notification.requestPermission()) !== 'granted') return;
  saveSetting(`alert.${kind}`, enabled ? 'on' : 'off');
  // So that the person knows the sound; and browsers allow one only after a click.
  if (kind === 'sound' && enabled) await ring();
}

/**
 * Alerts the person to a new lead, in the one tab that receives the events. Where each tab does, the first that comes.
 * @param {ServerEvent} event
 */
export async function alertOfLead({ type, id, data, isOwn }) {
  if (!isOwn || (type !== 'lead' && type !== 'hello')) return;
  const isNew = type === 'lead' && Number(id) > Number(readSetting('alert.last'));
  saveSetting('alert.last', id);
  const now = performance.now();
  if (!isNew || now - lastAlert < quietTime) return;
  lastAlert = now;
  // A sound that is not allowed must not keep the notification back.
  await Promise.allSettled([
    isAlertEnabled('notification') && !document.hasFocus() && showNotification(data),
    isAlertEnabled('sound') && ring(),
  ]);
}

/** Others may see the screen: it says which service is asked for, and nothing of the person. */
async function showNotification({ service }) {
  const worker = await serviceWorker();
  const body = t.leadService[service] ?? t.noService;
  // TypeScript does not know `renotify`: the next lead is heard as well.
  const options = /** @type {NotificationOptions} */ ({ body, tag: 'fastcore-lead', renotify: true, lang: t.language.code });
  await worker?.showNotification(t.alerts.newLead, options);
}

/** Two short tones, if the browser allows them by then: it may wait for a click, and a late sound says nothing. */
async function ring() {
  audio ??= new AudioContext();
  await Promise.race([audio.resume(), new Promise((resolve) => setTimeout(resolve, resumeTime))]);
  if (audio.state !== 'running') return;
  for (const [delay, frequency] of [[0, 660], [0.16, 880]]) {
    const start = audio.currentTime + delay;
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.15, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.3);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.3);
  }
}
