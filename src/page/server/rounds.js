/** Reads again and again while a view is open: each round begins some time after the last one. */

/**
 * @param {number} everyMs from the end of a round to the next one
 * @param {() => Promise<void>} read
 */
export function rounds(everyMs, read) {
  let open = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let latest = 0;

  async function round() {
    clearTimeout(timer);
    if (!open) return;
    const mine = ++latest;
    await read();
    // Only the latest round is followed by another one, however many were asked for meanwhile.
    if (open && mine === latest) timer = setTimeout(round, everyMs);
  }

  return {
    isOpen: () => open,
    start() {
      open = true;
      return round();
    },
    /** Now, instead of after the pause; nothing happens while the view is closed. */
    again: round,
    stop() {
      open = false;
      clearTimeout(timer);
    },
  };
}
