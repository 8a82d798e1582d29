/**
 * How soon a caller moves: from `call.answered` sent to the REFER at the API, at 100 calls a second
 * with all their other webhooks. Ours is durable by then; the SDK's handler awaits its own client.
 */
import type { Bench } from './bench.ts';
import { ratiosOf, spreadOf } from './bench.ts';
import { WEBHOOKS_OF_A_CALL } from './calls.ts';
import { fdatasyncMs } from './disk.ts';
import type { Figure } from './figures.ts';
import { CONNECTIONS, noteSent, quietApi, startPeer, WARM_CALLS } from './intake.ts';
import type { Server } from './processes.ts';
import { checkStore, type RefereeServer, type Sent, startReferee } from './referee.ts';

const CALLS_A_SECOND = 100;
/** Between two webhooks of a call: a second, as people are slow. */
const LAG_CALLS = 100;
const EASY_CALLS = 500;

export async function referLatency(bench: Bench): Promise<Figure[]> {
  const sdk = await startPeer(bench, 'peer-sdk.ts', 'server', { BENCH_MOVES: '1' });
  const ours = await startReferee(bench, { name: 'refer' });
  const sent: Sent = { accepted: {}, commands: {} };
  const p99 = { sdk: [] as number[], ours: [] as number[] };
  const p50 = { sdk: [] as number[], ours: [] as number[] };
  const disk: number[] = [];
  try {
    // Both serve for days: what the compiler has not seen yet is no caller's usual wait.
    await warm(bench, sdk, null);
    await warm(bench, ours, sent);
    for (let round = 0; round <= bench.rounds; round += 1) {
      if (round > 0) disk.push(fdatasyncMs(bench.folder));
      const calls = round === 0 ? EASY_CALLS : Math.ceil(bench.seconds * CALLS_A_SECOND);
      for (const [name, server] of [
        ['sdk', sdk],
        ['ours', ours],
      ] as const) {
        const latencies = await slice(bench, server, calls, name === 'ours' ? sent : null);
        // The first round brings both to this pace.
        if (round === 0) continue;
        p99[name].push(quantile(latencies, 0.99));
        p50[name].push(quantile(latencies, 0.5));
        const [middle, late] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
        bench.note(`${name}: p50 ${middle.toFixed(2)} ms, p99 ${late.toFixed(2)} ms`);
      }
    }
    await checkStore(ours, sent, true);
  } finally {
    await Promise.all([sdk.stop(), ours.stop()]);
  }
  // The vendor's handler with the one thing added that it leaves out.
  const least = p50.sdk.map((ms, round) => ms + (disk[round] ?? Number.NaN));
  return [
    { name: 'refer-p50-over-commit', goal: { atMost: 1.5 }, value: ratiosOf(p50.ours, least) },
    { name: 'refer-p99-over-sdk', goal: { atMost: 0.5 }, value: ratiosOf(p99.ours, p99.sdk) },
    ...(['sdk', 'ours'] as const).flatMap((name): Figure[] => [
      { name: `refer ${name}: p50`, goal: null, value: spreadOf(p50[name]), unit: 'ms' },
      { name: `refer ${name}: p99`, goal: null, value: spreadOf(p99[name]), unit: 'ms' },
    ]),
    { name: 'fdatasync', goal: null, value: spreadOf(disk), unit: 'ms' },
  ];
}

async function warm(bench: Bench, { port }: Server, sent: Sent | null): Promise<void> {
  await bench.prepare({ calls: WARM_CALLS });
  const done = await bench.run({ port, connections: CONNECTIONS, rate: null });
  noteSent(sent, done, await quietApi(bench));
}

async function slice(
  bench: Bench,
  server: Server | RefereeServer,
  calls: number,
  sent: Sent | null,
): Promise<number[]> {
  await bench.prepare({ calls, lagCalls: LAG_CALLS });
  await bench.apiSaw();
  const rate = CALLS_A_SECOND * WEBHOOKS_OF_A_CALL.length;
  const done = await bench.run({
    port: server.port,
    connections: 500,
    rate,
    stamp: 'call.answered',
  });
  if (Object.keys(done.statuses).some((status) => status !== '200')) {
    throw new Error(`answers were ${JSON.stringify(done.statuses)}`);
  }
  const { actions, refers } = await bench.apiSaw();
  const late = await quietApi(bench);
  noteSent(sent, done, actions, late);
  return Object.entries(refers).map(([callId, at]) => at - (done.stamps[callId] ?? Number.NaN));
}

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * q)] ?? Number.NaN;
}
