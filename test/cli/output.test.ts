/** What a command does when nobody reads its output, it cannot be written, or it cannot begin. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { colours } from '../../src/cli/terminal/terminal.ts';
import { createSimulator } from '../../src/simulator/simulator.ts';

const NUMBER = { phone_number: '+14155550100', connection_id: null };
const BIN = join(import.meta.dirname, '../../bin/referee.js');

/** Exit code and stderr of `referee schema` with this standard output. */
async function schemaInto(stdout: 'closed pipe' | number) {
  const child = spawn(process.execPath, [BIN, 'schema'], {
    stdio: ['ignore', stdout === 'closed pipe' ? 'pipe' : stdout, 'pipe'],
  });
  child.stdout?.destroy();
  let err = '';
  child.stderr?.on('data', (chunk) => (err += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, err };
}

test('a reader who leaves early, such as head, ends it without a word', async () => {
  expect(await schemaInto('closed pipe')).toEqual({ code: 141, err: '' });
});

test.skipIf(!existsSync('/dev/full'))('a full disk is said, and the exit code is 1', async () => {
  const { code, err } = await schemaInto(openSync('/dev/full', 'w'));
  expect(code).toBe(1);
  expect(err).toMatch(/^referee schema: the output cannot be written: ENOSPC[^\n]*\n$/);
});

test('setup finishes what it has begun when its reader leaves', async () => {
  const simulator = createSimulator({ seed: 1, account: { applications: [], numbers: [NUMBER] } });
  const { apiUrl } = await simulator.start();
  const cwd = mkdtempSync(join(tmpdir(), 'referee-setup-'));
  onTestFinished(async () => {
    await simulator.stop();
    rmSync(cwd, { recursive: true });
  });
  const url = 'http://127.0.0.1:9';
  const args = ['setup', '--url', url, '--number', NUMBER.phone_number, '--yes'];
  const env = { TELNYX_API_URL: apiUrl, TELNYX_API_KEY: simulator.apiKey };
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env, stdio: 'pipe' });
  child.stdout.destroy();
  child.stderr.resume();
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect(code).toBe(0);
  expect(simulator.accountWrites().map(({ method }) => method)).toEqual(['POST', 'PATCH']);
});

test.each(['check', 'stats'])(
  '%s says in lines why .env cannot be read, without a stack',
  (name) => {
    const cwd = mkdtempSync(join(tmpdir(), 'referee-env-'));
    onTestFinished(() => rmSync(cwd, { recursive: true }));
    mkdirSync(join(cwd, '.env'));
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, name], {
      cwd,
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(
      new RegExp(
        `^referee ${name}: The environment file cannot be read: one problem\n  - .env: EISDIR`,
      ),
    );
    expect(stderr.trim().split('\n')).toHaveLength(2);
  },
);

test('colours are for a terminal whose user has nothing against them', () => {
  const io = { stdout: process.stdout, stderr: process.stderr, isTTY: true };
  expect(colours({ ...io, env: {} }).red('x')).toBe('\u001b[31mx\u001b[0m');
  expect(colours({ ...io, env: { NO_COLOR: '' } }).red('x')).toBe('\u001b[31mx\u001b[0m');
  expect(colours({ ...io, env: { NO_COLOR: '1' } }).red('x')).toBe('x');
  expect(colours({ ...io, env: {}, isTTY: false }).red('x')).toBe('x');
});
