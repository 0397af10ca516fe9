// When the page may change by itself: at most four times a second, all that waits at once.

const EVERY_MS = 250;

const waiting = new Set();
let timer = null;
let last = -Infinity;

/** Run *task* at the next repaint; asking twice before it is asking once. */
export function atRepaint(task) {
  waiting.add(task);
  if (timer === null) timer = setTimeout(run, Math.max(0, last + EVERY_MS - performance.now()));
}

function run() {
  timer = null;
  last = performance.now();
  const tasks = [...waiting];
  waiting.clear();
  for (const task of tasks) task();
  // The library draws in a microtask of its own; on a busy machine that takes its time.
  queueMicrotask(() => { last = performance.now(); });
}

const tickers = new Set();

/** Call *task* about once a second, together with other repaints, until the result is called. */
export function everySecond(task) {
  tickers.add(task);
  return () => tickers.delete(task);
}

setInterval(() => {
  if (!document.hidden) for (const task of tickers) atRepaint(task);
}, 1_000);
