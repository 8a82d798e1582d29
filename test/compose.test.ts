import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nacl from 'tweetnacl';
import { expect, onTestFinished, test } from 'vitest';
import { compose } from '../src/compose.ts';
import { readConfig } from '../src/config/config.ts';
import type { LogEventName } from '../src/log/events.ts';
import { freePort } from './helpers/free-port.ts';

async function environment() {
  const folder = await mkdtemp(join(tmpdir(), 'referee-compose-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'routes'));
  await writeFile(join(folder, 'routes/main.yaml'), 'otherwise: [ignore]\n');
  return {
    TELNYX_PUBLIC_KEY: Buffer.from(nacl.sign.keyPair().publicKey).toString('base64'),
    TELNYX_API_KEY: 'KEY_compose_test',
    TELNYX_API_URL: 'http://127.0.0.1:9/v2',
    HOST: '127.0.0.1',
    PORT: String(await freePort()),
    ADMIN_PORT: String(await freePort()),
    ADMIN_TOKEN: randomBytes(32).toString('base64'),
    ROUTES_DIR: join(folder, 'routes'),
    DATABASE_URL: `sqlite:${join(folder, 'referee.db')}`,
    ACCOUNT_CHECK_MINUTES: '0',
    DRAIN_DELAY_SECS: '0',
  };
}

// A start that fails in its last step leaves nothing open.
test.each<LogEventName>(['server.started', 'routes.loaded'])(
  'a fault while %s is logged closes both ports and the store',
  async (fault) => {
    const env = await environment();
    const faulty = {
      emit(event: LogEventName) {
        if (event === fault) throw new Error('a fault of ours');
      },
    };
    await expect(compose(readConfig(env), env, faulty)).rejects.toThrow('a fault of ours');
    for (const each of [env.PORT, env.ADMIN_PORT]) {
      await expect(fetch(`http://127.0.0.1:${each}/health/live`)).rejects.toThrow();
    }
    // The same files and ports can be used immediately.
    const service = await compose(readConfig(env), env, { emit() {} });
    await service.ready;
    await service.stop(0);
  },
);

test('routes and tokens that are both wrong are told together', async () => {
  const env = await environment();
  const tokens = join(env.ROUTES_DIR, '..', 'tokens.yaml');
  await writeFile(tokens, 'tokens: [ { name: anna } ]\n');
  await writeFile(join(env.ROUTES_DIR, 'main.yaml'), 'otherwise: [ { refer: gone } ]\n');
  const config = readConfig({ ...env, TOKENS_FILE: tokens });
  await expect(compose(config, env, { emit() {} })).rejects.toThrow(
    /unknown target "gone".*TOKENS_FILE cannot be used: 2 problems.*has no role/s,
  );
});

test('a drain delay that the whole stop has no time for is logged as what is left of it', async () => {
  const weak = { ADMIN_TOKEN: 'ab'.repeat(12) };
  const drain = { SHUTDOWN_TIMEOUT_SECS: '1', DRAIN_DELAY_SECS: '60' };
  const env = { ...(await environment()), ...drain, ...weak };
  const logged: [LogEventName, object][] = [];
  const log = {
    emit: (event: LogEventName, fields: object = {}) => void logged.push([event, fields]),
  };
  const service = await compose(readConfig(env), env, log);
  await service.ready;
  await service.stop();
  expect(logged).toContainEqual(['server.stopping', { drain_ms: 0 }]);
  // It was said at the start.
  const detail = expect.stringMatching(/^DRAIN_DELAY_SECS: 60 is cut to 0, .* more than 61,/);
  expect(logged).toContainEqual(['setting.limited', { detail }]);
  expect(logged).toContainEqual(['token.weak', { detail: expect.stringContaining('only 2') }]);
});
