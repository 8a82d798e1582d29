/** How a rate reads, on the page and in a terminal: this imports nothing. */

/**
 * 0 % and 100 % stand only for none and all.
 *
 * @param {number} rate from 0 to 1
 */
export function percentOf(rate) {
  if (rate > 0 && rate < 0.01) return '< 1 %';
  return rate > 0.99 && rate < 1 ? '> 99 %' : `${Math.round(rate * 100)} %`;
}
