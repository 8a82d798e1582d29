/**
 * How soon a caller is moved: from sending `call.answered` to the REFER at the API, at 100 calls a
 * second with all their other webhooks. Our server has stored the event by then; the SDK's handler
 * awaits its own client. Then the same at a quarter of that, where no call waits because the core
 * is busy with others.
 */
import type { Bench } from './bench.ts';
import { ratiosOf, spreadOf } from './bench.ts';
import { WEBHOOKS_OF_A_CALL } from './calls.ts';
import { fdatasyncMs } from './disk.ts';
import type { Figure } from './figures.ts';
import { CONNECTIONS, noteSent, quietApi, startPeer, WARM_CALLS } from './intake.ts';
import type { Server } from './processes.ts';
import { checkStore, cpuMs, type RefereeServer, type Sent, startReferee } from './referee.ts';

const CALLS_A_SECOND = 100;
const EASY_CALLS_A_SECOND = 25;
/** At least, so that a p50 of the lower rate means something. */
const SLICE_CALLS_MIN = 100;
/** How many seconds bring both servers to a new rate. */
const SETTLING_SECONDS = 5;

type Name = 'sdk' | 'ours';

interface Measured {
  p50: Record<Name, number[]>;
  p99: Record<Name, number[]>;
  /** CPU over elapsed time, in percent. */
  busy: Record<Name, number[]>;
  fdatasync: number[];
}

interface Contestants {
  sdk: Server;
  ours: RefereeServer;
  sent: Sent;
}

export async function referLatency(bench: Bench): Promise<Figure[]> {
  const sdk = await startPeer(bench, 'peer-sdk.ts', 'server', { BENCH_MOVES: '1' });
  const ours = await startReferee(bench, { name: 'refer' });
  const sent: Sent = { accepted: {}, commands: {} };
  const contestants = { sdk, ours, sent };
  try {
    // Warms up first, because servers run for days and JIT compilation is not a caller's usual
    // wait.
    await warm(bench, sdk, null);
    await warm(bench, ours, sent);
    const full = await atRate(bench, contestants, CALLS_A_SECOND);
    const easy = await atRate(bench, contestants, EASY_CALLS_A_SECOND);
    await checkStore(ours, sent, true);
    return [
      { name: 'refer-p50-over-commit', goal: { atMost: 1.5 }, value: overCommit(full) },
      {
        name: 'refer-p99-over-sdk',
        goal: { atMost: 0.5 },
        value: ratiosOf(full.p99.ours, full.p99.sdk),
      },
      ...details(full, CALLS_A_SECOND),
      { name: 'refer-p50-over-commit, 25/s', goal: null, value: overCommit(easy) },
      ...details(easy, EASY_CALLS_A_SECOND),
    ];
  } finally {
    await Promise.all([sdk.stop(), ours.stop()]);
  }
}

/** Over the vendor's handler with the one thing added that it leaves out. */
function overCommit({ p50, fdatasync }: Measured) {
  const least = p50.sdk.map((ms, round) => ms + (fdatasync[round] ?? Number.NaN));
  return ratiosOf(p50.ours, least);
}

function details({ p50, p99, busy, fdatasync }: Measured, rate: number): Figure[] {
  const figure = (name: string, values: number[], unit: string): Figure => {
    return { name: `${rate}/s ${name}`, goal: null, value: spreadOf(values), unit };
  };
  return [
    ...(['sdk', 'ours'] as const).flatMap((name) => [
      figure(`${name}: p50`, p50[name], 'ms'),
      figure(`${name}: p99`, p99[name], 'ms'),
      figure(`${name}: busy`, busy[name], '%'),
    ]),
    figure('fdatasync', fdatasync, 'ms'),
  ];
}

async function atRate(bench: Bench, { sdk, ours, sent }: Contestants, rate: number) {
  const measured: Measured = {
    p50: { sdk: [], ours: [] },
    p99: { sdk: [], ours: [] },
    busy: { sdk: [], ours: [] },
    fdatasync: [],
  };
  for (let round = 0; round <= bench.rounds; round += 1) {
    const settling = round === 0;
    if (!settling) measured.fdatasync.push(fdatasyncMs(bench.folder));
    const seconds = settling ? SETTLING_SECONDS : bench.seconds;
    const calls = Math.max(SLICE_CALLS_MIN, Math.ceil(seconds * rate));
    for (const [name, server] of [
      ['sdk', sdk],
      ['ours', ours],
    ] as const) {
      const { ms, busy } = await slice(bench, server, {
        calls,
        rate,
        sent: name === 'ours' ? sent : null,
      });
      if (settling) continue;
      const [p50, p99] = [quantile(ms, 0.5), quantile(ms, 0.99)];
      measured.p50[name].push(p50);
      measured.p99[name].push(p99);
      measured.busy[name].push(busy);
      bench.note(`${name}, ${rate}/s: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
    }
  }
  return measured;
}

async function warm(bench: Bench, { port }: Server, sent: Sent | null): Promise<void> {
  await bench.prepare({ calls: WARM_CALLS });
  const done = await bench.run({ port, connections: CONNECTIONS, rate: null });
  noteSent(sent, done, await quietApi(bench));
}

async function slice(
  bench: Bench,
  server: Server,
  { calls, rate, sent }: { calls: number; rate: number; sent: Sent | null },
): Promise<{ ms: number[]; busy: number }> {
  // A second between two webhooks of a call.
  await bench.prepare({ calls, lagCalls: rate });
  await bench.apiSaw();
  const cpuBefore = await cpuMs(server.pid);
  const done = await bench.run({
    port: server.port,
    connections: 500,
    rate: rate * WEBHOOKS_OF_A_CALL.length,
    stamp: 'call.answered',
  });
  const cpu = (await cpuMs(server.pid)) - cpuBefore;
  if (Object.keys(done.statuses).some((status) => status !== '200')) {
    throw new Error(`answers were ${JSON.stringify(done.statuses)}`);
  }
  const { actions, refers } = await bench.apiSaw();
  const late = await quietApi(bench);
  noteSent(sent, done, actions, late);
  const ms = Object.entries(refers).map(([id, at]) => at - (done.stamps[id] ?? Number.NaN));
  return { ms, busy: (100 * cpu) / done.elapsedMs };
}

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * q)] ?? Number.NaN;
}
