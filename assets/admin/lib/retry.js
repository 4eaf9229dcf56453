// What failed because the server was away comes back by itself when the server does.
import { onServerEvent } from '/admin/assets/lib/event-stream.js';

const firstDelay = 2000; // milliseconds
const maxDelay = 30_000;

/** Whether the same request may succeed later: no response, or an error of the server. */
export function isTemporary(error) {
  return error.code === 'offline' || error.status >= 500;
}

/**
 * Repeats the attempt until it is stopped: when the server's events arrive again, when the network or the page is back, and
 * from time to time.
 * @param {() => Promise<unknown>} attempt
 * @returns a function that stops it
 */
export function retryUntilStopped(attempt) {
  let delay = firstDelay;
  let timer = 0;
  let running = false;
  let stopped = false;
  const schedule = () => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(run, delay);
    delay = Math.min(delay * 2, maxDelay);
  };
  const run = async () => {
    if (running || document.hidden) return;
    running = true;
    await attempt();
    running = false;
    schedule();
  };
  const removeListener = onServerEvent(({ type }) => type === 'hello' && run());
  addEventListener('online', run);
  document.addEventListener('visibilitychange', run);
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
    removeListener();
    removeEventListener('online', run);
    document.removeEventListener('visibilitychange', run);
  };
}
