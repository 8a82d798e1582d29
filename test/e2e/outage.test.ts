/**
 * The server is killed while calls continue at Telnyx, and started again. Callers still waiting are
 * served, those who have hung up are listed as lost, and nothing is ever sent to a leg that has
 * ended.
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import type { AccountGiven } from '../../src/simulator/account/account.ts';
import type { CallScript } from '../../src/simulator/script.ts';
import { createSimulator, type PlacedCall, type Simulator } from '../../src/simulator/simulator.ts';
import { bundledProgram } from '../helpers/bundle.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { eventually, Referee, type Telnyx } from '../helpers/referee-process.ts';
import { type TcpProxy, tcpProxy } from '../helpers/tcp-proxy.ts';
import { API_KEY } from '../helpers/telnyx-stand-in.ts';
import { shared } from './scene.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const STEADY = '+14155550107';
const opened: { simulator: Simulator; referee: Referee; api: TcpProxy }[] = [];
const kept: string[] = [];

afterAll(async () => {
  for (const { simulator, referee, api } of opened) {
    expect(await referee.finish(), 'no secret and no full number was written').toEqual([]);
    await api.close();
    await simulator.stop();
  }
  for (const folder of kept) await rm(folder, { recursive: true, force: true });
});

async function open(account: AccountGiven = {}, seed = 1) {
  const simulator = createSimulator({
    apiKey: API_KEY,
    seed,
    // Deliveries are not repeated, so one that fails once is in Telnyx's list. None fails because
    // the machine is busy.
    webhookRetryMs: [],
    webhookTimeoutMs: PATIENCE_MS,
    account,
  });
  const { apiUrl, publicKey } = await simulator.start();
  const api = await tcpProxy({ host: '127.0.0.1', port: Number(new URL(apiUrl).port) });
  const telnyx: Telnyx = {
    apiUrl: `http://127.0.0.1:${api.port}/v2`,
    publicKey,
    set webhookUrl(url: string) {
      simulator.setWebhookUrl(url);
    },
  };
  const referee = await Referee.create(telnyx, { LOG_LEVEL: 'info' });
  opened.push({ simulator, referee, api });
  const env = {
    PATH: process.env.PATH ?? '',
    TELNYX_PUBLIC_KEY: publicKey,
    TELNYX_API_KEY: API_KEY,
    TELNYX_API_URL: apiUrl,
    DATABASE_URL: 'sqlite:referee.db',
    PBX_USER: 'referee',
    PBX_PASSWORD: 'correct-horse-battery-staple',
  };
  return { simulator, referee, api, env };
}

const RINGS: CallScript = {
  to: STEADY,
  refers: { result: 'completed', ringMs: 300 },
  callerHangup: { when: 'initiated', afterMs: 120_000 },
};
const LEAVES: CallScript = { to: STEADY, callerHangup: { when: 'initiated', afterMs: 100 } };

async function allDelivered(simulator: Simulator): Promise<void> {
  await eventually(
    () => simulator.unfinishedDeliveries() === 0,
    'every delivery has ended',
    30_000,
  );
}

async function lost(referee: Referee): Promise<{ call_control_id: string; from: string }[]> {
  const body = (await (await referee.api('/lost-callers?limit=500')).json()) as {
    lost_callers: { call_control_id: string; from: string }[];
  };
  return body.lost_callers;
}

function sentTo({ book }: PlacedCall): string[] {
  return book.requests.map(({ action }) => action);
}

async function command(
  referee: Referee,
  env: Record<string, string>,
  ...args: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [await bundledProgram(), 'recover', ...args], {
    cwd: referee.folder,
    env,
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    err += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, out, err };
}

/** A server that took a call and was killed, and its files as they were then. */
const killed = shared(async () => {
  const stage = await open();
  const { simulator, referee } = stage;
  await referee.start();
  const before = simulator.placeCall(RINGS);
  await before.ended;
  expect(await referee.ended(before.callControlId)).toMatchObject({ ends: 'referred' });
  await referee.kill();
  const files = await mkdtemp(join(tmpdir(), 'referee-killed-'));
  kept.push(files);
  await copyStore(referee.folder, files);
  return { ...stage, files };
});

async function copyStore(from: string, to: string): Promise<void> {
  const filter = (path: string) => path === from || basename(path).startsWith('referee.db');
  await cp(from, to, { recursive: true, filter });
}

test.concurrent('whoever waits is served, whoever has gone is listed until somebody takes note', async () => {
  const { simulator, referee, env } = await killed();
  const gone = simulator.placeCall({ ...LEAVES, from: '+14155560042' });
  const waits = simulator.placeCall(RINGS);
  await gone.ended;
  await allDelivered(simulator);

  // Run manually without a server: waiting callers are left to the server, and a dry run changes
  // nothing.
  const dry = await command(referee, env, '--dry-run', '--json', '--since', '1h');
  expect(dry.err).toBe('');
  expect(JSON.parse(dry.out)).toMatchObject({
    live: 1,
    recovered: 3,
    by_type: { 'call.initiated': 2, 'call.hangup': 1 },
    lost_callers: [{ from: '+14155560042', to: STEADY, call_control_id: gone.callControlId }],
    unknown_live: [],
    failed: null,
  });

  await referee.start();
  await waits.ended;
  expect(await referee.ended(waits.callControlId)).toMatchObject({
    ends: 'referred',
    rule: 'steady',
  });
  const missed = await referee.until(gone.callControlId, ({ ends }) => ends !== null);
  expect(missed).toMatchObject({ ends: 'missed', rule: null, attempts: [], phase: 'ended' });
  expect(missed.timeline.map(({ type }) => type)).toEqual(['call.initiated', 'call.hangup']);
  expect(missed.timeline.every((entry) => 'recovered' in entry && entry.recovered)).toBe(true);
  expect(sentTo(gone)).toEqual([]);

  expect((await lost(referee)).map(({ from }) => from)).toEqual(['+14155560042']);
  const path = `/lost-callers/${encodeURIComponent(gone.callControlId)}/ack`;
  expect((await referee.api(path, {})).status).toBe(200);
  expect((await referee.api(path, {})).status).toBe(200);
  expect(await lost(referee)).toEqual([]);
  expect((await referee.api('/lost-callers/v3:nobody/ack', {})).status).toBe(404);

  // Run manually beside the server: everything is already known.
  const again = await command(referee, env, '--json', '--since', '1h');
  expect(again.code, again.err).toBe(0);
  expect(JSON.parse(again.out)).toMatchObject({ recovered: 0, lost_callers: [], failed: null });
  const done = referee.output.split('\n').filter((line) => line.includes('"recovery.done"'));
  expect(done.map((line) => JSON.parse(line))).toMatchObject([{ lost_callers: 1 }]);
});

test.concurrent('whom a recovery by hand leaves to the next start is served by it', async () => {
  // No server has ever run on this store, so no heartbeat says since when webhooks are missing.
  const { simulator, referee, env } = await open({}, 5);
  simulator.setWebhookUrl('http://127.0.0.1:9/nobody-listens');
  const waits = simulator.placeCall(RINGS);
  await allDelivered(simulator);
  const dry = await command(referee, env, '--dry-run', '--json', '--since', '1h');
  expect(dry.err).toContain('referee.db: there is no such file, so nothing counts as stored');
  expect(dry.code).toBe(0);
  expect(JSON.parse(dry.out)).toMatchObject({ live: 1, recovered: 1, lost_callers: [] });
  expect(await readdir(referee.folder)).not.toContain('referee.db');

  const { code, err } = await command(referee, env, '--json', '--since', '1h');
  expect(err).toContain('1 event of waiting callers will be handled at the next start');
  expect(code).toBe(0);

  await referee.start();
  await waits.ended;
  expect(await referee.ended(waits.callControlId)).toMatchObject({
    ends: 'referred',
    rule: 'steady',
  });
});

test.concurrent('a recovery that is killed half-way is run again, and leaves nobody out', async () => {
  const { files } = await killed();
  const { simulator, referee } = await open({}, 2);
  await copyStore(files, referee.folder);
  simulator.setWebhookUrl('http://127.0.0.1:9/nobody-listens');
  const calls = Array.from({ length: 400 }, () => simulator.placeCall(LEAVES));
  await Promise.all(calls.map(({ ended }) => ended));
  await allDelivered(simulator);
  const waiting = simulator.placeCall(RINGS);
  await allDelivered(simulator);

  await referee.start();
  await eventually(async () => (await lost(referee)).length > 0, 'the first are found', 30_000);
  await referee.kill();
  await referee.start();
  await eventually(async () => (await lost(referee)).length === 400, 'all are found', 60_000);
  await waiting.ended;
  expect(await referee.ended(waiting.callControlId)).toMatchObject({ ends: 'referred' });
  expect(calls.flatMap(sentTo)).toEqual([]);
});

test.concurrent('where Telnyx does not say, webhooks are taken all the same, and one warning tells', async () => {
  const { files } = await killed();
  const { simulator, referee, env } = await open(
    { faults: [{ endpoint: 'webhook_deliveries', status: 403 }] },
    3,
  );
  await copyStore(files, referee.folder);
  await referee.start();
  await eventually(() => referee.output.includes('"recovery.failed"'), 'it says so', 30_000);
  const call = simulator.placeCall(RINGS);
  await call.ended;
  expect(await referee.ended(call.callControlId)).toMatchObject({ ends: 'referred' });
  const byHand = await command(referee, env, '--json');
  expect(byHand.code).toBe(1);
  expect(JSON.parse(byHand.out).failed).toContain('403');
  const warned = referee.output.split('\n').filter((line) => line.includes('"recovery.failed"'));
  expect(warned).toHaveLength(1);
});

test.concurrent('after a time in which Telnyx was out of reach it is asked what it could not deliver', async () => {
  const { simulator, referee, api } = await open({}, 4);
  await referee.start();
  const before = simulator.placeCall({ to: STEADY, refers: 'silent' });
  await referee.until(before.callControlId, ({ phase }) => phase === 'referring');
  await allDelivered(simulator);

  // The network is away in both directions.
  api.hold();
  simulator.setWebhookUrl('http://127.0.0.1:9/out-of-reach');
  const gone = simulator.placeCall({ ...LEAVES, from: '+14155560043' });
  const waits = simulator.placeCall(RINGS);
  await gone.ended;
  await allDelivered(simulator);
  await referee.api(`/calls/${encodeURIComponent(before.callControlId)}/hangup`, {});
  await eventually(() => referee.output.includes('"command.retry"'), 'no answer', 30_000);

  simulator.setWebhookUrl(`${referee.url}/webhooks/telnyx`);
  api.pass();
  await Promise.all([before.ended, waits.ended]);
  expect(await referee.ended(waits.callControlId)).toMatchObject({ ends: 'referred' });
  expect(await referee.ended(gone.callControlId)).toMatchObject({ ends: 'missed' });
  expect((await lost(referee)).map(({ from }) => from)).toEqual(['+14155560043']);
});
