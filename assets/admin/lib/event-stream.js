// Live events of the server (server-sent events). All tabs share one connection, because a browser opens at most six per
// server: the tab that has the lock connects and forwards every event to the others over a BroadcastChannel. A broken
// connection is opened again with the id of the last event, so no event is missed.
import { apiUrl, get } from '/admin/assets/lib/api-client.js';
import { notify, setOffline, store } from '/admin/assets/lib/store.js';

const eventTypes = ['hello', 'lead', 'status', 'viewed', 'erased', 'refusals'];
// Of the lock, too.
const channelName = 'fastcore.events';
const firstRetry = 1000; // milliseconds
const maxRetry = 15_000;
// Milliseconds, so that one tab is the first.
const maxTakeOverDelay = 500;

const tabs = new BroadcastChannel(channelName);
/** @type {Set<(event: ServerEvent) => void>} */
const listeners = new Set();
/** @type {EventSource | null} */
let source = null;
/** @type {string | null} */
let lastEventId = null;
let retryDelay = firstRetry;
let retryTimer = 0;
let takeOverTimer = 0;
/** When this tab took the connection, where there are no locks. */
let takenAt = 0;
let stop = () => {};

/**
 * Calls back for every event, whichever tab received it.
 * @param {(event: ServerEvent) => void} listener
 * @returns a function that removes the listener
 */
export function onServerEvent(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Connects as soon as no other tab does; until then receives what that tab forwards. */
export function startEvents() {
  stop();
  const lockRequest = new AbortController();
  let releaseLock = () => {};
  stop = () => {
    lockRequest.abort();
    disconnect();
    releaseLock();
  };
  /** @returns {Promise<void>} */
  const whileLocked = () => new Promise((resolve) => {
    releaseLock = resolve;
    connect();
  });
  if (!navigator.locks) return startWithoutLocks();
  navigator.locks.request(channelName, { signal: lockRequest.signal }, whileLocked).catch(() => {});
  tabs.postMessage({ type: 'ask-connection' });
}

// Browsers offer locks on HTTPS and localhost only. Elsewhere the tab that was opened or shown last has the connection.
function startWithoutLocks() {
  stop = () => {
    clearTimeout(takeOverTimer);
    if (source) tabs.postMessage({ type: 'released' });
    disconnect();
  };
  takeOver();
}

function takeOver() {
  clearTimeout(takeOverTimer);
  takenAt = Date.now() + Math.random();
  connect();
  tabs.postMessage({ type: 'taken', at: takenAt });
}

function onTaken(at) {
  clearTimeout(takeOverTimer);
  // Of two tabs that start at once, the other one drops its connection.
  if (at > takenAt) disconnect();
}

function onReleased() {
  clearTimeout(takeOverTimer);
  takeOverTimer = setTimeout(takeOver, Math.random() * maxTakeOverDelay);
}

/** Stops for good: at sign-out. */
export function stopEvents() {
  stop();
  stop = () => {};
  lastEventId = null;
}

function dispatch(event) {
  if (event.id) lastEventId = event.id;
  for (const listener of listeners) listener(event);
}

tabs.addEventListener('message', ({ data: message }) => {
  if (!store.session) return;
  if (eventTypes.includes(message.type)) {
    dispatch(message);
    if (message.type === 'hello') checkSession();
  } else if (message.type === 'ask-connection') forwardConnection();
  else if (message.type === 'connection' && !source) setLive(message.live);
  else if (message.type === 'taken') onTaken(message.at);
  else if (message.type === 'released') onReleased();
  // The server refused the connecting tab: the session may have expired.
  else if (message.type === 'refused') checkSession();
});

/** Asks who is signed in. A session that expired ends by this request; if another account signed in meanwhile, the page reloads. */
async function checkSession() {
  const session = await get('session').catch(() => null);
  if (session && store.session && session.name !== store.session.name) location.reload();
}

function forwardConnection() {
  if (source) tabs.postMessage({ type: 'connection', live: store.live });
}

function connect() {
  disconnect();
  source = new EventSource(apiUrl('events', { after: lastEventId }));
  // The first connection follows right after the page has asked who is signed in.
  let isFirst = lastEventId === null;
  source.addEventListener('open', onOpen);
  source.addEventListener('error', onError);
  for (const type of eventTypes) {
    source.addEventListener(type, ({ lastEventId: id, data }) => {
      const event = { type, id, data: JSON.parse(data) };
      dispatch({ ...event, isOwn: true });
      tabs.postMessage(event);
      if (type === 'hello' && !isFirst) checkSession();
      isFirst = false;
    });
  }
}

function disconnect() {
  clearTimeout(retryTimer);
  source?.close();
  source = null;
}

function onOpen() {
  retryDelay = firstRetry;
  setLive(true);
  forwardConnection();
}

// The browser reconnects by itself after a broken connection, but not after an error response.
function onError() {
  setLive(false);
  forwardConnection();
  if (source?.readyState !== EventSource.CLOSED) return;
  retryTimer = setTimeout(async () => {
    tabs.postMessage({ type: 'refused' });
    await checkSession();
    if (store.session && source) connect();
  }, retryDelay);
  retryDelay = Math.min(retryDelay * 2, maxRetry);
}

function setLive(live) {
  if (live) setOffline(false);
  if (store.live === live) return;
  store.live = live;
  notify();
}

// No need to wait for the retry timer when the page is shown again or the network is back.
function reconnectNow() {
  if (store.session && !source && !navigator.locks && !document.hidden) return takeOver();
  if (store.session && source?.readyState === EventSource.CLOSED && !document.hidden) connect();
}
addEventListener('online', reconnectNow);
document.addEventListener('visibilitychange', reconnectNow);

// A page in the back/forward cache must keep neither the connection nor the lock.
addEventListener('pagehide', () => stop());
addEventListener('pageshow', ({ persisted }) => {
  if (persisted && store.session) startEvents();
});
