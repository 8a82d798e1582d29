/**
 * Preloaded into a server (`--import`): measures the longest block of its event loop and reports it
 * over its own socket. Elapsed time is what a caller waits; the CPU time of the loop's thread shows
 * how much of it was our work while others use the machine.
 */
import { createServer } from 'node:net';

export interface LoopDelay {
  /** The longest since the last report, in milliseconds. */
  ms: number;
  cpuMs: number;
}

const EVERY_MS = 1;
const socket = process.env.BENCH_LOOP_SOCKET;
if (socket !== undefined) watch(socket);

function watch(path: string): void {
  let longest: LoopDelay = { ms: 0, cpuMs: 0 };
  let last = now();
  // Timers are checked once per turn of the loop.
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
