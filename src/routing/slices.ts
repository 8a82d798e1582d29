/** Long work of a load, a slice at a time: calls are decided in between. */
import { setImmediate } from 'node:timers/promises';

/** What may run before others have their turn. */
const SLICE_MS = 5;

/**
 * The work yields often; the event loop is held for a slice at a time, however long it takes in all.
 * Rejects before the next slice once the signal is aborted.
 */
export async function inSlices<T>(work: Generator<void, T>, signal?: AbortSignal): Promise<T> {
  for (let until = performance.now() + SLICE_MS; ; ) {
    signal?.throwIfAborted();
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() < until) continue;
    await setImmediate();
    until = performance.now() + SLICE_MS;
  }
}
