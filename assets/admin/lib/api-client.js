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

export function post(path, body) {
  return request('POST', apiUrl(path), body);
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
