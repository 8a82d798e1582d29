/**
 * The effect of a reload on callers: a server that receives webhooks at a moderate pace loads a
 * changed set with a million list entries, 100,000 rows and 1,000 rules. Measures the longest block
 * of the event loop, the latency of webhooks and the memory, each compared with the same server
 * without a reload.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { ratiosOf, type Spread, spreadOf } from './bench.ts';
import { WEBHOOKS_OF_A_CALL } from './calls.ts';
import type { Figure } from './figures.ts';
import { CONNECTIONS, noteSent, quietApi } from './intake.ts';
import type { LoopDelay } from './loop-delay.ts';
import {
  ADMIN_TOKEN,
  checkStore,
  type RefereeServer,
  residentMiB,
  startReferee,
} from './referee.ts';

const ENTRIES = 1_000_000;
const ROWS = 100_000;
const RULES = 1_000;
const WEBHOOKS_A_SECOND = 250;
/** The period without a reload; long enough for a p99. */
const ALONE_SECONDS = 10;
/**
 * Four seconds, so that a call's next webhook never overtakes a command that waited for the reload.
 */
const LAG_CALLS = 200;
const LOOK_EVERY_MS = 20;

/** The measurements of one period. */
interface Stretch {
  stall: LoopDelay;
  p99Ms: number;
  /** Memory before the period, and its maximum. */
  memory: { before: number; peak: number };
  reloadMs: number;
}

export async function reloading(bench: Bench): Promise<Figure[]> {
  const routes = join(bench.folder, 'reload-routes');
  await writeRoutes(routes);
  const socket = join(bench.folder, 'loop.sock');
  const server = await startReferee(bench, {
    name: 'reload',
    nodeArgs: ['--import', join(import.meta.dirname, 'loop-delay.ts')],
    env: { ROUTES_DIR: routes, BENCH_LOOP_SOCKET: socket },
  });
  const sent = { accepted: {}, commands: {} };
  const alone: Stretch[] = [];
  const during: Stretch[] = [];
  try {
    // The first reloads let V8 compile our code, and show how long a reload takes.
    await stretch(ALONE_SECONDS, async () => {});
    let seconds = (await stretch(ALONE_SECONDS, reload)).reloadMs / 1000;
    for (let round = 0; round < bench.rounds; round += 1) {
      alone.push(await stretch(ALONE_SECONDS, async () => {}));
      const loaded = await stretch(seconds, reload);
      during.push(loaded);
      seconds = loaded.reloadMs / 1000;
      bench.note(`alone: ${wordsOf(alone.at(-1))}`);
      bench.note(`loading: ${wordsOf(loaded)}`);
    }
    await checkStore(server, sent, true);
  } finally {
    await server.stop();
  }
  return figuresOf(alone, during);

  async function stretch(seconds: number, work: () => Promise<void>): Promise<Stretch> {
    const calls = Math.ceil((seconds * WEBHOOKS_A_SECOND) / WEBHOOKS_OF_A_CALL.length);
    await bench.prepare({ calls, lagCalls: LAG_CALLS });
    await using memory = await watchMemory(server.pid);
    await loopDelay(socket);
    const rate = WEBHOOKS_A_SECOND;
    const running = bench.run({ port: server.port, connections: CONNECTIONS, rate });
    const startedAt = performance.now();
    await work();
    const reloadMs = performance.now() - startedAt;
    const done = await running;
    const stall = await loopDelay(socket);
    const others = Object.keys(done.statuses).filter((status) => status !== '200');
    if (others.length > 0) throw new Error(`answered ${JSON.stringify(done.statuses)}`);
    noteSent(sent, done, await quietApi(bench));
    const { before, peak } = memory;
    return { stall, p99Ms: done.latency.p99, memory: { before, peak }, reloadMs };
  }

  /** Resolves when the set is live and its files are stored, so nothing is left to do. */
  async function reload(): Promise<void> {
    const before = await keptLast(server);
    await writeRoutes(routes);
    process.kill(server.pid, 'SIGHUP');
    while ((await keptLast(server)) === before) await setTimeout(LOOK_EVERY_MS * 10);
  }
}

function figuresOf(alone: readonly Stretch[], during: readonly Stretch[]): Figure[] {
  const of = (all: readonly Stretch[], value: (each: Stretch) => number) => all.map(value);
  const p99 = ({ p99Ms }: Stretch) => p99Ms;
  const over = (of: keyof LoopDelay): Spread =>
    spreadOf(during.map(({ stall }, n) => stall[of] - (alone[n]?.stall[of] ?? 0)));
  const longest = (all: readonly Stretch[], of: keyof LoopDelay) =>
    spreadOf(all.map(({ stall }) => stall[of]));
  const before = of(during, ({ memory }) => memory.before);
  const peak = of(during, ({ memory }) => memory.peak);
  return [
    { name: 'reload-stall-ms', goal: { atMost: 50 }, value: over('ms') },
    { name: 'reload-memory', goal: { atMost: 2 }, value: ratiosOf(peak, before) },
    { name: 'reload-stall-cpu-ms', goal: null, value: over('cpuMs') },
    { name: 'reload: longest turn', goal: null, value: longest(during, 'ms'), unit: 'ms' },
    { name: 'reload: longest by CPU', goal: null, value: longest(during, 'cpuMs'), unit: 'ms' },
    { name: 'alone: longest turn', goal: null, value: longest(alone, 'ms'), unit: 'ms' },
    { name: 'alone: longest by CPU', goal: null, value: longest(alone, 'cpuMs'), unit: 'ms' },
    { name: 'reload: p99', goal: null, value: spreadOf(of(during, p99)), unit: 'ms' },
    { name: 'alone: p99', goal: null, value: spreadOf(of(alone, p99)), unit: 'ms' },
    { name: 'memory before', goal: null, value: spreadOf(before), unit: 'MiB' },
    { name: 'memory, peak', goal: null, value: spreadOf(peak), unit: 'MiB' },
    {
      name: 'a reload',
      goal: null,
      value: spreadOf(of(during, ({ reloadMs }) => reloadMs / 1000)),
      unit: 's',
    },
  ];
}

function wordsOf(stretch: Stretch | undefined): string {
  if (stretch === undefined) return '';
  const { stall, p99Ms, memory, reloadMs } = stretch;
  return `held for ${stall.ms.toFixed(0)} ms, ${stall.cpuMs.toFixed(0)} of CPU; p99 ${p99Ms.toFixed(1)} ms; ${memory.before.toFixed(0)} to ${memory.peak.toFixed(0)} MiB; ${(reloadMs / 1000).toFixed(1)} s`;
}

let sets = 0;

/** Writes a different set of the same size each time. */
async function writeRoutes(dir: string): Promise<void> {
  sets += 1;
  const number = (i: number) => String(i).padStart(7, '0');
  const lines = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => `${line(i)}\n`).join('');
  const rule = (i: number) =>
    `  - { name: number ${i}, when: { to: "+1212${number(i)}", from: "+1415${number(i)}" }, do: [{ refer: desk }] }`;
  await mkdir(join(dir, 'lists'), { recursive: true });
  await mkdir(join(dir, 'tables'), { recursive: true });
  await writeFile(
    join(dir, 'lists/blocked.txt'),
    lines(ENTRIES, (i) => `+1900${number(i + sets)}`),
  );
  await writeFile(
    join(dir, 'tables/extensions.csv'),
    `to,extension,site\n${lines(ROWS, (i) => `+4930${number(i)},${i + sets},berlin`)}`,
  );
  await writeFile(
    join(dir, 'main.yaml'),
    `targets:
  desk: { sip: "sip:desk@pbx.example.com" }
  extension: { sip: "sip:{row:extension}@pbx.example.com" }
  support: { sip: "sip:support@pbx.example.com", user_to_user: "{call_session_id}" }
lists: { blocked: { file: lists/blocked.txt } }
tables: { extensions: { file: tables/extensions.csv, key: to } }
policy:
  refers: { per_call: 5, per_hour: 100000, per_caller_per_hour: 100000 }
rules:
  - { name: blocked callers, when: { from: "list:blocked" }, do: [{ reject: busy }] }
  - { name: extensions, when: { table: extensions }, do: [{ refer: extension }] }
${lines(RULES, rule)}  - { name: support, when: { to: "+14155550100" }, do: [{ refer: support }] }
otherwise: [{ reject: declined }]
`,
  );
}

/** The hash of the route set that was stored last. */
async function keptLast({ port }: RefereeServer): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const url = `http://127.0.0.1:${port}/v1/routes/versions?limit=1`;
  const { versions } = (await (await fetch(url, { headers })).json()) as {
    versions: { hash: string }[];
  };
  return versions[0]?.hash;
}

async function loopDelay(socket: string): Promise<LoopDelay> {
  return JSON.parse(await text(connect(socket))) as LoopDelay;
}

async function watchMemory(pid: number): Promise<Stretch['memory'] & AsyncDisposable> {
  const before = await residentMiB(pid);
  let over = false;
  const memory = {
    before,
    peak: before,
    async [Symbol.asyncDispose]() {
      over = true;
      await watching;
    },
  };
  const watching = (async () => {
    while (!over) {
      memory.peak = Math.max(memory.peak, await residentMiB(pid));
      await setTimeout(LOOK_EVERY_MS);
    }
  })();
  return memory;
}
