/** `referee doctor` against the simulator's account, as an operator runs it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import type { AccountGiven } from '../../src/simulator/account/account.ts';
import { CONNECTION_ID } from '../../src/simulator/identity.ts';
import { createSimulator } from '../../src/simulator/simulator.ts';
import { withFolder } from '../routing/routes-folder.ts';

const ROUTES = `
rules: [ { name: support, when: { to: "+14155550100" }, do: [ hangup ] } ]
otherwise: [ { reject: declined } ]
`;
const numbers = [{ phone_number: '+14155550100' }];

interface Ran {
  code: number;
  out: string;
  err: string;
  report: { ok: boolean; checks: Record<string, unknown>[] };
  writes: number;
}

async function doctor(
  account: AccountGiven,
  { args = ['--json'], env = {}, routes = ROUTES, isTTY = false, ready = 200 } = {} as {
    args?: string[];
    env?: Record<string, string>;
    /** Null: there is no folder yet, and none is named. */
    routes?: string | null;
    isTTY?: boolean;
    ready?: number;
  },
): Promise<Ran> {
  const server = createServer((_request, response) => {
    response.writeHead(ready, { 'content-type': 'application/json' });
    response.end('{"status":"ready","warnings":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const simulator = createSimulator({
    seed: 1,
    webhookUrl: `http://127.0.0.1:${port}/webhooks/telnyx`,
    account: { numbers, ...account, applications: applicationsOf(account) },
  });
  const { apiUrl, publicKey } = await simulator.start();
  onTestFinished(async () => {
    await simulator.stop();
    server.close();
  });
  return withFolder({ 'main.yaml': routes ?? '' }, async (dir) => {
    const written: string[] = [];
    const complained: string[] = [];
    const named = routes === null ? [] : ['--routes', dir];
    const code = await runCli(['doctor', ...named, ...args], {
      stdout: { write: (text: string) => void written.push(text) },
      stderr: { write: (text: string) => void complained.push(text) },
      env: {
        TELNYX_API_URL: apiUrl,
        TELNYX_API_KEY: simulator.apiKey,
        TELNYX_PUBLIC_KEY: publicKey,
        DATABASE_URL: `sqlite:${join(dir, 'none.db')}`,
        ROUTES_DIR: join(dir, 'none'),
        ...env,
      },
      isTTY,
    });
    const [out, err] = [written.join(''), complained.join('')];
    const report = args.includes('--json') && out !== '' ? JSON.parse(out) : { checks: [] };
    return { code, out, err, report, writes: simulator.accountWrites().length };
  });
}

/**
 * Correct except for what the test changes. Telnyx's default is not to report the cost of calls.
 */
function applicationsOf({ applications = [{}] }: AccountGiven) {
  return applications.map((one) => ({ call_cost_in_webhooks: true, ...one }));
}

const statusOf = ({ report }: Ran, check: string) =>
  report.checks.filter((one) => one.check === check).map(({ status }) => status);

describe('referee doctor', () => {
  test('says ok to a sound account, in the documented JSON, and changes nothing', async () => {
    const ran = await doctor({});
    expect(ran.report.checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(ran).toMatchObject({ code: 0, err: '', report: { ok: true }, writes: 0 });
    expect(ran.report.checks[0]).toEqual({
      check: 'api_key',
      about: null,
      status: 'ok',
      message: expect.any(String),
      fix: null,
    });
  });

  test('exits 1 on a problem, and says what, about whom and the fix', async () => {
    const ran = await doctor({ applications: [{ webhook_api_version: '1' }] });
    expect(ran).toMatchObject({ code: 1, report: { ok: false } });
    expect(ran.report.checks.find(({ status }) => status === 'problem')).toMatchObject({
      check: 'api_version',
      about: CONNECTION_ID,
      fix: expect.stringContaining('API version 2'),
    });
  });

  test('a warning alone is no reason to fail', async () => {
    const ran = await doctor({ applications: [{ call_cost_in_webhooks: false }] });
    expect(ran.code).toBe(0);
    expect(statusOf(ran, 'cost')).toEqual(['warning']);
  });

  test('a key without permission for one endpoint: that check is unknown, the others run', async () => {
    const ran = await doctor({ faults: [{ endpoint: 'balance', status: 403 }] });
    expect(statusOf(ran, 'balance')).toEqual(['unknown']);
    expect(statusOf(ran, 'numbers')).toEqual(['ok']);
    expect(ran.code).toBe(0);
  });

  test('a wrong key is one problem, not sixteen', async () => {
    const ran = await doctor({}, { env: { TELNYX_API_KEY: 'KEY_of_somebody_else' } });
    const problems = ran.report.checks.filter(({ status }) => status === 'problem');
    expect(problems.map(({ check }) => check)).toEqual(['api_key']);
    expect(ran.code).toBe(1);
    expect(ran.out).not.toContain('KEY_of_somebody_else');
  });

  test('without a network every check of the account is unknown', async () => {
    const env = { TELNYX_API_URL: 'http://127.0.0.1:9/v2' };
    const [ran, words] = await Promise.all([doctor({}, { env }), doctor({}, { args: [], env })]);
    expect(ran.report.checks.map(({ status }) => status)).not.toContain('problem');
    expect(statusOf(ran, 'api_key')).toEqual(['unknown']);
    expect(statusOf(ran, 'attestation')).toEqual(['ok']);
    expect(words.out).toMatch(/The account is ok as far as it could be checked: 0 problems/);
  });

  test('a wrong command line exits 2, since 1 is a problem of the account', async () => {
    expect((await doctor({}, { args: ['--bogus'] })).code).toBe(2);
  });

  test('routes that cannot be loaded make their checks unknown, and exit 1', async () => {
    const ran = await doctor({}, { routes: 'rules: 1\n' });
    expect(statusOf(ran, 'unrouted')).toEqual(['unknown']);
    expect(statusOf(ran, 'api_version')).toEqual(['ok']);
    expect(ran).toMatchObject({ code: 1, report: { ok: false } });
    expect(ran.err).toMatch(/^referee doctor: \S+ has problems, .*; run referee check\n$/);
  });

  test('before there are routes their checks are unknown, and that is no problem', async () => {
    const ran = await doctor({}, { routes: null });
    expect(statusOf(ran, 'unrouted')).toEqual(['unknown']);
    expect(ran).toMatchObject({ code: 0, err: '', report: { ok: true } });
  });

  test('--url is where webhooks should arrive, and must be an address', async () => {
    const other = await doctor({}, { args: ['--json', '--url', 'https://other.example.com'] });
    expect(statusOf(other, 'webhook_url')).toEqual(['problem']);
    for (const url of ['other', 'mailto:somebody@example.com', 'http://calls.example.com']) {
      const bad = await doctor({}, { args: ['--url', url] });
      expect(bad).toMatchObject({ code: 2, err: expect.stringContaining('expected https://host') });
    }
  });

  test('a server that is not ready is a problem', async () => {
    expect(statusOf(await doctor({}, { ready: 503 }), 'reachable')).toEqual(['problem']);
  });

  test('without a public key it names the one to set', async () => {
    const ran = await doctor({}, { env: { TELNYX_PUBLIC_KEY: '' } });
    expect(ran.report.checks.find(({ check }) => check === 'public_key')).toMatchObject({
      status: 'problem',
      fix: expect.stringMatching(/TELNYX_PUBLIC_KEY=[\w+/]{43}=/),
    });
  });

  test('3,000 numbers take seconds, with a line of progress on a terminal', {
    tags: ['long'],
  }, async () => {
    const many = Array.from({ length: 3_000 }, (_, index) => ({
      phone_number: `+1415${2_000_000 + index}`,
    }));
    const ran = await doctor({ numbers: many }, { args: [], isTTY: true });
    expect(ran.err).toContain('Reading numbers: 250 of 3000');
    expect(ran.out).toContain('3,000 numbers assigned');
    expect(ran.out).toContain('2,950 more numbers have no rule');
  });

  test('for people it is a line a check, the fix below it, and a verdict', async () => {
    const { out } = await doctor({ balance: { available_credit: '0.00' } }, { args: [] });
    expect(out).toMatch(/^problem balance +0\.00 USD are available\.\n +fix: Add funds/m);
    expect(out).toMatch(/The account is not ok: 1 problem, 0 warnings, 0 unknown\n$/);
  });
});
