/** The server's own check of its account: problems are reported, and nothing waits for it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config/config.ts';
import type { LogEventName } from '../../src/log/events.ts';
import { createSimulator } from '../../src/simulator/simulator.ts';

const TOKEN = 'q1W8e2R7t3Y6u4I5o9P0-_aS';

test('a wrong application is a log line and a problem on the page, and calls are taken all the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'referee-account-'));
  await mkdir(join(folder, 'routes'));
  await writeFile(join(folder, 'routes/main.yaml'), 'otherwise: [ { reject: declined } ]\n');
  const simulator = createSimulator({
    seed: 3,
    account: {
      applications: [
        { webhook_api_version: '1', webhook_event_url: 'https://pbx.example.com/webhooks/telnyx' },
      ],
    },
  });
  const { apiUrl, publicKey } = await simulator.start();
  const env = {
    TELNYX_PUBLIC_KEY: publicKey,
    TELNYX_API_KEY: simulator.apiKey,
    TELNYX_API_URL: apiUrl,
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `sqlite:${join(folder, 'referee.db')}`,
    ROUTES_DIR: join(folder, 'routes'),
    ADMIN_TOKEN: TOKEN,
    DRAIN_DELAY_SECS: '0',
  };
  const lines: { event: LogEventName; check: unknown }[] = [];
  const service = await compose(readConfig(env), env, {
    emit: (event, fields) => void lines.push({ event, check: fields?.check }),
  });
  onTestFinished(async () => {
    await service.stop(0);
    await simulator.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await service.ready;
  const problems = async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`${service.url}/v1/problems`, { headers });
    const body = (await response.json()) as { problems: { kind: string; detail: string }[] };
    return body.problems.filter(({ kind }) => kind === 'account.problem');
  };
  await expect.poll(problems, { timeout: 20_000 }).not.toEqual([]);
  expect(await problems()).toContainEqual(
    expect.objectContaining({
      severity: 'error',
      detail: expect.stringContaining('api_version'),
      fix: expect.stringContaining('API version 2'),
    }),
  );
  const told = lines.filter(({ event }) => event === 'account.problem');
  expect(told).toContainEqual({ event: 'account.problem', check: 'api_version' });
  // A server that reaches itself from inside proves nothing about the way from outside.
  expect(told.map(({ check }) => check)).not.toContain('reachable');
  const ready = async () => (await fetch(`${service.url}/health/ready`)).status;
  await expect.poll(ready, { timeout: 20_000 }).toBe(200);

  simulator.setWebhookUrl(`${service.url}/webhooks/telnyx`);
  const book = await simulator.placeCall().ended;
  expect(book.rejectedAs).toBe('CALL_REJECTED');
});

test('webhooks that only a proxy in front has missed are found by the look at the account', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'referee-account-'));
  await mkdir(join(folder, 'routes'));
  await writeFile(join(folder, 'routes/main.yaml'), 'otherwise: [ { reject: declined } ]\n');
  const simulator = createSimulator({ seed: 4, webhookRetryMs: [] });
  const { apiUrl, publicKey } = await simulator.start();
  const env = {
    TELNYX_PUBLIC_KEY: publicKey,
    TELNYX_API_KEY: simulator.apiKey,
    TELNYX_API_URL: apiUrl,
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `sqlite:${join(folder, 'referee.db')}`,
    ROUTES_DIR: join(folder, 'routes'),
    ADMIN_TOKEN: TOKEN,
    DRAIN_DELAY_SECS: '0',
  };
  // Nothing is known of an earlier server, so its start asks for nothing.
  simulator.setWebhookUrl('http://127.0.0.1:9/webhooks/telnyx');
  const from = '+14155560044';
  await simulator.placeCall({ from, callerHangup: { when: 'initiated', afterMs: 50 } }).ended;
  await expect.poll(() => simulator.unfinishedDeliveries(), { timeout: 20_000 }).toBe(0);
  const service = await compose(readConfig(env), env, { emit: () => {} });
  onTestFinished(async () => {
    await service.stop(0);
    await simulator.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const lost = async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`${service.url}/v1/lost-callers`, { headers });
    return ((await response.json()) as { lost_callers: { from: string }[] }).lost_callers;
  };
  await expect.poll(lost, { timeout: 20_000 }).toMatchObject([{ from }]);
});
