// New leads as they arrive. A connection that breaks is made anew from the last place heard, so nothing is missed.
import { address, get } from '/admin/assets/api.js';
import { inbox } from '/admin/assets/inbox-list.js';
import { app, redraw } from '/admin/assets/state.js';

const slowest = 15_000;
let source = null;
let last = null;
let wait = 1000;
let timer = 0;
const listeners = new Set();

/** Hears `{id, status}` and `{id, erased}` of single leads; answers how to stop. */
export function onLeadChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function listen() {
  stop();
  source = new EventSource(address('live', { after: last }));
  source.addEventListener('open', () => opened());
  source.addEventListener('error', () => lost());
  hear('hello', () => inbox.lookSoon());
  hear('lead', () => inbox.lookSoon());
  hear('status', ({ id, status }) => {
    inbox.statusChanged(id, status);
    for (const listener of listeners) listener({ id, status });
  });
  hear('erased', ({ id }) => {
    inbox.erased(id);
    for (const listener of listeners) listener({ id, erased: true });
  });
}

/** Ends it for good: at sign-out. */
export function forget() {
  stop();
  last = null;
}

function hear(name, act) {
  source.addEventListener(name, (event) => {
    if (event.lastEventId) last = event.lastEventId;
    act(JSON.parse(event.data));
  });
}

function opened() {
  wait = 1000;
  setLive(true);
}

// The browser comes back by itself after a broken connection, but never after a refusal: then this does.
async function lost() {
  setLive(false);
  if (source?.readyState !== EventSource.CLOSED) return;
  stop();
  timer = setTimeout(async () => {
    // A session that ended shows the sign-in through this question.
    await get('session').catch(() => null);
    if (app.session) listen();
  }, wait);
  wait = Math.min(wait * 2, slowest);
}

function stop() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function setLive(live) {
  if (app.live === live) return;
  app.live = live;
  redraw();
}

// Whoever comes back to the page, or to the network, need not wait for the next try.
const comeBack = () => app.session && !app.live && !document.hidden && listen();
addEventListener('online', comeBack);
document.addEventListener('visibilitychange', comeBack);
