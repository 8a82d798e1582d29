/**
 * What a view shows of the API: the last answer, and the error if it could not be read again.
 *
 * @template T
 * @param {() => void} changed
 */
export function newest(changed) {
  /** @type {unknown} */
  let asked = null;
  let begun = 0;
  /** The latest reading that has brought something, counted by when it began. */
  let settled = 0;

  /** @param {unknown} question @param {number} mine */
  function isOver(question, mine) {
    if (asked !== question || mine < settled) return true;
    settled = mine;
    return false;
  }

  const kept = {
    /** @type {T | null} */
    found: null,
    /** @type {Error | null} */
    error: null,
    /**
     * An answer that comes after another question was asked is dropped, and so is one that comes
     * after that of a later reading: the page may read again while an earlier request still hangs.
     *
     * @param {unknown} question compared by identity
     * @param {() => Promise<T>} read
     */
    async read(question, read) {
      asked = question;
      begun += 1;
      const mine = begun;
      try {
        const found = await read();
        if (isOver(question, mine)) return;
        kept.found = found;
        kept.error = null;
      } catch (failure) {
        if (isOver(question, mine)) return;
        kept.error = failure;
      }
      changed();
    },
    /** Also drops the answer that is still awaited. */
    forget() {
      asked = null;
      settled = begun + 1;
      kept.found = null;
      kept.error = null;
    },
  };
  return kept;
}
