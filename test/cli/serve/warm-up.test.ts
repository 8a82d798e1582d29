/** The warm-up: callers never wait for it, and it leaves nothing behind. */
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { warmUp } from '../../../src/cli/serve/warm-up.ts';
import { compose } from '../../../src/compose.ts';
import { readConfig } from '../../../src/config/config.ts';
import type { WarmUp } from '../../../src/engine/warming.ts';
import type { LogEventName } from '../../../src/log/events.ts';
import { waitFor } from '../../helpers/waiting.ts';
import { incomingCall, signedHeaders, telnyxKey } from '../../helpers/webhooks.ts';

const KEY = telnyxKey();
const NEVER = new AbortController().signal;

interface Line {
  event: LogEventName;
  fields: Record<string, unknown> | undefined;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-warm-up-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function settings(env: Record<string, string> = {}) {
  const folder = await newFolder();
  await mkdir(join(folder, 'routes'));
  await writeFile(join(folder, 'routes/main.yaml'), 'otherwise: [ignore]\n');
  return {
    TELNYX_PUBLIC_KEY: KEY.publicKey.toString('base64'),
    TELNYX_API_KEY: 'KEY_warm_up_test',
    TELNYX_API_URL: 'http://127.0.0.1:9/v2',
    HOST: '127.0.0.1',
    PORT: '0',
    ROUTES_DIR: join(folder, 'routes'),
    DATABASE_URL: `sqlite:${join(folder, 'referee.db')}`,
    ACCOUNT_CHECK_MINUTES: '0',
    DRAIN_DELAY_SECS: '0',
    ...env,
  };
}

function temporaryFolder(path: string): void {
  vi.stubEnv('TMPDIR', path);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
}

function keptLog() {
  const lines: Line[] = [];
  const emit = (event: LogEventName, fields?: Record<string, unknown>) => {
    lines.push({ event, fields });
  };
  return { lines, emit };
}

async function startWith(warming: WarmUp, given: Record<string, string> = {}) {
  const env = await settings(given);
  const service = await compose(readConfig(env), env, { emit() {} }, warming);
  onTestFinished(() => service.stop(0));
  await service.ready;
  const ready = async () => {
    const answer = await fetch(`${service.url}/health/ready`);
    const { reason } = (await answer.json()) as { reason?: string };
    return { status: answer.status, reason };
  };
  return { service, ready };
}

test('it plays its calls, and leaves no file', async () => {
  const config = readConfig(await settings({ WARM_UP_CALLS: '6' }));
  const temporary = await newFolder();
  temporaryFolder(temporary);
  const log = keptLog();
  await warmUp(config, log, NEVER);
  expect(log.lines).toEqual([
    { event: 'server.warm', fields: { calls: 6, ms: expect.any(Number) } },
  ]);
  expect(await readdir(temporary)).toEqual([]);
});

test('it ends when a caller comes, and leaves no file', async () => {
  const config = readConfig(await settings({ WARM_UP_CALLS: '1000' }));
  const temporary = await newFolder();
  temporaryFolder(temporary);
  const log = keptLog();
  const caller = new AbortController();
  const warming = warmUp(config, log, caller.signal);
  await waitFor(async () => expect(await readdir(temporary)).toHaveLength(1));
  caller.abort();
  await warming;
  expect(log.lines).toMatchObject([{ event: 'server.warm' }]);
  expect(log.lines[0]?.fields?.calls).toBeLessThan(1000);
  expect(await readdir(temporary)).toEqual([]);
});

test('without a folder to write to, the log says so and the start goes on', async () => {
  const config = readConfig(await settings());
  temporaryFolder(join(await newFolder(), 'missing'));
  const log = keptLog();
  await warmUp(config, log, NEVER);
  expect(log.lines).toMatchObject([{ event: 'server.not_warm' }]);
});

test('a database that cannot be opened there is not waited for', async () => {
  const config = readConfig(await settings());
  // Longer than SQLite allows for the path of a database.
  const long = join(await newFolder(), ...Array<string>(3).fill('x'.repeat(200)));
  await mkdir(long, { recursive: true });
  temporaryFolder(long);
  const log = keptLog();
  await warmUp(config, log, NEVER);
  expect(log.lines).toMatchObject([
    { event: 'server.not_warm', fields: { err: expect.any(Error) } },
  ]);
  expect(await readdir(long)).toEqual([]);
});

test('until it is over the server is not ready, but takes a webhook, which ends it', async () => {
  const over = Promise.withResolvers<void>();
  let signal: AbortSignal | undefined;
  const { service, ready } = await startWith((given) => {
    signal = given;
    return over.promise;
  });
  expect(await ready()).toMatchObject({ status: 503, reason: 'starting' });
  expect(signal?.aborted).toBe(false);

  const body = Buffer.from(incomingCall('v3:caller-in-the-warm-up'));
  const answer = await fetch(`${service.url}/webhooks/telnyx`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signedHeaders(KEY, body) },
    body,
  });
  expect(answer.status).toBe(200);
  expect(signal?.aborted).toBe(true);

  await waitFor(async () => expect(await ready()).toMatchObject({ status: 200 }));
  over.resolve();
});

test('a stop ends it, and waits for it', async () => {
  const { service } = await startWith(
    (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
  );
  await service.stop(0);
});

test('a stop that has only a second waits for it too', async () => {
  let closed = false;
  const closing: WarmUp = async (signal) => {
    await once(signal, 'abort');
    await setTimeout(100);
    closed = true;
  };
  const { service } = await startWith(closing, { SHUTDOWN_TIMEOUT_SECS: '1' });
  await service.stop(0);
  expect(closed).toBe(true);
});

test('a stop does not fail because of what it cannot close', async () => {
  const { service } = await startWith(() => new Promise(() => {}), { SHUTDOWN_TIMEOUT_SECS: '1' });
  await service.stop(0);
});
