/**
 * Beyond saturation: how much is accepted, how much is refused with 503, how long accepted webhooks
 * wait, whether the event loop and the health endpoints stay fast, and how long the service takes
 * to recover.
 */
import { setTimeout } from 'node:timers/promises';
import { type Bench, spreadOf } from './bench.ts';
import { WEBHOOKS_OF_A_CALL } from './calls.ts';
import type { Figure } from './figures.ts';
import { CONNECTIONS, WARM_CALLS } from './intake.ts';
import { metricOf, startReferee } from './referee.ts';

const TIMES_SATURATION = [0.5, 1, 2, 4];
/** Telnyx delivers over many connections. */
const CONNECTIONS_MAX = 2_000;
const HEALTH_EVERY_MS = 50;

export async function overload(bench: Bench): Promise<Figure[]> {
  const server = await startReferee(bench, { name: 'overload', moves: false });
  const figures: Figure[] = [];
  const show = (name: string, value: number, unit: string) =>
    figures.push({ name, goal: null, value: spreadOf([value]), unit });
  try {
    let saturation = 0;
    for (let round = 0; round < 2; round += 1) {
      await bench.prepare({ calls: WARM_CALLS });
      const full = await bench.run({ port: server.port, connections: CONNECTIONS, rate: null });
      saturation = full.acceptedPerSecond;
    }
    show('overload: saturation', saturation, '/s');
    for (const times of TIMES_SATURATION) {
      const rate = saturation * times;
      await bench.prepare({ calls: Math.ceil((rate * bench.seconds) / WEBHOOKS_OF_A_CALL.length) });
      await loopDelayP99Ms(server.port);
      const health = watchHealth(server.port);
      const stopAfterMs = bench.seconds * 1000;
      const done = await bench.run({
        port: server.port,
        connections: CONNECTIONS_MAX,
        rate,
        stopAfterMs,
        fromSent: true,
      });
      const healthMs = await health.stop();
      const at = `overload ${times}x`;
      const turnedAway = done.statuses['503'] ?? 0;
      show(`${at}: sent`, (done.sent * 1000) / stopAfterMs, '/s');
      show(`${at}: taken`, done.acceptedPerSecond, '/s');
      show(`${at}: 503`, (turnedAway * 1000) / done.elapsedMs, '/s');
      show(`${at}: p50`, done.latency.p50, 'ms');
      show(`${at}: p99`, done.latency.p99, 'ms');
      show(`${at}: event loop p99`, await loopDelayP99Ms(server.port), 'ms');
      show(`${at}: health, slowest`, healthMs, 'ms');
      show(`${at}: quiet again after`, done.tailMs, 'ms');
      const broken = Object.entries(done.statuses).filter(([s]) => s !== '200' && s !== '503');
      if (broken.length > 0) throw new Error(`${at} was answered ${JSON.stringify(done.statuses)}`);
      await setTimeout(500);
    }
  } finally {
    await server.stop();
  }
  return figures;
}

/** Since the last call of this. */
async function loopDelayP99Ms(port: number): Promise<number> {
  return (await metricOf(port, 'referee_event_loop_delay_seconds{quantile="0.99"}')) * 1000;
}

function watchHealth(port: number): { stop(): Promise<number> } {
  let slowest = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      const startedAt = performance.now();
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`);
      if (!answer.ok) throw new Error(`/health/ready answered ${answer.status} under load`);
      await answer.text();
      slowest = Math.max(slowest, performance.now() - startedAt);
      await setTimeout(HEALTH_EVERY_MS);
    }
  })();
  return {
    async stop() {
      over = true;
      await watching;
      return slowest;
    },
  };
}
