/** `referee setup` against the simulator's account, as an operator runs it. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import type { AccountGiven } from '../../src/simulator/account/account.ts';
import { CONNECTION_ID } from '../../src/simulator/identity.ts';
import { createSimulator } from '../../src/simulator/simulator.ts';

const NUMBER = '+14155550100';
const TRUNK = '1494404757140276705';
const other = { id: TRUNK, connection_name: 'old-pbx' };

async function stage(account: AccountGiven) {
  const folder = await mkdtemp(join(tmpdir(), 'referee-setup-'));
  const server = createServer((_request, response) => void response.end('{"warnings":[]}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const simulator = createSimulator({ seed: 1, webhookUrl: `${url}/webhooks/telnyx`, account });
  const { apiUrl, publicKey } = await simulator.start();
  onTestFinished(async () => {
    await simulator.stop();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const undoFiles = async () =>
    (await readdir(folder)).filter((name) => name.startsWith('referee-setup-undo-'));

  async function run(
    args: string[],
    given: { env?: Record<string, string>; typed?: string | null; undoDir?: string } = {},
  ) {
    const written: string[] = [];
    const complained: string[] = [];
    const { env, typed = null, undoDir = folder } = given;
    const code = await runCli(['setup', '--undo-dir', undoDir, ...args], {
      stdout: { write: (text: string) => void written.push(text) },
      stderr: { write: (text: string) => void complained.push(text) },
      ...(typed === null ? {} : { stdin: Readable.from([typed]) }),
      env: {
        TELNYX_API_URL: apiUrl,
        TELNYX_API_KEY: simulator.apiKey,
        DATABASE_URL: `sqlite:${join(folder, 'none.db')}`,
        ROUTES_DIR: join(folder, 'no-routes'),
        NO_COLOR: '1',
        ...env,
      },
      isTTY: typed !== null,
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
    const bare = (texts: string[]) => texts.join('').replace(/\u001b\[[\d;]*[mK]/g, '');
    return { code, out: bare(written), err: bare(complained) };
  }
  const writes = () => simulator.accountWrites().map(({ method, path }) => `${method} ${path}`);
  const wanted = ['--url', url, '--number', NUMBER];
  return { folder, url, simulator, publicKey, run, writes, undoFiles, wanted };
}

const WRONG: AccountGiven = {
  applications: [{ webhook_api_version: '1', active: false }],
  connections: [other],
  numbers: [{ id: 'n1', phone_number: NUMBER, connection_id: null }],
};

describe('referee setup', () => {
  test('shows the plan, applies it, and prints the lines for .env; a second run has nothing to do', async () => {
    const { run, wanted, writes, simulator, publicKey, undoFiles } = await stage(WRONG);
    const ran = await run([...wanted, '--yes']);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain('~ webhook_api_version "1" -> "2"\n');
    expect(ran.out).toContain(`~ connection_id none -> ${CONNECTION_ID} ("Referee")\n`);
    expect(ran.out).toContain(
      `TELNYX_PUBLIC_KEY=${publicKey}\nTELNYX_CONNECTION_IDS=${CONNECTION_ID}\n`,
    );
    expect(ran.out).toMatch(/^ok +api_version/m);
    expect(writes()).toEqual([
      `PATCH /v2/call_control_applications/${CONNECTION_ID}`,
      'PATCH /v2/phone_numbers/n1',
    ]);
    expect(simulator.accountWrites()[0]?.body).toEqual({
      application_name: 'Referee',
      webhook_event_url: expect.stringContaining('/webhooks/telnyx'),
      webhook_api_version: '2',
      active: true,
      call_cost_in_webhooks: true,
    });
    const again = await run(wanted);
    expect(again).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining('nothing to do'),
    });
    expect(writes()).toHaveLength(2);
    expect(await undoFiles()).toHaveLength(1);
  });

  test('creates the application that is missing, and assigns the number to it', async () => {
    const { run, simulator, wanted } = await stage({ ...WRONG, applications: [] });
    const ran = await run([...wanted, '--app', 'Calls', '--yes', '--json']);
    const report = JSON.parse(ran.out);
    const [created] = simulator.account.applications;
    expect(created).toMatchObject({
      application_name: 'Calls',
      webhook_api_version: '2',
      call_cost_in_webhooks: true,
    });
    expect(simulator.account.numbers[0]?.connection_id).toBe(created?.id);
    expect(report).toMatchObject({
      result: 'done',
      application: { id: created?.id, name: 'Calls' },
      changes: [
        { type: 'create_application', state: 'done' },
        { type: 'assign_number', number: NUMBER, from: null, to: { id: created?.id } },
      ],
      env: { TELNYX_CONNECTION_IDS: created?.id },
    });
    expect(report.doctor.checks.length).toBeGreaterThan(10);
    // The undo file has the id that Telnyx assigned.
    expect(await readFile(report.undo_file, 'utf8')).toContain(`"id": "${created?.id}"`);
  });

  test('--undo puts back what the run changed, and has nothing to do the second time', async () => {
    const { run, folder, wanted, simulator, undoFiles } = await stage({
      ...WRONG,
      applications: [
        { webhook_api_version: '1', active: false, webhook_event_url: 'https://old.example.com/' },
      ],
      numbers: [{ id: 'n1', phone_number: NUMBER, connection_id: TRUNK }],
    });
    expect(await run([...wanted, '--app', 'Referee', '--take', '--yes'])).toMatchObject({
      code: 0,
    });
    expect(simulator.account.numbers[0]?.connection_id).toBe(CONNECTION_ID);
    const [file = ''] = await undoFiles();
    const undo = ['--undo', join(folder, file)];
    expect(await run([...undo, '--yes'])).toMatchObject({ code: 0, err: '' });
    expect(simulator.account.applications[0]).toMatchObject({
      webhook_api_version: '1',
      active: false,
      webhook_event_url: 'https://old.example.com/',
      call_cost_in_webhooks: false,
    });
    expect(simulator.account.numbers[0]?.connection_id).toBe(TRUNK);
    expect(await run(undo)).toMatchObject({
      code: 0,
      out: expect.stringContaining('nothing to do'),
    });
    expect(await undoFiles()).toHaveLength(1);
  });

  test('--undo gives a number back that went to the new application', async () => {
    const { run, folder, wanted, simulator, undoFiles } = await stage({
      ...WRONG,
      applications: [],
      numbers: [{ id: 'n1', phone_number: NUMBER, connection_id: TRUNK }],
    });
    expect(await run([...wanted, '--take', '--yes'])).toMatchObject({ code: 0, err: '' });
    const [created] = simulator.account.applications;
    expect(simulator.account.numbers[0]?.connection_id).toBe(created?.id);
    const [file = ''] = await undoFiles();
    const undone = await run(['--undo', join(folder, file), '--yes']);
    expect(undone).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining(`connection_id ${created?.id} ("Referee") -> ${TRUNK}`),
    });
    expect(simulator.account.numbers[0]?.connection_id).toBe(TRUNK);
    const again = await run(['--undo', join(folder, file)]);
    expect(again.out).toMatch(
      /"Referee" \(\d+\) stays[\s\S]*nothing of that run is left to put back/,
    );
  });

  test('--undo puts back the rest where Telnyx refuses one of the changes', async () => {
    const other = '+14155550133';
    const { run, folder, wanted, simulator, undoFiles } = await stage({
      ...WRONG,
      numbers: [
        { id: 'n1', phone_number: other, connection_id: '999999' },
        { id: 'n2', phone_number: NUMBER, connection_id: TRUNK },
      ],
    });
    await run([...wanted, '--number', other, '--take', '--yes']);
    const [file = ''] = await undoFiles();
    const undone = await run(['--undo', join(folder, file), '--yes']);
    // The first number's old connection no longer exists; the second number has its own back.
    expect(simulator.account.numbers.map((one) => one.connection_id)).toEqual([
      CONNECTION_ID,
      TRUNK,
    ]);
    expect(undone).toMatchObject({
      code: 1,
      out: expect.stringContaining('Telnyx refuses the others'),
    });
  });

  test('a public key that the API does not serve is left to the portal', async () => {
    const { run, wanted } = await stage({ ...WRONG, public_key: 'none' });
    const ran = await run([...wanted, '--yes']);
    expect(ran).toMatchObject({
      code: 0,
      out: expect.stringContaining('copy it from the Telnyx portal'),
    });
    expect(ran.out).not.toContain('TELNYX_PUBLIC_KEY=');
  });

  test('asks on a terminal, and only yes is a yes', async () => {
    const { run, wanted, writes, undoFiles } = await stage(WRONG);
    for (const typed of ['n\n', '\n', '']) {
      const ran = await run(wanted, { typed });
      expect(ran).toMatchObject({ code: 1, out: expect.stringContaining('Nothing was changed.') });
      expect(ran.err).toContain('Make these 2 changes in the Telnyx account? [y/N]');
    }
    expect([writes(), await undoFiles()]).toEqual([[], []]);
    expect(await run(wanted, { typed: 'y\n' })).toMatchObject({ code: 0 });
    expect(writes()).toHaveLength(2);
  });

  test('changes nothing without a terminal and --yes, but shows the plan', async () => {
    const { run, wanted, writes } = await stage(WRONG);
    expect(await run(wanted)).toMatchObject({ code: 1, out: expect.stringContaining('add --yes') });
    const json = await run([...wanted, '--json']);
    expect(JSON.parse(json.out)).toMatchObject({
      result: 'not_confirmed',
      changes: [{ state: 'planned' }, { state: 'planned' }],
    });
    expect([json.code, writes()]).toEqual([1, []]);
  });
});

interface BadRow {
  name: string;
  account: AccountGiven;
  args?: string[];
  env?: Record<string, string>;
  says: string;
}

const BAD: BadRow[] = [
  {
    name: 'a wrong key',
    account: WRONG,
    env: { TELNYX_API_KEY: 'KEY_of_somebody_else' },
    says: 'Check TELNYX_API_KEY',
  },
  {
    name: 'a key that may not read the applications',
    account: { ...WRONG, faults: [{ endpoint: 'call_control_applications', status: 403 }] },
    says: 'the permission to read the applications',
  },
  {
    name: 'a key that may not read the numbers',
    account: { ...WRONG, faults: [{ endpoint: 'phone_numbers', status: 403 }] },
    says: 'the permission to read the numbers',
  },
  {
    name: 'answers that are garbage',
    account: { ...WRONG, faults: [{ endpoint: '*', garbage: true }] },
    says: 'not Telnyx',
  },
  {
    name: 'a number that is not in the account',
    account: WRONG,
    args: ['--number', '+14155550199'],
    says: '+14155550199 is not a number of this account',
  },
  {
    name: 'a number of another connection without --take',
    account: { ...WRONG, numbers: [{ phone_number: NUMBER, connection_id: TRUNK }] },
    says: `another connection, ${TRUNK} ("old-pbx")`,
  },
  {
    name: 'two applications that match',
    account: { ...WRONG, applications: [{}, {}] },
    says: '2 applications have the webhook URL',
  },
  { name: 'no API key', account: WRONG, env: { TELNYX_API_KEY: '' }, says: 'TELNYX_API_KEY' },
  {
    name: 'no network',
    account: WRONG,
    env: { TELNYX_API_URL: 'http://127.0.0.1:9/v2' },
    says: 'Not read: the applications',
  },
];

describe('it changes nothing and exits 1', () => {
  test.each(BAD)('on $name', async ({ account, args = [], env = {}, says }) => {
    const { run, wanted, writes, undoFiles } = await stage(account);
    const ran = await run([...wanted, ...args, '--yes'], { env });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(says);
    expect(ran.err + ran.out).not.toContain('KEY_of_somebody_else');
    expect([writes(), await undoFiles()]).toEqual([[], []]);
  });

  test('where the account can no longer be read once somebody has agreed, and says that', async () => {
    const faults = [{ endpoint: 'phone_numbers', after: 1, status: 403 }];
    const { run, wanted, writes, undoFiles } = await stage({ ...WRONG, faults });
    const ran = await run(wanted, { typed: 'y\n' });
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('Not read: the numbers') });
    expect(ran.err).not.toContain('The account changed');
    expect([writes(), await undoFiles()]).toEqual([[], []]);
  });

  test('where the undo file cannot be written', async () => {
    const { run, wanted, writes, folder } = await stage(WRONG);
    const ran = await run([...wanted, '--yes'], { undoDir: join(folder, 'missing') });
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('--undo-dir') });
    expect(writes()).toEqual([]);
  });

  test.each(['{"referee_setup_undo":2}', '<html>', ''])('on the undo file %j', async (text) => {
    const { run, folder, writes } = await stage(WRONG);
    const file = join(folder, 'bad.json');
    await writeFile(file, text);
    const ran = await run(['--undo', file, '--yes']);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining(file) });
    expect(writes()).toEqual([]);
  });
});

describe('a failure in the middle', () => {
  const three: AccountGiven = {
    ...WRONG,
    numbers: [
      { id: 'n1', phone_number: NUMBER, connection_id: null },
      { id: 'n2', phone_number: '+14155550111', connection_id: null },
    ],
  };

  test.each([
    {
      name: 'an answer of 500 that reading disproves',
      faults: [{ endpoint: 'phone_numbers', method: 'PATCH', times: 1, status: 500 }],
      states: ['done', 'failed', 'not_tried'],
    },
    {
      name: 'a permission that is missing',
      faults: [{ endpoint: 'phone_numbers', method: 'PATCH', status: 403 }],
      states: ['done', 'failed', 'not_tried'],
    },
    {
      name: 'a network that is cut after the first of three writes',
      // The list of numbers is read for the plan; after that there are no more answers.
      faults: [{ endpoint: 'phone_numbers', after: 1, cut: 'before' as const }],
      states: ['done', 'unknown', 'not_tried'],
    },
    {
      name: 'an answer that is lost, of a write that was executed',
      faults: [
        { endpoint: 'phone_numbers', method: 'PATCH', times: 1, cut: 'after' as const },
        { endpoint: 'phone_numbers', method: 'PATCH', status: 403 },
      ],
      states: ['done', 'done', 'failed'],
    },
    {
      name: 'garbage instead of an answer',
      faults: [{ endpoint: 'phone_numbers', after: 1, times: 4, garbage: true }],
      states: ['done', 'unknown', 'not_tried'],
    },
  ])('says what stands and what does not: $name', async ({ faults, states }) => {
    const { run, wanted, simulator, undoFiles } = await stage({ ...three, faults });
    const args = [...wanted, '--number', '+14155550111', '--yes'];
    const ran = await run([...args, '--json']);
    const report = JSON.parse(ran.out);
    expect(report.changes.map(({ state }: { state: string }) => state)).toEqual(states);
    expect(report).toMatchObject({ result: 'failed', undo_file: expect.any(String) });
    expect(ran.code).toBe(1);
    expect(await undoFiles()).toHaveLength(1);
    // A second run finishes.
    simulator.account.faults.splice(0);
    expect(await run(args)).toMatchObject({ code: 0 });
    expect(simulator.account.numbers.map((one) => one.connection_id)).toEqual([
      CONNECTION_ID,
      CONNECTION_ID,
    ]);
  });

  test('in words: what is done stands, and how to go on or back', async () => {
    const faults = [{ endpoint: 'phone_numbers', method: 'PATCH', status: 403 }];
    const { run, wanted } = await stage({ ...WRONG, faults });
    const { out } = await run([...wanted, '--yes']);
    expect(out).toMatch(/^done +application "Referee": webhook_api_version/m);
    expect(out).toMatch(/^failed +number \+14155550100 assigned to .*403/m);
    expect(out).toMatch(
      /The changes that were made remain\. Run the same command again .*--undo \S+\.json/,
    );
  });
});

test.each([
  [['--number', NUMBER], '--url is required'],
  [['--url', 'calls.example.com'], 'expected https://host'],
  [['--url', 'http://calls.example.com'], 'expected https://host'],
  [['--url', 'https://calls.example.com/?a=1'], 'without user, query'],
  [['--url', 'https://calls.example.com', '--number', '4155550100'], '+14155550100'],
  [['--url', 'https://calls.example.com', '--app', ' '], 'a name or an id'],
  [
    ['--undo', 'file.json', '--url', 'https://calls.example.com'],
    '--undo can only be combined with --yes and --json',
  ],
])('wrong usage exits 2: %j', async (args, says) => {
  const err: string[] = [];
  const code = await runCli(['setup', ...args], {
    stdout: { write: () => {} },
    stderr: { write: (text: string) => void err.push(text) },
    env: {},
    isTTY: false,
  });
  expect([code, err.join('')]).toEqual([2, expect.stringContaining(says)]);
});
