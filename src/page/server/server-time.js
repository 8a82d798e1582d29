/**
 * The server's time, to compare with times that it has written: a laptop's clock may be minutes off
 * and then shows a call that lasts for less than nothing.
 */

/** Smaller differences do no harm. */
const MEANT_MS = 5_000;

let aheadMs = 0;

/** Milliseconds since the epoch. */
export function now() {
  return Date.now() + aheadMs;
}

/**
 * The answer was written between the request and now, and its time is in whole seconds, so both
 * must say that our clock is wrong.
 *
 * @param {Response} answer of the server
 * @param {number} askedAt by our clock
 */
export function readServerTime({ headers }, askedAt) {
  const written = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(written)) return;
  const least = written - Date.now();
  const most = written + 1_000 - askedAt;
  if (least > MEANT_MS) aheadMs = least;
  else if (most < -MEANT_MS) aheadMs = most;
  else aheadMs = 0;
}
