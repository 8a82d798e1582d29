/** The stop: a drain, then the engine, then everything that the start opened, within its time. */
import { setTimeout } from 'node:timers/promises';
import { CLOSING_SECS } from './config/checks.ts';
import type { Config } from './config/config.ts';
import type { Engine } from './engine/create-engine.ts';
import type { Warming } from './engine/warming.ts';
import { StopTimedOut } from './errors.ts';
import type { StoreWatch } from './http/health.ts';
import type { Lifecycle } from './http/lifecycle.ts';
import type { Log } from './log/log.ts';

export const CLOSING_MS = CLOSING_SECS * 1_000;
/** Part of that, for the last traces. */
export const TRACES_MS = 500;
/** Part of that, to log why the stop is late before the supervisor kills the process. */
const LAST_WORDS_MS = 250;

interface Stopping {
  opened: AsyncDisposableStack;
  config: Config;
  log: Log;
  lifecycle: Lifecycle;
  engine: Engine;
  storeWatch: StoreWatch;
  warming: Warming | null;
}

/** Drains, stops the engine, then closes what was opened. Only the first call counts. */
export function createStop(stopping: Stopping) {
  const { opened, config, log, lifecycle, engine, storeWatch, warming } = stopping;
  let stopped: Promise<void> | null = null;
  return (drainMs = config.drainDelaySecs * 1000) => {
    stopped ??= stop(drainMs);
    return stopped;
  };

  async function stop(drainMs: number): Promise<void> {
    const stopAt = performance.now() + config.shutdownTimeoutSecs * 1000;
    const leftMs = () => Math.max(0, stopAt - CLOSING_MS - performance.now());
    warming?.end();
    // Nothing was accepted yet, so no load balancer needs time to notice.
    const drain = lifecycle.phase === 'starting' ? 0 : Math.min(drainMs, Math.floor(leftMs()));
    lifecycle.phase = 'draining';
    log.emit('server.stopping', { drain_ms: drain });
    await setTimeout(drain);
    lifecycle.phase = 'stopping';
    let waitingFor = '';
    const closing = (async () => {
      const toClose = warming?.closed() ?? Promise.resolve();
      const warmUpClosed = settledWithin(toClose, Math.max(leftMs(), CLOSING_MS / 2));
      await engine.stop(leftMs, (next) => {
        waitingFor = next;
      });
      // If a folder hangs that it has to remove, the stop is in order all the same.
      await warmUpClosed;
      waitingFor = 'servers, store and connections to close';
      await opened.disposeAsync();
    })();
    if (!(await settledWithin(closing, stopAt - LAST_WORDS_MS - performance.now()))) {
      const detail = storeWatch.failure();
      log.emit('server.stop_timed_out', { waiting_for: waitingFor, detail });
      throw new StopTimedOut(
        `not everything was closed within SHUTDOWN_TIMEOUT_SECS=${config.shutdownTimeoutSecs}: still waiting for ${waitingFor}${detail === null ? '' : `. ${detail}`}`,
      );
    }
    log.emit('server.stopped');
  }
}

/** False if it has not ended by then. */
export async function settledWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const waiting = new AbortController();
  const late = setTimeout(Math.max(0, ms), false, { signal: waiting.signal });
  // Both may reject after the race is over.
  late.catch(() => {});
  work.catch(() => {});
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    waiting.abort();
  }
}
