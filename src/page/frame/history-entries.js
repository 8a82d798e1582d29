/**
 * The scroll position and the view's own state for each entry of the browser's history, so that
 * going back shows what was left.
 */
const KEPT_MAX = 50;

export function historyEntries() {
  const kept = new Map();
  let hashHere = location.hash;
  let entry = entryOf(null);
  // We restore the scroll position, because the browser would do so before the list is drawn.
  history.scrollRestoration = 'manual';

  return {
    /** @param {unknown} view the state of the view that is left */
    keep(view) {
      kept.delete(entry);
      kept.set(entry, { scroll: scrollY, view });
      if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value);
    },
    /** What was kept for the entry that is open now; undefined for a new one. */
    arrive() {
      entry = entryOf(hashHere);
      hashHere = location.hash;
      return kept.get(entry);
    },
    forget: () => kept.clear(),
  };
}

/** Each entry has its own name; a link creates one, back and forward do not. */
function entryOf(from) {
  if (typeof history.state?.entry !== 'string') {
    history.replaceState({ entry: `${performance.timeOrigin} ${performance.now()}`, from }, '');
  }
  return history.state.entry;
}
