/** The figures by the names they are printed with, in the order of measurement. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { startOwnPostgres } from '../test/helpers/postgres-server.ts';
import type { Bench, Spread } from './bench.ts';
import { spreadOf } from './bench.ts';
import { coldStart } from './cold.ts';
import {
  atEase,
  type Contestant,
  checkStores,
  cpuRatioOf,
  inTurn,
  type Measured,
  ratioOf,
  startPeer,
} from './intake.ts';
import { overload } from './overload.ts';
import type { Cores } from './processes.ts';
import { REPOSITORY } from './processes.ts';
import { quietHour } from './quiet.ts';
import { referLatency } from './refer.ts';
import { residentMiB, startReferee } from './referee.ts';
import { reloading } from './reload.ts';
import { searchOnPostgres, searchOnSqlite } from './search.ts';
import { filledStore } from './storage.ts';
import { verification } from './verification.ts';

export interface Figure {
  name: string;
  /** Null for figures without a goal. */
  goal: { atLeast: number } | { atMost: number } | null;
  value: Spread;
  unit?: string;
}

export interface FigureGroup {
  /** `--only` accepts the name of any of these lines. */
  lines: string[];
  measure(bench: Bench): Promise<Figure[]>;
}

const LIVE_CALLS = 100_000;
const HISTORY_CALLS = 1_000_000;

export const GROUPS: FigureGroup[] = [
  {
    lines: ['durable-over-sdk', 'moving-over-sdk', 'durable-over-floor', 'forged-over-genuine'],
    measure: oneCore,
  },
  { lines: ['durable-over-sdk-all-cores'], measure: allCores },
  { lines: ['refer-p99-over-sdk', 'refer-p50-over-commit'], measure: referLatency },
  { lines: ['quiet-over-busy', 'quiet-over-busy-cold'], measure: quietHour },
  { lines: ['reload-stall-ms', 'reload-memory'], measure: reloading },
  { lines: ['cold-over-warm'], measure: coldStart },
  { lines: ['postgres-over-sqlite'], measure: postgresOverSqlite },
  { lines: ['decision-100k-over-10'], measure: decision },
  { lines: ['memory-100k-over-idle'], measure: memory },
  { lines: ['history-1m-over-empty'], measure: history },
  { lines: ['search-1m-ms', 'search-1m-ms-postgres'], measure: search },
  { lines: ['tweetnacl-over-native'], measure: verification },
  { lines: ['overload'], measure: overload },
];

async function oneCore(bench: Bench): Promise<Figure[]> {
  const sdk = await peer(bench, 'sdk', 'server');
  const sdkMoving = await peer(bench, 'sdk, moving', 'server', { BENCH_MOVES: '1' });
  const floor = await peer(bench, 'floor', 'server');
  const ours = await referee(bench, 'referee', 'server', false);
  const moving = await referee(bench, 'referee, moving', 'server', true);
  const forged: Contestant = { ...ours, name: 'referee, forged', sent: null, forged: true };
  const all = [sdk, sdkMoving, floor, ours, forged, moving];
  const measured = await inTurn(bench, all).finally(() => stopAll(all));
  const [s, sm, f, o, fo, m] = measured;
  return [
    { name: 'durable-over-sdk', goal: { atLeast: 1.2 }, value: ratioOf(o, s) },
    { name: 'moving-over-sdk', goal: { atLeast: 1.1 }, value: ratioOf(m, sm) },
    { name: 'durable-over-sdk-by-cpu', goal: null, value: cpuRatioOf(o, s) },
    { name: 'moving-over-sdk-by-cpu', goal: null, value: cpuRatioOf(m, sm) },
    { name: 'durable-over-floor', goal: null, value: ratioOf(o, f) },
    { name: 'forged-over-genuine', goal: { atLeast: 1.5 }, value: ratioOf(fo, o) },
    ...measured.flatMap(absolutes),
  ];
}

async function allCores(bench: Bench): Promise<Figure[]> {
  const sdk = await peer(bench, 'sdk-all', 'all');
  const ours = await referee(bench, 'referee-all', 'all', false);
  const measured = await inTurn(bench, [sdk, ours]).finally(() => stopAll([sdk, ours]));
  const [s, o] = measured;
  return [
    { name: 'durable-over-sdk-all-cores', goal: null, value: ratioOf(o, s) },
    ...measured.flatMap(absolutes),
  ];
}

/** The database runs on the other cores, because in production it has its own machine. */
async function postgresOverSqlite(bench: Bench): Promise<Figure[]> {
  const postgres = await startOwnPostgres();
  try {
    const onSqlite = await referee(bench, 'sqlite', 'server', true);
    const onPostgres = await referee(bench, 'postgres', 'server', true, postgres.url);
    const all = [onSqlite, onPostgres];
    const measured = await inTurn(bench, all).finally(() => stopAll(all));
    return [
      {
        name: 'postgres-over-sqlite',
        goal: { atLeast: 0.9 },
        value: ratioOf(measured[1], measured[0]),
      },
      ...measured.flatMap(absolutes),
    ];
  } finally {
    await postgres.stop();
  }
}

async function decision(): Promise<Figure[]> {
  const { stdout } = spawnSync(process.execPath, [join(REPOSITORY, 'bench/decision.ts')], {
    encoding: 'utf8',
  });
  return [...stdout.matchAll(/^(decision-\S+): ([\d.]+)/gm)].map(([, name = '', value]) => ({
    name,
    goal: name === 'decision-100k-over-10' ? { atMost: 2 } : null,
    value: spreadOf([Number(value)]),
  }));
}

/** Two servers at the same moderate pace, one of them with a store full of live calls. */
async function memory(bench: Bench): Promise<Figure[]> {
  await filledStore(bench, 'live', LIVE_CALLS, true);
  const idle = await referee(bench, 'idle', 'server', false);
  const live = await referee(bench, 'live', 'server', false);
  const rounds: { idle: number; live: number }[] = [];
  try {
    for (let round = 0; round < bench.rounds; round += 1) {
      await atEase(bench, idle);
      await atEase(bench, live);
      rounds.push({
        idle: await residentMiB(idle.server.pid),
        live: await residentMiB(live.server.pid),
      });
    }
    await checkStores([idle, live]);
  } finally {
    await stopAll([idle, live]);
  }
  const spread = (of: (each: (typeof rounds)[number]) => number) => spreadOf(rounds.map(of));
  return [
    {
      name: 'memory-100k-over-idle',
      goal: { atMost: 1.3 },
      value: spread((each) => each.live / each.idle),
    },
    { name: 'memory-idle', goal: null, value: spread((each) => each.idle), unit: 'MiB' },
    { name: 'memory-100k', goal: null, value: spread((each) => each.live), unit: 'MiB' },
  ];
}

async function history(bench: Bench): Promise<Figure[]> {
  await filledStore(bench, 'history', HISTORY_CALLS, false);
  const empty = await referee(bench, 'empty', 'server', false);
  const full = await referee(bench, 'history', 'server', false);
  const measured = await inTurn(bench, [empty, full]).finally(() => stopAll([empty, full]));
  const [e, h] = measured;
  return [
    // These are times per webhook, so the rates are inverted.
    { name: 'history-1m-over-empty', goal: { atMost: 1.2 }, value: ratioOf(e, h) },
    ...measured.flatMap(absolutes),
  ];
}

/** Uses the slowest of a dozen searches in each round. */
async function search(bench: Bench): Promise<Figure[]> {
  return [
    { name: 'search-1m-ms', goal: { atMost: 200 }, value: await searchOnSqlite(bench) },
    { name: 'search-1m-ms-postgres', goal: { atMost: 200 }, value: await searchOnPostgres(bench) },
  ];
}

async function peer(
  bench: Bench,
  name: string,
  cores: Cores,
  env: Record<string, string> = {},
): Promise<Contestant> {
  const file = name === 'floor' ? 'peer-floor.ts' : 'peer-sdk.ts';
  const server = await startPeer(bench, file, cores, env);
  return { name, server, sent: null, moves: env.BENCH_MOVES === '1' };
}

async function referee(
  bench: Bench,
  name: string,
  cores: Cores,
  moves: boolean,
  database?: string,
): Promise<Contestant> {
  const options = { name, cores, moves, ...(database === undefined ? {} : { database }) };
  const server = await startReferee(bench, options);
  return { name, server, sent: { accepted: {}, commands: {} }, moves };
}

async function stopAll(contestants: Contestant[]): Promise<void> {
  await Promise.all([...new Set(contestants.map(({ server }) => server))].map((s) => s.stop()));
}

function absolutes({ name, perSecond, cpuMicros }: Measured): Figure[] {
  return [
    { name: `${name}: webhooks`, goal: null, value: perSecond, unit: '/s' },
    { name: `${name}: CPU`, goal: null, value: cpuMicros, unit: 'µs a webhook' },
  ];
}
