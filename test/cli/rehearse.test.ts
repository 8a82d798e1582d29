/** `referee rehearse` with the real server and the simulator: one call, from end to end. */
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { type Evidence, rehearsalOf } from '../../src/cli/rehearse/evidence.ts';
import { type Following, follow } from '../../src/cli/rehearse/follow.ts';
import { runRehearse } from '../../src/cli/rehearse.ts';
import { runCli } from '../../src/cli.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config/config.ts';
import { answersOf } from '../../src/core/account/open-questions.ts';
import type { AccountGiven } from '../../src/simulator/account/account.ts';
import type { FaultRates } from '../../src/simulator/faults.ts';
import { createSimulator } from '../../src/simulator/simulator.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';

const TOKEN = 'q1W8e2R7t3Y6u4I5o9P0-_aS';
const FROM = '+14155550111';
const TO = '+14155550100';
const ROUTES = `
targets: { desk: { sip: "sip:desk@pbx.example.com" } }
rules:
  - { name: support, when: { to: "${TO}" }, do: [ { refer: desk } ] }
otherwise: [ { reject: busy } ]
`;
const numbers = [FROM, TO, '+14155550133'].map((phone_number) => ({
  phone_number,
}));

/** Stopped at the end, because the cases that mostly wait run side by side. */
const staged: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const stop of staged) await stop();
});

async function stage(
  account: AccountGiven = {},
  { deaf = false, timeScale = 1, faults = {} as FaultRates } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'referee-rehearse-'));
  await mkdir(join(folder, 'routes'));
  await writeFile(join(folder, 'routes/main.yaml'), ROUTES);
  const simulator = createSimulator({
    seed: 3,
    webhookUrl: 'http://127.0.0.1:9/webhooks/telnyx',
    webhookRetryMs: [20, 20],
    // A webhook that a busy machine takes seconds for is not delivered again meanwhile.
    webhookTimeoutMs: PATIENCE_MS,
    timeScale,
    faults,
    account: { numbers, ...account },
  });
  const { apiUrl, publicKey } = await simulator.start();
  const env: Record<string, string> = {
    TELNYX_PUBLIC_KEY: publicKey,
    TELNYX_API_KEY: simulator.apiKey,
    TELNYX_API_URL: apiUrl,
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `sqlite:${join(folder, 'referee.db')}`,
    ROUTES_DIR: join(folder, 'routes'),
    ADMIN_TOKEN: TOKEN,
    ACCOUNT_CHECK_MINUTES: '0',
    DRAIN_DELAY_SECS: '0',
  };
  const service = await compose(readConfig(env), env, { emit: () => {} });
  staged.push(async () => {
    await service.stop(0);
    await simulator.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await service.ready;
  if (!deaf) simulator.setWebhookUrl(`${service.url}/webhooks/telnyx`);

  async function run(
    args: string[],
    given: { env?: Record<string, string>; typed?: string; server?: string } = {},
  ) {
    const out: string[] = [];
    const err: string[] = [];
    const server = given.server ?? service.url;
    const code = await runCli(['rehearse', '--server', server, ...args], {
      stdout: { write: (text: string) => void out.push(text) },
      stderr: { write: (text: string) => void err.push(text) },
      ...(given.typed === undefined ? {} : { stdin: Readable.from([given.typed]) }),
      env: { ...env, ...given.env },
      isTTY: given.typed !== undefined,
    });
    return { code, out: out.join(''), err: err.join('') };
  }
  const dials = () => simulator.accountWrites().filter(({ path }) => path === '/v2/calls').length;
  return { folder, simulator, run, dials, env, url: service.url };
}

describe.concurrent('referee rehearse', () => {
  test('places one call, follows it to its verdict, and reports what came when', async () => {
    const { run, folder, simulator, dials } = await stage();
    const save = join(folder, 'evidence.json');
    const ran = await run(['--from', FROM, '--to', TO, '--yes', '--json', '--save', save]);
    expect(ran.err).toContain('will ring');
    expect(ran.err).toContain('It costs money');
    expect([ran.code, dials()]).toEqual([0, 1]);
    const report = JSON.parse(ran.out);
    expect(report).toMatchObject({
      from: FROM,
      to: TO,
      ends: 'referred',
      unknown: [],
      attempts: [{ kind: 'refer', target: 'desk', verdict: 'completed' }],
    });
    const of = (leg: string) =>
      report.webhooks
        .filter((one: { leg: string }) => one.leg === leg)
        .map(({ type }: { type: string }) => type);
    expect(of('called')).toEqual([
      'call.initiated',
      'call.answered',
      'call.refer.started',
      'call.refer.completed',
      'call.hangup',
    ]);
    expect(of('calling')).toEqual(['call.initiated', 'call.answered', 'call.hangup']);
    // Each was delivered once, unless our server was so busy that it asked for another delivery.
    const sent = simulator.books().flatMap(({ webhooks }) => webhooks);
    expect(report.webhooks).toHaveLength(sent.length);
    for (const webhook of report.webhooks) {
      expect(webhook.delay_ms).toBeGreaterThanOrEqual(0);
      const statuses = sent.find(({ id }) => id === webhook.id)?.deliveries.map(statusOf) ?? [];
      expect(statuses.filter((status) => status !== 503)).toEqual([200]);
      expect(webhook).toMatchObject({
        duplicates: 0,
        deliveries: statuses.map((status) => ({
          status,
          timestamp: expect.stringMatching(/^\d{10}$/),
          errors: status === 200 ? [] : [expect.any(String)],
        })),
      });
    }
    expect(report.commands).toMatchObject([
      { action: 'answer', outcome: 'accepted', status: 200 },
      { action: 'refer', outcome: 'accepted', status: 200 },
    ]);
    const answer = (id: string) =>
      report.answers.find((one: { id: string }) => one.id === id)?.answer;
    expect(answer('hangup_after_refer')).toMatch(/^Yes: call\.hangup \(normal_clearing\)/);
    expect(answer('client_state_size')).toMatch(/^At least \d+ characters/);
    expect(answer('refer_headers')).toBeNull();
    const evidence = JSON.parse(await readFile(save, 'utf8'));
    expect(evidence).toMatchObject({ ends: 'referred', evidence: { called: { rule: 'support' } } });
    expect(JSON.stringify(evidence)).not.toContain(TOKEN);
    expect(simulator.books().every(({ endedAt }) => endedAt !== null)).toBe(true);
  });

  test('in words, of a call that is rejected and whose webhooks come twice', async () => {
    const { run } = await stage({}, { faults: { webhook_doubled: 1 } });
    const ran = await run(['--from', FROM, '--to', '+14155550133'], { typed: 'y\n' });
    expect(ran.code).toBe(0);
    expect(ran.err).toContain('Place the call? [y/N]');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
    const text = ran.out.replace(/\u001b\[\d+m/g, '');
    expect(text).toMatch(
      /\d\.\d{3} s {2}called {3}call\.initiated {2}\(-?\d+ ms after it occurred/,
    );
    expect(text).toMatch(/server {3}reject: accepted 200/);
    expect(text).toMatch(/called {3}call\.hangup user_busy/);
    expect(text).toContain('ends: rejected');
    expect(text).toContain('Which SIP message carries');
  });

  test('hangs up when its seconds are over', async () => {
    // With this scale a REFER rings for 24 seconds. A busy machine may need some to get there.
    const { run, simulator } = await stage({}, { timeScale: 60 });
    const ran = await run(['--from', FROM, '--to', TO, '--yes', '--secs', '10', '--json']);
    expect(ran.err).toContain('10 s are over: hanging up.');
    expect(JSON.parse(ran.out)).toMatchObject({ ends: 'unconfirmed' });
    expect(ran.code).toBe(0);
    expect(simulator.books().every(({ endedAt }) => endedAt !== null)).toBe(true);
  });

  test('Ctrl-C hangs up, and what was seen until then is reported', async () => {
    const { simulator, env, url } = await stage({}, { timeScale: 20 });
    const stopping = new AbortController();
    const out: string[] = [];
    const io = {
      stdout: { write: (text: string) => void out.push(text) },
      stderr: { write: (text: string) => void (text.startsWith('Placed') && stopping.abort()) },
      env,
      isTTY: false,
    };
    const options = { from: FROM, to: TO, secs: 60, server: url, yes: true, json: true };
    const code = await runRehearse(options, io, stopping.signal);
    // Whether our server knew of the call by then depends on milliseconds.
    expect([0, 1]).toContain(code);
    expect(JSON.parse(out.join(''))).toMatchObject({ from: FROM, to: TO });
    const [calling] = simulator.books();
    expect(calling?.requests).toContainEqual(
      expect.objectContaining({ action: 'hangup', executed: true }),
    );
  });

  test('Ctrl-C before the call places none, and leaves no file', async () => {
    const { folder, env, url, dials } = await stage();
    const stopping = new AbortController();
    const err: string[] = [];
    const io = {
      stdout: { write: () => {} },
      stderr: {
        write(text: string) {
          err.push(text);
          if (text.startsWith('This places')) stopping.abort();
        },
      },
      env,
      isTTY: false,
    };
    const save = join(folder, 'evidence.json');
    const options = { from: FROM, to: TO, secs: 60, server: url, yes: true, save };
    expect(await runRehearse(options, io, stopping.signal)).toBe(1);
    expect(err.join('')).toContain('Stopped: no call was placed.');
    expect([dials(), existsSync(save)]).toEqual([0, false]);
  });

  test('reports the call although the evidence cannot be written afterwards', async () => {
    const { folder, env, url } = await stage();
    const out: string[] = [];
    const err: string[] = [];
    const gone = join(folder, 'gone');
    await mkdir(gone);
    const io = {
      stdout: { write: (text: string) => void out.push(text) },
      stderr: {
        write(text: string) {
          err.push(text);
          if (text.startsWith('Placed')) rmSync(gone, { recursive: true });
        },
      },
      env,
      isTTY: false,
    };
    const save = join(gone, 'evidence.json');
    const options = { from: FROM, to: TO, secs: 60, server: url, yes: true, json: true, save };
    expect(await runRehearse(options, io, new AbortController().signal)).toBe(1);
    expect(JSON.parse(out.join(''))).toMatchObject({ ends: 'referred' });
    expect(err.join('')).toContain('The call was made; the evidence is not kept.');
  });

  test('a call that our server never hears of is said, and hung up', async () => {
    const { run, simulator } = await stage({}, { deaf: true });
    const ran = await run(['--from', FROM, '--to', TO, '--yes', '--secs', '5', '--json']);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(`never heard of a call to ${TO}`);
    expect(ran.err).toContain('5 s are over: hanging up.');
    expect(simulator.books().every(({ endedAt }) => endedAt !== null)).toBe(true);
    const { ends, webhooks } = JSON.parse(ran.out);
    expect(ends).toBeNull();
    // Telnyx's attempts to deliver, which were not answered.
    expect(webhooks).toContainEqual(
      expect.objectContaining({
        type: 'call.initiated',
        leg: 'called',
        received_at: null,
        deliveries: Array(3).fill(expect.objectContaining({ status: null, errors: ['75002'] })),
      }),
    );
  });
});

test('does not take the call of a customer, who calls at the same moment, for its own', async () => {
  const of = (id: string, from: string, direction: string) => ({
    call_control_id: id,
    from,
    direction,
    ended_at: '2026-03-02T15:00:00Z',
    timeline: [],
    legs: [],
  });
  const customer = of('customer', '+353861234567', 'incoming');
  const ours = of('ours', FROM, 'incoming');
  const details = [customer, ours, of('calling', FROM, 'outgoing')];
  let looks = 0;
  const server = {
    call: async (id: string) => details.find((one) => one.call_control_id === id) ?? null,
    calls: async () => ({ calls: looks++ === 0 ? [customer] : [ours, customer], next: null }),
  };
  const client = {
    hangUp: async () => ({ end: 'value', value: {} }),
    deliveries: async () => ({ end: 'denied', status: 403, why: 'no permission' }),
    clockOffMs: () => 0,
  };
  const followed = await follow({
    client,
    server,
    callingId: 'calling',
    from: FROM,
    to: TO,
    before: new Set<string>(),
    placedAt: Date.now(),
    secs: 60,
    signal: new AbortController().signal,
    say: () => {},
  } as unknown as Following);
  expect(followed.called?.call_control_id).toBe('ours');
});

test('what arrives while the delivery log is read was received', async () => {
  const entry = (id: string, type: string) => {
    const at = '2026-03-02T15:00:00.000Z';
    return { id, source: 'webhook', type, at, occurred_at: at, detail: {} };
  };
  const leg = (id: string, from: string, direction: string) => ({
    call_control_id: id,
    from,
    direction,
    ended_at: '2026-03-02T15:00:00Z',
    timeline: [entry(`${id}-hangup`, 'call.hangup')],
    attempts: [],
    legs: [],
  });
  const calling = leg('calling', FROM, 'outgoing');
  const called = leg('called', FROM, 'incoming');
  const server = {
    call: async (id: string) =>
      structuredClone([calling, called].find((one) => one.call_control_id === id)),
    calls: async () => ({ calls: [called], next: null }),
  };
  const delivered = (callId: string, id: string, type: string) => ({
    startedAt: Date.now(),
    eventType: type,
    attempts: [],
    webhook: { id, event_type: type, payload: { call_control_id: callId } },
  });
  const client = {
    hangUp: async () => ({ end: 'value', value: {} }),
    deliveries: async () => {
      calling.timeline.push(entry('cost', 'call.cost'));
      const value = [calling, called].flatMap(({ call_control_id: callId, timeline }) =>
        timeline.map(({ id, type }) => delivered(callId, id, type)),
      );
      return { end: 'value', value };
    },
    clockOffMs: () => 0,
  };
  const followed = await follow({
    client,
    server,
    callingId: 'calling',
    from: FROM,
    to: TO,
    before: new Set<string>(),
    placedAt: Date.now(),
    secs: 60,
    signal: new AbortController().signal,
    say: () => {},
  } as unknown as Following);
  const { webhooks } = rehearsalOf(followed);
  expect(webhooks.map(({ type }) => type)).toContain('call.cost');
  expect(webhooks.filter(({ receivedAt }) => receivedAt === null)).toEqual([]);
});

test('a clock of Telnyx that is ahead of ours puts no REFER before the answer', () => {
  const entry = { id: 'e', source: 'webhook', type: 'call.answered', detail: {} };
  const answered = {
    ...entry,
    at: '2026-03-02T15:00:00.000Z',
    occurred_at: '2026-03-02T15:00:02Z',
  };
  const detail = { command: 'c', action: 'refer', outcome: 'accepted', status: 200 };
  const sent = { ...entry, source: 'outcome', at: '2026-03-02T15:00:00.100Z', detail };
  const called = { call_control_id: 'called', timeline: [answered, sent], attempts: [] };
  const rehearsal = rehearsalOf({
    placedAt: 0,
    callingId: 'calling',
    calledId: 'called',
    calling: null,
    called,
    bLegs: [],
    deliveries: [],
  } as unknown as Evidence);
  const answers = answersOf(rehearsal);
  expect(answers.find(({ id }) => id === 'refer_before_answer')?.answer).toBeNull();
});

function statusOf({ status }: { status: number }): number {
  return status;
}

interface Row {
  name: string;
  account?: AccountGiven;
  args?: string[];
  env?: Record<string, string>;
  server?: string;
  typed?: string;
  says: string;
}

const yes = ['--from', FROM, '--to', TO, '--yes'];

const BAD: Row[] = [
  { name: 'nobody can be asked', args: ['--from', FROM, '--to', TO], says: 'Add --yes' },
  {
    name: 'the answer is no',
    args: ['--from', FROM, '--to', TO],
    typed: 'n\n',
    says: 'No call was placed',
  },
  {
    name: 'both numbers are one',
    args: ['--from', TO, '--to', TO, '--yes'],
    says: 'the same number',
  },
  {
    name: 'a number is not of the account',
    args: ['--from', FROM, '--to', '+14155550199', '--yes'],
    says: '+14155550199 is not a number of this account',
  },
  {
    name: 'a number leads elsewhere',
    account: {
      connections: [{ id: '149', connection_name: 'old-pbx' }],
      numbers: [{ phone_number: FROM }, { phone_number: TO, connection_id: '149' }],
    },
    says: `${TO} is assigned to no Call Control Application`,
  },
  {
    name: 'the application cannot call',
    account: { applications: [{ outbound: { outbound_voice_profile_id: null } }] },
    says: 'no outbound voice profile',
  },
  {
    name: 'the key is wrong',
    env: { TELNYX_API_KEY: 'KEY_of_another' },
    says: 'Check TELNYX_API_KEY',
  },
  {
    name: 'the numbers may not be read',
    account: { faults: [{ endpoint: 'phone_numbers', status: 403 }] },
    says: 'the permission to read the numbers',
  },
  {
    name: 'the server would ignore the call',
    env: { TELNYX_CONNECTION_IDS: '1494404757140276705' },
    says: 'which TELNYX_CONNECTION_IDS does not name',
  },
  { name: 'there is no ADMIN_TOKEN', env: { ADMIN_TOKEN: '' }, says: 'ADMIN_TOKEN is not set' },
  {
    name: 'the ADMIN_TOKEN is another',
    env: { ADMIN_TOKEN: 'w1W8e2R7t3Y6u4I5o9P0-_aS' },
    says: 'refuses ADMIN_TOKEN',
  },
  {
    name: 'no server runs',
    server: 'http://127.0.0.1:9',
    says: 'cannot be asked: http://127.0.0.1:9 does not answer',
  },
  { name: 'the evidence cannot be kept', args: [...yes, '--save', '/'], says: '--save' },
];

describe('it places no call and exits 1', () => {
  let usual: ReturnType<typeof stage> | null = null;
  const usualStage = () => {
    usual ??= stage();
    return usual;
  };

  test.each(BAD)('if $name', async ({ account, args = yes, says, ...given }) => {
    const { run, dials } = await (account === undefined ? usualStage() : stage(account));
    const ran = await run(args, given);
    expect(ran.err).toContain(says);
    expect([ran.code, dials()]).toEqual([1, 0]);
    expect(ran.err + ran.out).not.toContain('KEY_of_another');
  });
});

test.each([
  [{ endpoint: 'calls', status: 403 }, 'Telnyx did not place the call'],
  [{ endpoint: 'calls', cut: 'after' as const }, 'It is unknown whether the call was placed'],
  [{ endpoint: 'calls', garbage: true }, 'It is unknown whether the call was placed'],
])('a refused or unanswered call is said: %j', async (fault, says) => {
  const { run, folder } = await stage({ faults: [fault] });
  const save = join(folder, 'evidence.json');
  const ran = await run([...yes, '--save', save]);
  expect(ran).toMatchObject({ code: 1, err: expect.stringContaining(says) });
  // An empty file would refuse the next run.
  expect(existsSync(save)).toBe(false);
});

test.each([
  [['--from', FROM], '--to'],
  [['--from', '123', '--to', TO], '+14155550100'],
  [['--from', FROM, '--to', TO, '--secs', '1'], 'from 5 to 600'],
  [['--from', FROM, '--to', TO, '--server', 'here'], 'http://host:port'],
  [['--from', FROM, '--to', TO, '--what'], '--what'],
])('wrong usage exits 2: %j', async (args, says) => {
  const err: string[] = [];
  const code = await runCli(['rehearse', ...args], {
    stdout: { write: () => {} },
    stderr: { write: (text: string) => void err.push(text) },
    env: {},
    isTTY: false,
  });
  expect([code, err.join('')]).toEqual([2, expect.stringContaining(says)]);
});
