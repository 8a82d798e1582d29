/**
 * Preloaded into a server (`--import`): how long its event loop is held in one go, asked over a socket of
 * its own. The time of the clock is what a caller waits; where others use the machine too, the CPU of the
 * loop's own thread says what of it was our work.
 */
import { createServer } from 'node:net';

export interface LoopDelay {
  /** The longest since it was asked last, in milliseconds. */
  ms: number;
  cpuMs: number;
}

const EVERY_MS = 1;
const socket = process.env.BENCH_LOOP_SOCKET;
if (socket !== undefined) watch(socket);

function watch(path: string): void {
  let longest: LoopDelay = { ms: 0, cpuMs: 0 };
  let last = now();
  // A turn of the loop has one look at its timers.
  setInterval(() => {
    const { ms, cpuMs } = now();
    longest = {
      ms: Math.max(longest.ms, ms - last.ms - EVERY_MS),
      cpuMs: Math.max(longest.cpuMs, cpuMs - last.cpuMs),
    };
    last = { ms, cpuMs };
  }, EVERY_MS).unref();
  createServer((client) => {
    client.end(JSON.stringify(longest));
    longest = { ms: 0, cpuMs: 0 };
  })
    .listen(path)
    .unref();
}

function now(): LoopDelay {
  const { user, system } = process.threadCpuUsage();
  return { ms: performance.now(), cpuMs: (user + system) / 1000 };
}
