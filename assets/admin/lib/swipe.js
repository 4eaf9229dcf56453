// Swipes of a finger across an element. Who scrolls, zooms, selects text or goes back from the edge of the screen does not swipe.
const minDistance = 60; // pixels
const maxTime = 600; // milliseconds
// Pixels in which a swipe is the browser's own.
const edge = 24;

/**
 * Calls back with 1 after a swipe to the left, as to the next page, and with -1 after one to the right.
 * @param {HTMLElement} element
 * @param {(step: number) => void} onSwipe
 */
export function addSwipe(element, onSwipe) {
  /** @type {{x: number, y: number, time: number} | null} */
  let start = null;
  element.addEventListener('touchstart', ({ touches, timeStamp }) => {
    const [{ clientX: x, clientY: y }] = touches;
    const isOne = touches.length === 1 && x > edge && x < innerWidth - edge;
    start = isOne ? { x, y, time: timeStamp } : null;
  }, { passive: true });
  element.addEventListener('touchend', ({ changedTouches, timeStamp }) => {
    if (!start || timeStamp - start.time > maxTime || !getSelection()?.isCollapsed) return;
    const [x, y] = [changedTouches[0].clientX - start.x, changedTouches[0].clientY - start.y];
    start = null;
    if (Math.abs(x) > minDistance && Math.abs(x) > 2 * Math.abs(y)) onSwipe(x < 0 ? 1 : -1);
  }, { passive: true });
  element.addEventListener('touchcancel', () => { start = null; }, { passive: true });
}
