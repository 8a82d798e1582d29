/**
 * Webhooks per second, with several servers in turn: the throughput of each, and ratios round by
 * round.
 */
import { join } from 'node:path';
import type { Bench, Spread } from './bench.ts';
import { ratiosOf, spreadOf } from './bench.ts';
import { WEBHOOKS_OF_A_CALL } from './calls.ts';
import type { LoadDone } from './load.ts';
import { type Cores, type Server, startServer } from './processes.ts';
import { checkStore, cpuMs, type RefereeServer, type Sent } from './referee.ts';

export const CONNECTIONS = 64;
/** Long enough for the JIT compiler to have seen everything. */
export const WARM_CALLS = 4_000;

export interface Contestant {
  name: string;
  server: Server | RefereeServer;
  /** Null: the server stores nothing. */
  sent: Sent | null;
  moves: boolean;
  forged?: boolean;
}

export interface Measured {
  name: string;
  perSecond: Spread;
  rounds: number[];
  /** The server's CPU time per webhook, in microseconds, which depends least on other load. */
  cpuMicros: Spread;
  cpuRounds: number[];
}

/** Starts a server to compare with. */
export function startPeer(
  bench: Bench,
  file: string,
  cores: Cores,
  env: Record<string, string> = {},
): Promise<Server> {
  return startServer({
    args: [join(import.meta.dirname, file)],
    cores,
    log: join(bench.folder, `${file}-${Date.now()}-${Math.random()}.log`),
    env: { TELNYX_PUBLIC_KEY: bench.publicKey, TELNYX_API_URL: `${bench.apiUrl}/v2`, ...env },
    port(output) {
      const port = /^{"port":(\d+)}/m.exec(output)?.[1];
      return port === undefined ? null : Number(port);
    },
  });
}

/**
 * Measures in turn (A, B, A, B), so that other load affects all alike. Checks the stores at the
 * end.
 */
export async function inTurn(bench: Bench, contestants: Contestant[]): Promise<Measured[]> {
  const calls = new Map<string, number>();
  for (const contestant of contestants) {
    const warm = await slice(bench, contestant, WARM_CALLS);
    calls.set(contestant.name, Math.ceil((warm.rate * bench.seconds) / WEBHOOKS_OF_A_CALL.length));
  }
  const rounds = new Map<string, Slice[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const contestant of contestants) {
      const wanted = calls.get(contestant.name) ?? WARM_CALLS;
      // Warms up first: during the others' turns V8 returned memory, and taking it again must not
      // count.
      await slice(bench, contestant, Math.ceil(wanted / 2));
      const done = await slice(bench, contestant, wanted);
      rounds.get(contestant.name)?.push(done);
      bench.note(
        `${contestant.name}: ${done.rate.toFixed(0)}/s, ${done.cpu.toFixed(0)} µs of CPU each`,
      );
    }
  }
  await checkStores(contestants);
  return [...rounds].map(([name, all]) => {
    const rates = all.map(({ rate }) => rate);
    const cpus = all.map(({ cpu }) => cpu);
    return {
      name,
      perSecond: spreadOf(rates),
      rounds: rates,
      cpuMicros: spreadOf(cpus),
      cpuRounds: cpus,
    };
  });
}

export async function checkStores(contestants: Contestant[]): Promise<void> {
  for (const { server, sent, moves } of contestants) {
    if (sent !== null && 'database' in server) await checkStore(server, sent, moves);
  }
}

const EASE_A_SECOND = 500;

/** Sends webhooks at a moderate pace, for the duration of a slice. */
export async function atEase(bench: Bench, contestant: Contestant): Promise<void> {
  const { server, sent } = contestant;
  const calls = Math.ceil((bench.seconds * EASE_A_SECOND) / WEBHOOKS_OF_A_CALL.length);
  await bench.prepare({ calls, lagCalls: 50 });
  const done = await bench.run({
    port: server.port,
    connections: CONNECTIONS,
    rate: EASE_A_SECOND,
  });
  noteSent(sent, done, await commandsOf(bench, contestant));
}

interface Slice {
  rate: number;
  cpu: number;
}

/**
 * Sends the webhooks of this many calls as fast as they are answered. Resolves with answers per
 * second.
 */
async function slice(bench: Bench, contestant: Contestant, calls: number): Promise<Slice> {
  const { server, sent, forged } = contestant;
  await bench.prepare({ calls, forged: forged === true });
  const cpuBefore = await cpuMs(server.pid);
  const done = await bench.run({ port: server.port, connections: CONNECTIONS, rate: null });
  const wanted = forged === true ? 401 : 200;
  const others = Object.entries(done.statuses).filter(([status]) => Number(status) !== wanted);
  if (others.length > 0) {
    throw new Error(`${contestant.name} answered ${JSON.stringify(done.statuses)}`);
  }
  const commands = await commandsOf(bench, contestant);
  const cpu = ((await cpuMs(server.pid)) - cpuBefore) * 1000;
  noteSent(sent, done, commands);
  return { rate: (done.sent * 1000) / done.elapsedMs, cpu: cpu / done.sent };
}

/** A late command of another server's slice is not counted for one that moves nobody. */
async function commandsOf(bench: Bench, { moves }: Contestant): Promise<Record<string, number>> {
  const saw = await quietApi(bench);
  return moves ? saw : {};
}

/** Waits for commands still in flight after the last webhook, which belong to this slice. */
export async function quietApi(bench: Bench): Promise<Record<string, number>> {
  const total: Record<string, number> = {};
  for (;;) {
    const { actions, repeated } = await bench.apiSaw();
    if (repeated > 0) throw new Error(`${repeated} commands were sent twice`);
    add(total, actions);
    if (Object.keys(actions).length === 0) return total;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Records what the store must contain at the end. */
export function noteSent(
  sent: Sent | null,
  { accepted }: LoadDone,
  ...commands: Record<string, number>[]
): void {
  if (sent === null) return;
  add(sent.accepted, accepted);
  for (const each of commands) add(sent.commands, each);
}

function add(sum: Record<string, number>, more: Record<string, number>): void {
  for (const [name, n] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + n;
}

export function ratioOf(a: Measured | undefined, b: Measured | undefined): Spread {
  return ratiosOf(a?.rounds ?? [], b?.rounds ?? []);
}

/** The same ratio by CPU time, which holds better while others use the machine. */
export function cpuRatioOf(a: Measured | undefined, b: Measured | undefined): Spread {
  return ratiosOf(b?.cpuRounds ?? [], a?.cpuRounds ?? []);
}
