// The one door to the server: JSON in, JSON out, every failure an ApiError of a kind that has words.
import { app, redraw } from '/admin/assets/state.js';

export class ApiError extends Error {
  constructor(status, code, detail, retryAfter = null) {
    super(typeof detail === 'string' ? detail : code);
    Object.assign(this, { status, code, detail, retryAfter });
  }
}

const base = '/admin/api/';

/** The address of a resource; empty parameters are left out. */
export function address(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const query = new URLSearchParams(given).toString();
  return base + path + (query ? `?${query}` : '');
}

export function get(path, parameters, signal) {
  return call('GET', address(path, parameters), undefined, signal);
}

export function post(path, body) {
  return call('POST', address(path), body);
}

export function del(path) {
  return call('DELETE', address(path));
}

async function call(method, url, body, signal) {
  const response = await reach(url, {
    method,
    signal,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const retryAfter = Number(response.headers.get('Retry-After')) || null;
  const error = new ApiError(response.status, answer.error ?? 'internal_error', answer.detail, retryAfter);
  // A session that ended while someone was reading: ask for the password, keep the place.
  if (response.status === 401 && app.session) signedOut('ended');
  throw error;
}

async function reach(url, options) {
  try {
    const response = await fetch(url, { credentials: 'same-origin', ...options });
    setOffline(false);
    return response;
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    setOffline(true);
    throw new ApiError(0, 'offline', '');
  }
}

export function setOffline(offline) {
  if (app.offline === offline) return;
  app.offline = offline;
  redraw();
}

export function signedOut(why) {
  // Who comes back after an ended session need not type the name again.
  app.lastName = why === 'ended' ? app.session.name : '';
  app.session = null;
  app.signedOut = why;
  app.dialog = null;
  redraw();
}
