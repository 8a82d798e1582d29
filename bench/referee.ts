/** Our server as shipped: `referee serve` with its defaults, and its own store and routes. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { type Cores, REPOSITORY, type Server, startServer } from './processes.ts';

export const ADMIN_TOKEN = 'a-token-for-the-bench-alone';

/** Ten rules of a typical office; only the budgets are unusually high. */
const ROUTES = `
targets:
  support-us: { sip: "sip:support@pbx-us.example.com", user_to_user: "{call_session_id}" }
  support-eu: { sip: "sip:support@pbx-eu.example.com", user_to_user: "{call_session_id}" }
lists:
  blocked: ["+19005550100", "+1900*"]
schedules:
  always: { zone: America/New_York, open: ["mon-sun 00:00-24:00"] }
policy:
  refers: { per_call: 5, per_hour: 100000, per_caller_per_hour: 100000 }
rules:
  - { name: blocked callers, when: { from: "list:blocked" }, do: [{ reject: busy }] }
${Array.from(
  { length: 8 },
  (_, i) =>
    `  - { name: department ${i}, when: { to: "+1415555011${i}" }, do: [{ refer: support-eu }] }`,
).join('\n')}
  - name: support
    when: { to: "+14155550100", schedule: always }
    do:
      - refer: support-us
        if_failed: { not_allowed: [{ transfer: "+14155550199" }] }
      - refer: support-eu
      - say: Sorry, nobody can take your call right now.
      - hangup
otherwise: [{ reject: declined }]
`;
/** Nobody is moved: the calls belong to another application and are only recorded. */
const IGNORING = 'rules: []\notherwise: [ignore]\n';

export interface RefereeServer extends Server {
  /** Null if the store is not a file. */
  database: string | null;
  /** What the store contained before anything was sent. */
  held: { calls: number; events: number; ended: number };
}

export async function startReferee(
  bench: Bench,
  options: {
    name: string;
    cores?: Cores;
    env?: Record<string, string>;
    database?: string;
    moves?: boolean;
    nodeArgs?: string[];
  },
): Promise<RefereeServer> {
  const folder = join(bench.folder, options.name);
  const routes = join(folder, 'routes');
  await mkdir(routes, { recursive: true });
  await writeFile(join(routes, 'main.yaml'), options.moves === false ? IGNORING : ROUTES);
  const database = options.database ?? `sqlite:${join(folder, 'referee.db')}`;
  const server = await startServer({
    args: [...(options.nodeArgs ?? []), join(REPOSITORY, 'bin/referee.js'), 'serve'],
    cores: options.cores ?? 'server',
    log: join(folder, `server-${Date.now()}.log`),
    env: {
      TELNYX_PUBLIC_KEY: bench.publicKey,
      TELNYX_API_KEY: 'KEY-of-the-bench',
      TELNYX_API_URL: `${bench.apiUrl}/v2`,
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: database,
      ROUTES_DIR: routes,
      ADMIN_TOKEN,
      ACCOUNT_CHECK_MINUTES: '0',
      // Stopping is not measured.
      DRAIN_DELAY_SECS: '0',
      ...options.env,
    },
    port(output) {
      const line = /"event":"server.started"[^\n]*/.exec(output)?.[0];
      const port = /"url":"[^"]*:(\d+)"/.exec(line ?? '')?.[1];
      return port === undefined ? null : Number(port);
    },
  });
  await untilReady(server.port);
  const path = database.startsWith('sqlite:') ? database.slice('sqlite:'.length) : null;
  const held = path === null ? { calls: 0, events: 0, ended: 0 } : countsOf(path);
  return { ...server, database: path, held };
}

function countsOf(path: string): RefereeServer['held'] {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  const count = (sql: string) => Number(database.prepare(sql).get()?.n);
  const held = {
    calls: count('select count(*) n from calls'),
    events: count('select count(*) n from events'),
    ended: count("select count(*) n from calls where phase = 'ended'"),
  };
  database.close();
  return held;
}

async function untilReady(port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`);
    if (answer.ok) return;
    await setTimeout(20);
  }
  throw new Error('it does not become ready');
}

/** What has been sent so far, over all slices of a server's life. */
export interface Sent {
  /** Webhooks answered 200, by type. */
  accepted: Record<string, number>;
  /** Commands that the stand-in API received, by action. */
  commands: Record<string, number>;
}

/**
 * Waits for the last outcomes, then compares the store with what was sent; throws on any
 * difference.
 */
export async function checkStore(server: RefereeServer, sent: Sent, moves: boolean): Promise<void> {
  if (server.database === null) return;
  const database = new DatabaseSync(server.database, { readOnly: true, timeout: 5_000 });
  try {
    const count = (sql: string) => Number(database.prepare(sql).get()?.n);
    for (let tries = 0; tries < 500 && count('select count(*) n from commands') > 0; tries += 1) {
      await setTimeout(20);
    }
    const webhooks = Object.values(sent.accepted).reduce((a, b) => a + b, 0);
    const initiated = sent.accepted['call.initiated'] ?? 0;
    const ended = sent.accepted['call.hangup'] ?? 0;
    const commands = Object.values(sent.commands).reduce((a, b) => a + b, 0);
    const { held } = server;
    expect('calls', count('select count(*) n from calls'), held.calls + initiated);
    expect('commands left', count('select count(*) n from commands'), 0);
    expect('dead letters', count('select count(*) n from dead_letters'), 0);
    expect('events', count('select count(*) n from events'), held.events + webhooks + commands);
    expect(
      'ended',
      count("select count(*) n from calls where phase = 'ended'"),
      held.ended + ended,
    );
    if (!moves) return;
    // On a busy machine a webhook may overtake the command that causes it, and the command is then
    // cancelled. So a few commands may be missing, but there may never be one too many.
    few('answers sent', sent.commands.answer ?? 0, initiated);
    few('REFERs sent', sent.commands.refer ?? 0, sent.accepted['call.answered'] ?? 0);
    expect(
      'callers who arrived',
      count("select count(*) n from calls where ends = 'referred'"),
      ended,
    );
  } finally {
    database.close();
  }
}

const OVERTAKEN_SHARE_MAX = 0.05;

function few(what: string, got: number, most: number): void {
  if (got > most || got < most * (1 - OVERTAKEN_SHARE_MAX)) expect(what, got, most);
}

function expect(what: string, got: number, expected: number): void {
  if (got !== expected) throw new Error(`the store holds ${got} ${what}, expected ${expected}`);
}

export async function metricOf(port: number, line: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  const text = await answer.text();
  const found = text.split('\n').find((each) => each.startsWith(`${line} `));
  return Number(found?.split(' ').at(-1));
}

/** CPU time that a process has used with all its threads, in milliseconds (Linux). */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
}

/** USER_HZ is 100 on every current Linux. */
const CLOCK_TICK_MS = 10;

/** Resident memory of a process, in MiB (Linux). */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
