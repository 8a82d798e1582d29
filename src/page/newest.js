/**
 * What a view shows of the API: the last answer, and the error if it could not be read again.
 *
 * @template T
 * @param {() => void} changed
 */
export function newest(changed) {
  /** @type {unknown} */
  let asked = null;
  const kept = {
    /** @type {T | null} */
    found: null,
    /** @type {Error | null} */
    error: null,
    /**
     * An answer that comes after another question was asked is dropped.
     *
     * @param {unknown} question compared by identity
     * @param {() => Promise<T>} read
     */
    async read(question, read) {
      asked = question;
      try {
        const found = await read();
        if (asked !== question) return;
        kept.found = found;
        kept.error = null;
      } catch (failure) {
        if (asked !== question) return;
        kept.error = failure;
      }
      changed();
    },
    /** Also drops the answer that is still awaited. */
    forget() {
      asked = null;
      kept.found = null;
      kept.error = null;
    },
  };
  return kept;
}
