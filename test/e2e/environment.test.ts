import { execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const REFEREE = fileURLToPath(new URL('../../bin/referee.js', import.meta.url));

async function folderWith(routes: Record<string, string>): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), 'referee-env-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  await mkdir(join(cwd, 'routes'));
  for (const [name, text] of Object.entries(routes)) {
    await writeFile(join(cwd, 'routes', name), text);
  }
  return cwd;
}

async function serve(env: Record<string, string>, routes: Record<string, string> = {}) {
  const cwd = await folderWith(routes);
  return new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(process.execPath, [REFEREE, 'serve'], { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: stdout + stderr });
    });
  });
}

const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });

const GOOD = {
  TELNYX_PUBLIC_KEY: Buffer.from(x, 'base64url').toString('base64'),
  TELNYX_API_KEY: 'KEY_environment_test',
  PORT: '0',
  HOST: '127.0.0.1',
  ACCOUNT_CHECK_MINUTES: '0',
  WARM_UP_CALLS: '0',
};

test('a bad environment lists every problem at once, with no secret in it, and nothing starts', async () => {
  const { code, output } = await serve({
    TELNYX_PUBLIC_KEY: 'dG9vIHNob3J0',
    ADMIN_TOKEN: 'a-short-secret',
    TELNYX_API_URL: 'http://api.telnyx.example',
    PORT: 'eighty',
    DATABASE_URL: 'mysql://localhost/referee',
    LOG_LEVEL: 'loud',
    RETENTION_DAYS: '0',
  });
  expect(code).toBe(1);
  const names = [
    'TELNYX_PUBLIC_KEY',
    'TELNYX_API_KEY',
    'ADMIN_TOKEN',
    'TELNYX_API_URL',
    'PORT',
    'DATABASE_URL',
    'LOG_LEVEL',
    'RETENTION_DAYS',
  ];
  for (const name of names) expect(output).toMatch(new RegExp(`^ +- ${name}: `, 'm'));
  expect(output).not.toContain('a-short-secret');
});

test('bad variables, routes and tokens are all told by one start', async () => {
  const bad = { ...GOOD, PORT: 'eighty', ADMIN_TOKEN: 'short', TOKENS_FILE: 'routes/tokens.txt' };
  const files = {
    'main.yaml': 'otherwise: [ { refer: gone } ]\n',
    'tokens.txt': 'tokens: [ { name: anna, role: boss, sha256: a } ]\n',
  };
  const { code, output } = await serve(bad, files);
  expect(code).toBe(1);
  expect(output).toMatch(/^ +- PORT: expected a whole number/m);
  expect(output).toMatch(/^ +- ADMIN_TOKEN: /m);
  expect(output).toMatch(/^ +- main\.yaml:1:23 unknown target "gone"/m);
  expect(output).toMatch(/^ +- routes\/tokens\.txt:1:31: "role" cannot be "boss"/m);
});

test('a bad route file keeps the server from starting, and says where', async () => {
  const { code, output } = await serve(GOOD, {
    'main.yaml': 'rules:\n  - name: support\n    wen: { to: "+14155550100" }\n    do: [ hangup ]\n',
  });
  expect(code).toBe(1);
  expect(output).toMatch(/main\.yaml:3:\d+/);
  expect(output).toMatch(/unknown key "wen".*did you mean when\?/);
});

// Each round makes and collects garbage, after which V8 returns memory 0.1 s later.
const ROUNDS = `
  import { isMainThread } from 'node:worker_threads';
  if (isMainThread) setInterval(() => {
    Array.from({ length: 1e5 }, (_, i) => ({ i }));
    gc();
    console.error('round');
  }, 100);`;

test('memory is not given back in a pause between two bursts', async () => {
  const cwd = await folderWith({ 'main.yaml': 'otherwise: [ignore]\n' });
  const args = [
    '--expose-gc',
    '--trace-memory-reducer',
    '--gc-memory-reducer-start-delay-ms=100',
    '--import',
    `data:text/javascript,${encodeURIComponent(ROUNDS)}`,
    REFEREE,
    'serve',
  ];
  const child = spawn(process.execPath, args, { cwd, env: GOOD });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const sinceStart = () => output.split('"event":"server.started"')[1] ?? '';
  await expect
    .poll(() => sinceStart().split('round').length, { timeout: 20_000 })
    .toBeGreaterThan(20);
  child.kill('SIGTERM');
  expect(sinceStart()).not.toContain('Memory reducer');
});
