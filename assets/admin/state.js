// What the whole page shares, and the one way to have it drawn again.
export const app = {
  session: undefined, // undefined: not known yet; null: signed out; else {name, expires_at_utc}
  lastName: '', // whose session ended while they were reading
  signedOut: null, // why there is no session: 'ended' or 'left'
  offline: false,
  live: false,
  warnings: [],
  dialog: null, // 'export' or 'help'
  minute: 0, // grows every minute, so that relative times stay true
};

let draw = () => {};

export function drawnBy(callback) {
  draw = callback;
}

export function redraw() {
  draw();
}
