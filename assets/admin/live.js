// New leads as they arrive. All tabs share one connection, since a browser allows a server only six: whoever holds the
// lock listens and tells the others. A connection that breaks is made anew from the last place heard: nothing is missed.
import { address, get, setOffline } from '/admin/assets/api.js';
import { inbox } from '/admin/assets/inbox-list.js';
import { app, redraw } from '/admin/assets/state.js';

const slowest = 15_000;
const tabs = new BroadcastChannel('fastcore.live');
let source = null;
let last = null;
let wait = 1000;
let timer = 0;
let leave = () => {};
const listeners = new Set();

/** Hears `{id, status}` and `{id, erased}` of single leads; answers how to stop. */
export function onLeadChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Listens as soon as no other tab does; until then hears what that one tells. */
export function listen() {
  leave();
  const waiting = new AbortController();
  let release = () => {};
  leave = () => {
    waiting.abort();
    disconnect();
    release();
  };
  const hold = () => new Promise((resolve) => {
    release = resolve;
    connect();
  });
  // Browsers offer locks on HTTPS and localhost alone; elsewhere each tab listens for itself.
  if (!navigator.locks) return connect();
  navigator.locks.request('fastcore.live', { signal: waiting.signal }, hold).catch(() => {});
  tabs.postMessage({ name: 'ask' });
}

/** Ends it for good: at sign-out. */
export function forget() {
  leave();
  leave = () => {};
  last = null;
}

const heard = {
  hello: () => {
    inbox.lookSoon();
    askWho();
  },
  lead: () => inbox.lookSoon(),
  status: ({ id, status }) => {
    inbox.statusChanged(id, status);
    for (const listener of listeners) listener({ id, status });
  },
  erased: ({ id }) => {
    inbox.erased(id);
    for (const listener of listeners) listener({ id, erased: true });
  },
};

function hear({ name, place, data }) {
  if (place) last = place;
  heard[name](data);
}

tabs.addEventListener('message', ({ data: message }) => {
  if (!app.session) return;
  if (message.name in heard) hear(message);
  else if (message.name === 'ask') tellState();
  else if (message.name === 'state' && !source) setLive(message.live);
  // The tab that listens was refused: has the session ended?
  else if (message.name === 'refused') askWho();
});

/** A session that ended shows the sign-in through this question; if somebody else signed in beside, the page is theirs. */
async function askWho() {
  const session = await get('session').catch(() => null);
  if (session && app.session && session.name !== app.session.name) location.reload();
}

function tellState() {
  if (source) tabs.postMessage({ name: 'state', live: app.live });
}

function connect() {
  disconnect();
  source = new EventSource(address('live', { after: last }));
  source.addEventListener('open', opened);
  source.addEventListener('error', lost);
  for (const name of Object.keys(heard)) {
    source.addEventListener(name, ({ lastEventId, data }) => {
      const message = { name, place: lastEventId, data: JSON.parse(data) };
      hear(message);
      tabs.postMessage(message);
    });
  }
}

function disconnect() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function opened() {
  wait = 1000;
  setLive(true);
  tellState();
}

// The browser comes back by itself after a broken connection, but never after a refusal: then this does.
function lost() {
  setLive(false);
  tellState();
  if (source.readyState !== EventSource.CLOSED) return;
  timer = setTimeout(async () => {
    tabs.postMessage({ name: 'refused' });
    await askWho();
    if (app.session && source) connect();
  }, wait);
  wait = Math.min(wait * 2, slowest);
}

function setLive(live) {
  if (live) setOffline(false);
  if (app.live === live) return;
  app.live = live;
  redraw();
}

// Whoever comes back to the page, or to the network, need not wait for the next try.
function comeBack() {
  if (app.session && source?.readyState === EventSource.CLOSED && !document.hidden) connect();
}
addEventListener('online', comeBack);
document.addEventListener('visibilitychange', comeBack);

// A page that the browser keeps for Back must hold neither connection nor lock.
addEventListener('pagehide', () => leave());
addEventListener('pageshow', ({ persisted }) => persisted && app.session && listen());
