/**
 * Whether commands that had to wait for a slot are still to be sent: meanwhile another process may
 * have taken an event of the call, and only the store knows what that cancelled. One question at a
 * time; commands that come while it is asked share the next one.
 */

/** A store that does not answer must not delay commands for longer. */
const WITHIN_MS = 500;

export interface Confirmation {
  /**
   * Never rejects. True also if the store does not answer in time: then the lease alone decides, as
   * it does for a command that did not wait.
   */
  stillToSend(commandId: string): Promise<boolean>;
}

export function createConfirmation(
  ask: (commandIds: string[]) => Promise<ReadonlySet<string>>,
  withinMs: number = WITHIN_MS,
): Confirmation {
  let waiting: { id: string; answer(is: boolean): void }[] = [];
  let asking = false;
  /** A question is at the store, perhaps one that nobody waits for any more. */
  let open = false;

  return {
    stillToSend(id) {
      return new Promise((answer) => {
        waiting.push({ id, answer });
        if (asking) return;
        asking = true;
        // Not at once, so that commands which start together are asked about together.
        queueMicrotask(() => void work());
      });
    },
  };

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const asked = waiting;
      waiting = [];
      const found = await answered(asked.map(({ id }) => id));
      for (const { id, answer } of asked) answer(found === null || found.has(id));
    }
    asking = false;
  }

  /** Null: it is not known. A slow store would only be slower with a second question. */
  function answered(ids: string[]): Promise<ReadonlySet<string> | null> {
    if (open) return Promise.resolve(null);
    open = true;
    return new Promise((resolve) => {
      const late = setTimeout(resolve, withinMs, null);
      ask(ids)
        .catch(() => null)
        .then((found) => {
          open = false;
          clearTimeout(late);
          resolve(found);
        });
    });
  }
}
