/** Runs the long work of a load in slices, so that calls are decided in between. */
import { setImmediate } from 'node:timers/promises';

/** How long the work may run before other tasks get their turn. */
const SLICE_MS = 5;

/**
 * Runs a generator that yields often, and blocks the event loop only for one slice at a time.
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
