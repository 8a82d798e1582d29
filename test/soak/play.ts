/**
 * Plays a soak, from the first call to the result: real processes of the service, the Telnyx
 * simulator with its faults, calls at a steady rate, and processes killed on the way if requested.
 * At the end every call's record is compared with the service's data. The time is bounded: calls
 * that have not ended by then are reported.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chance } from '../../src/simulator/chance.ts';
import type { CallScript } from '../../src/simulator/script.ts';
import { createSimulator, type PlacedCall, type Simulator } from '../../src/simulator/simulator.ts';
import { differencesIn } from '../helpers/recorded.ts';
import { type Api, apiOf, LIVE_PHASES } from './api.ts';
import { violations, type Witnessed } from './check.ts';
import { openDatabase, type SoakDatabase } from './database.ts';
import { createNode, type ServiceNode } from './node.ts';
import type { SoakOptions } from './options.ts';
import { scriptOf } from './population.ts';
import { SOAK_ROUTES } from './routes.ts';

export interface SoakResult {
  seconds: number;
  calls: (Witnessed & { violations: string[] })[];
  /** Problems other than those of calls. */
  problems: string[];
  kills: number;
  /** Webhook deliveries by HTTP status; 0 without an answer. */
  statuses: Map<number, number>;
  /** Digests of the scripts and of all results. The same seed gives the same digests. */
  digests: { scripts: string; ends: string };
  /**
   * Calls whose hangup never reached us, and whose end was found by a probe or a refused command.
   */
  foundDead: number;
  logged: Map<string, number>;
  folder: string;
}

export interface Stage {
  simulator: Simulator;
  nodes: ServiceNode[];
  database: SoakDatabase;
  api: Api;
  folder: string;
  close(keepFolder: boolean): Promise<void>;
}

/**
 * Longer than any call should take: patience (25 s), a probe (15 s), the last prompt, a
 * postponement (15 s), three hangups (38 s).
 */
const CALL_WITHIN_MS = 150_000;
/**
 * If no webhook of a call reached the service, it cannot act on the call, so the caller hangs up.
 */
const RINGS_OUT_MS = 4_000;
const STORE_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 200;
const READERS = 24;
/** When processes are killed, Telnyx's own retries (15 s) bridge the gap. */
const KILL_EVERY_SECS = 6;

export async function playSoak(
  options: SoakOptions,
  tell: (text: string) => void = () => {},
): Promise<SoakResult> {
  const startedAt = performance.now();
  const stage = await setStage(options);
  let good = false;
  try {
    tell(
      `${options.replicas} × the service on ${stage.database.url.split(':')[0]}; ${stage.folder}`,
    );
    const placed = await placeAll(stage, options, tell);
    const rangOut = await untilNobodyWaits(stage, placed.calls, tell);
    await placed.killing;
    await untilDelivered(stage);
    const problems = await untilAllEnded(stage, tell);
    const calls = await gather(stage, placed.calls, rangOut);
    problems.push(...(await standing(stage, options)));
    problems.push(...(await differencesIn(stage.database.url)));
    const outcomes = calls.map(({ book, call }) => `${book.number}\t${book.fate}\t${call?.ends}`);
    await writeFile(join(stage.folder, 'ends.tsv'), `${outcomes.join('\n')}\n`);
    const result = {
      seconds: (performance.now() - startedAt) / 1000,
      calls,
      problems,
      kills: placed.kills(),
      statuses: statusesOf(stage.simulator),
      digests: {
        scripts: digest(placed.calls.map(({ script }) => JSON.stringify(script))),
        ends: digest(calls.map(classOf)),
      },
      foundDead: countDead(calls),
      logged: sum(stage.nodes.map(({ logged }) => logged)),
      folder: stage.folder,
    };
    good = problems.length === 0 && calls.every((call) => call.violations.length === 0);
    return result;
  } finally {
    await stage.close(options.keep || !good);
  }
}

export async function setStage(
  options: Pick<SoakOptions, 'seed' | 'faults' | 'database' | 'replicas' | 'spread' | 'program'>,
  env: Record<string, string> = {},
): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-soak-'));
  await mkdir(join(folder, 'routes'));
  await writeFile(join(folder, 'routes', 'main.yaml'), SOAK_ROUTES);
  const database = await openDatabase(options.database, folder);
  const simulator = createSimulator({
    seed: options.seed,
    // So that a second run with the same seed and database does not look like repeated deliveries.
    salt: `${options.seed} ${randomBytes(6).toString('hex')}`,
    faults: options.faults,
    spread: options.spread,
  });
  const { apiUrl, publicKey } = await simulator.start();
  const adminToken = randomBytes(24).toString('base64url');
  const nodes = await Promise.all(
    Array.from({ length: options.replicas }, (_, index) =>
      createNode(
        `node-${index + 1}`,
        folder,
        {
          TELNYX_PUBLIC_KEY: publicKey,
          TELNYX_API_KEY: simulator.apiKey,
          TELNYX_API_URL: apiUrl,
          DATABASE_URL: database.url,
          ADMIN_TOKEN: adminToken,
          ACCOUNT_CHECK_MINUTES: '0',
          DRAIN_DELAY_SECS: '0',
          ...env,
        },
        options.program,
      ),
    ),
  );
  // One after another, because a start takes a second of one core.
  for (const node of nodes) await node.start();
  simulator.setWebhookUrl(nodes.map(({ url }) => `${url}/webhooks/telnyx`));
  const api = apiOf(() => (nodes.find(({ up }) => up) ?? nodes[0])?.url ?? '', adminToken);
  return {
    simulator,
    nodes,
    database,
    api,
    folder,
    async close(keepFolder) {
      await Promise.all(nodes.map((node) => node.kill()));
      await simulator.stop();
      await database.drop();
      if (!keepFolder) await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Playing {
  placed: PlacedCall;
  script: CallScript;
}

async function placeAll(stage: Stage, options: SoakOptions, tell: (text: string) => void) {
  const { calls: count, seed, callsPerSecond } = options;
  const calls: Playing[] = [];
  let killing = Promise.resolve();
  let kills = 0;
  const startedAt = performance.now();
  const killEvery = Math.min(KILL_EVERY_SECS * callsPerSecond, count / 2);
  let killAt = options.kill ? Math.ceil(killEvery * (0.3 + chance(seed, 'kill', 0))) : Infinity;
  while (calls.length < count) {
    const due = Math.ceil(((performance.now() - startedAt) / 1000) * callsPerSecond);
    while (calls.length < Math.min(due, count)) {
      const script = scriptOf(seed, calls.length + 1);
      calls.push({ placed: stage.simulator.placeCall(script), script });
      if (options.roll && calls.length === Math.ceil(count / 2)) {
        killing = Promise.all([killing, rollAll(stage, tell)]).then(() => {});
      }
      if (calls.length < killAt) continue;
      kills += 1;
      killAt += Math.ceil(killEvery * (0.5 + chance(seed, 'kill', kills)));
      killing = Promise.all([killing, killOne(stage, seed, kills, tell)]).then(() => {});
    }
    await pause(20);
  }
  tell(`${count} calls placed in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  return { calls, killing, kills: () => kills };
}

/** Like an upgrade: SIGTERM, exit, start, and only then the next one. */
async function rollAll({ nodes }: Stage, tell: (text: string) => void): Promise<void> {
  for (const node of nodes) {
    const code = await node.stop();
    tell(`stopped ${node.url}, exit code ${code}`);
    if (code !== 0) node.errors.push(`${node.url}: a stop ended with exit code ${code}`);
    await node.start();
  }
}

async function killOne(
  { nodes }: Stage,
  seed: number,
  nth: number,
  tell: (text: string) => void,
): Promise<void> {
  const node = nodes[Math.floor(chance(seed, 'victim', nth) * nodes.length)];
  if (node === undefined || !node.up) return;
  await node.kill();
  const downMs = Math.round(100 + chance(seed, 'down', nth) * 2_000);
  tell(`killed ${node.url}, down for ${downMs} ms`);
  await pause(downMs);
  await node.start();
}

/**
 * Resolves when no caller is on the line any more, or the time is over, with the calls that we hung
 * up.
 */
async function untilNobodyWaits(
  stage: Stage,
  calls: Playing[],
  tell: (text: string) => void,
): Promise<Set<PlacedCall>> {
  const rangOut = new Set<PlacedCall>();
  const until = performance.now() + CALL_WITHIN_MS;
  let toldAt = performance.now();
  for (;;) {
    const waiting = calls.filter(({ placed }) => placed.book.fate === 'waiting' || isUp(placed));
    if (waiting.length === 0 || performance.now() > until) return rangOut;
    for (const { placed } of waiting) {
      const { heardOf, webhooks, placedAt } = placed.book;
      const nothingOnItsWay = webhooks.every(({ outcome }) => outcome !== 'pending');
      if (heardOf || !nothingOnItsWay || Date.now() - Date.parse(placedAt) < RINGS_OUT_MS) continue;
      rangOut.add(placed);
      placed.hangUp();
    }
    if (performance.now() - toldAt > 10_000) {
      toldAt = performance.now();
      tell(`${waiting.length} callers are on the line`);
      await stage.database.hurry();
    }
    await pause(LOOK_EVERY_MS);
  }
}

/** Whether the caller was moved but their leg is still live. */
function isUp({ book }: PlacedCall): boolean {
  return book.endedAt === null;
}

async function untilDelivered({ simulator }: Stage): Promise<void> {
  const until = performance.now() + 30_000;
  while (simulator.unfinishedDeliveries() > 0 && performance.now() < until)
    await pause(LOOK_EVERY_MS);
}

/**
 * Waits until all calls and B-legs have ended in our store; those whose hangup was lost are found
 * by probes.
 */
async function untilAllEnded(stage: Stage, tell: (text: string) => void): Promise<string[]> {
  const until = performance.now() + STORE_WITHIN_MS;
  for (;;) {
    const pages = await Promise.all(LIVE_PHASES.map((phase) => stage.api.inPhase(phase)));
    const live = pages.flat();
    if (live.length === 0) return [];
    tell(`${live.length} calls have not ended in our store`);
    if (performance.now() > until) {
      return live.map(({ call_control_id, phase }) => `${phase} for ever: ${call_control_id}`);
    }
    await stage.database.hurry();
    await pause(2_000);
  }
}

async function gather(stage: Stage, calls: Playing[], rangOut: Set<PlacedCall>) {
  const found: SoakResult['calls'] = [];
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let index = next++; index < calls.length; index = next++) {
      const playing = calls[index];
      if (playing === undefined) return;
      const { placed, script } = playing;
      const call = await stage.api.call(placed.callControlId);
      const witnessed = { book: placed.book, script, call, rangOut: rangOut.has(placed) };
      found[index] = { ...witnessed, violations: violations(witnessed) };
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return found;
}

/** Checks the service itself: still running, no unexpected errors, no strange answers. */
async function standing({ simulator, nodes, api }: Stage, options: SoakOptions): Promise<string[]> {
  const problems = nodes.flatMap(({ errors }) => errors.filter((line) => !FORESEEN.test(line)));
  for (const node of nodes) if (!node.up) problems.push(`${node.url} is down`);
  const strays = simulator.strayRequests().length;
  if (strays > 0) problems.push(`${strays} requests named no call of the simulator`);
  for (const [status, count] of statusesOf(simulator)) {
    if (status !== 200 && status !== 503 && status !== 0) {
      problems.push(`${count} webhooks were answered ${status}`);
    }
  }
  if (options.faults === 'none') {
    const failed = simulator
      .books()
      .flatMap(({ webhooks }) => webhooks.filter(({ outcome }) => outcome !== 'delivered'));
    if (failed.length > 0) problems.push(`${failed.length} webhooks were never taken`);
  }
  const pending = await leftInTheOutbox(api);
  if (pending > 0) problems.push(`${pending} commands are left in the outbox`);
  return problems;
}

/** A B-leg's hangup command may still be on its way shortly after all callers have left. */
async function leftInTheOutbox(api: Api): Promise<number> {
  const until = performance.now() + 30_000;
  for (;;) {
    const pending = await api.counter('referee_outbox_pending');
    if (pending === 0 || performance.now() > until) return pending;
    await pause(LOOK_EVERY_MS);
  }
}

/** Errors that the faults must cause, although nothing is wrong with the service. */
const FORESEEN = /"event":"(command\.unknown|call\.contradiction|call\.release_stuck)"/;

function statusesOf(simulator: Simulator): Map<number, number> {
  const statuses = new Map<number, number>();
  for (const { webhooks } of simulator.books()) {
    for (const { deliveries } of webhooks) {
      for (const { status } of deliveries) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }
  return statuses;
}

function countDead(calls: Witnessed[]): number {
  const words = /found dead by a probe|with “the call has ended”/;
  return calls.filter(({ call }) =>
    call?.timeline.some(({ notes }) => notes.some((note) => words.test(note))),
  ).length;
}

/**
 * The class of a call's end, which must be the same for the same seed. A caller who hangs up at the
 * time of the REFER may leave just before or just after it is accepted, so both count as one class.
 */
function classOf({ book, call }: Witnessed): string {
  const ends = call?.ends ?? 'unheard of';
  return `${book.fate} ${ends === 'abandoned' || ends === 'unconfirmed' ? 'gone' : ends}`;
}

function digest(lines: string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 12);
}

function sum(maps: Map<string, number>[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const map of maps) {
    for (const [key, count] of map) all.set(key, (all.get(key) ?? 0) + count);
  }
  return all;
}
