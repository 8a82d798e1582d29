/**
 * Preloaded into a server (`--import`): how long its event loop is held in one go, asked over a socket of
 * its own. A turn of the loop is everything between two looks for what has arrived.
 */
import { createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface LoopDelay {
  /** Since it was asked last, in milliseconds. */
  longestMs: number;
}

const RESOLUTION_MS = 1;
const socket = process.env.BENCH_LOOP_SOCKET;
if (socket !== undefined) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  createServer((client) => {
    const saw: LoopDelay = { longestMs: Math.max(0, delays.max / 1e6 - RESOLUTION_MS) };
    delays.reset();
    client.end(JSON.stringify(saw));
  })
    .listen(socket)
    .unref();
}
