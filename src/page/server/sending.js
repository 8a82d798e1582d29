/**
 * What somebody asked the server to do: whether it is being sent, and then the answer or the error.
 *
 * @template T
 * @param {() => void} changed
 * @param {() => Promise<unknown>} readAgain what it may have changed; both are shown at once
 */
export function sending(changed, readAgain) {
  let latest = 0;
  const sent = {
    busy: false,
    /** @type {T | null} */
    done: null,
    /** @type {Error | null} */
    error: null,
    /** @param {() => Promise<T>} send */
    async send(send) {
      sent.forget();
      const mine = latest;
      sent.busy = true;
      changed();
      /** @type {T | null} */
      let done = null;
      /** @type {Error | null} */
      let error = null;
      try {
        done = await send();
      } catch (failure) {
        error = failure;
      }
      await readAgain();
      if (mine !== latest) return;
      sent.busy = false;
      sent.done = done;
      sent.error = error;
      changed();
    },
    /** Also drops the answer that is still awaited. */
    forget() {
      latest += 1;
      sent.busy = false;
      sent.done = null;
      sent.error = null;
    },
  };
  return sent;
}
