// The only caller of the admin API: JSON in, JSON out. Every failure is an ApiError with a code.
import { endSession } from '/admin/assets/lib/session.js';
import { setOffline, store } from '/admin/assets/lib/store.js';

export class ApiError extends Error {
  /**
   * @param {number} status HTTP status, 0 when the server cannot be reached
   * @param {string} code the response's `error`, or `offline`
   * @param {unknown} detail
   * @param {number | null} retryAfter seconds
   */
  constructor(status, code, detail, retryAfter = null) {
    super(typeof detail === 'string' ? detail : code);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

const base = '/admin/api/';
// Milliseconds, longer than the server takes for a file.
const frameLifetime = 15 * 60_000;
let downloads = 0;

/** The URL of a resource; empty parameters are left out. */
export function apiUrl(path, parameters = {}) {
  const present = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const query = new URLSearchParams(present).toString();
  return base + path + (query ? `?${query}` : '');
}

/**
 * @param {string} path
 * @param {object} [parameters]
 * @param {AbortSignal} [signal]
 */
export function get(path, parameters, signal) {
  return request('GET', apiUrl(path, parameters), undefined, signal);
}

/**
 * @param {string} path
 * @param {object} body
 * @param {AbortSignal} [signal]
 */
export function post(path, body, signal) {
  return request('POST', apiUrl(path), body, signal);
}

export function del(path) {
  return request('DELETE', apiUrl(path));
}

/**
 * @param {string} method
 * @param {string} url
 * @param {object} [body]
 * @param {AbortSignal} [signal]
 */
async function request(method, url, body, signal) {
  const response = await fetchOrOffline(url, {
    method,
    signal,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.status === 204) return null;
  const content = await response.json().catch(() => ({}));
  // A body that was given up is no empty response.
  signal?.throwIfAborted();
  if (response.ok) return content;
  const retryAfter = Number(response.headers.get('Retry-After')) || null;
  // The session expired while someone was reading: show the sign-in form, keep the address.
  if (response.status === 401 && store.session) endSession('expired');
  throw new ApiError(response.status, content.error ?? 'internal_error', content.detail, retryAfter);
}

async function fetchOrOffline(url, options) {
  try {
    const response = await fetch(url, { credentials: 'same-origin', ...options });
    setOffline(false);
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    setOffline(true);
    throw new ApiError(0, 'offline', '');
  }
}

/**
 * Downloads a file by a form, so that the browser writes it to the disk as it arrives. Its target is a hidden frame: a refusal is
 * loaded there instead of replacing the page, and a file is loaded nowhere.
 * @param {string} path
 * @param {Record<string, string>} fields
 * @param {(error: ApiError) => void} onError
 */
export function download(path, fields, onError) {
  downloads += 1;
  const frame = Object.assign(document.createElement('iframe'), { name: `download-${downloads}`, hidden: true });
  const form = Object.assign(document.createElement('form'), { method: 'post', action: apiUrl(path), target: frame.name, hidden: true });
  form.append(...Object.entries(fields).map(([name, value]) => Object.assign(document.createElement('input'), { type: 'hidden', name, value })));
  frame.addEventListener('load', () => {
    const error = refusalIn(frame);
    if (!error) return;
    frame.remove();
    if (error.code === 'unauthorized' && store.session) endSession('expired');
    else onError(error);
  });
  document.body.append(frame, form);
  form.submit();
  form.remove();
  setTimeout(() => frame.remove(), frameLifetime);
}

/**
 * The refusal that a frame has loaded; null as long as it is empty.
 * @param {HTMLIFrameElement} frame
 */
function refusalIn(frame) {
  try {
    const { location, document } = /** @type {Window} */ (frame.contentWindow);
    if (location.href === 'about:blank') return null;
    const content = JSON.parse((document.querySelector('pre') ?? document.body).textContent ?? '');
    return new ApiError(0, content.error, content.detail);
  } catch {
    // The browser's own error page, which the page may not read.
    return new ApiError(0, 'offline', '');
  }
}
