import { execFile, spawn } from 'node:child_process';
import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TestContext, test } from 'vitest';
import { SCRIPTS } from '../../src/simulator/scripts.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';

const REFEREE = fileURLToPath(new URL('../../bin/referee.js', import.meta.url));

/** Three demos start at once, which takes a busy machine a minute; then each of them plays. */
const DEMO = { timeout: 8 * PATIENCE_MS };

/** A separate temporary folder, so that leftovers are found. */
async function temporary({ onTestFinished }: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'demo-test-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function demo(context: TestContext, ...args: string[]) {
  const dir = await temporary(context);
  // A folder without routes or .env, because the demo brings its own.
  const options = { cwd: dir, env: { PATH: process.env.PATH, TMPDIR: dir } };
  const result = await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [REFEREE, 'demo', ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
  return { ...result, left: await readdir(dir) };
}

// The demo gives all of its calls less than half a minute, and fails if one has not ended by then.
test.concurrent(
  'the demo tells every call, and each ends as scripted in the time that it gives them',
  DEMO,
  async (context) => {
    const { expect } = context;
    const { code, stdout, stderr, left } = await demo(context);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(left).toEqual([]);
    // The output is not a terminal: no colours, no log lines.
    expect(stdout).not.toContain('\u001b');
    expect(stdout).not.toContain('"level"');
    for (const { name, title } of SCRIPTS) {
      expect(stdout).toContain(title);
      expect(stdout).toMatch(new RegExp(`^✓ .*${name}`, 'm'));
    }
    expect(stdout).toMatch(/support-us refuses \(486\) +· verdict busy → REFER to support-eu/);
    expect(stdout).toMatch(/took the caller.*so the call ended as referred/);
  },
);

test.concurrent('--json is one document with what became of each call', DEMO, async (context) => {
  const { expect } = context;
  const { code, stdout } = await demo(context, '--json');
  expect(code).toBe(0);
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({ ok: true, problems: [] });
  expect(document.calls).toHaveLength(SCRIPTS.length);
  for (const call of document.calls) {
    const { ends, rule, attempts } = call.expected;
    expect(call).toMatchObject({ ok: true, ends, rule, attempts });
  }
});

test.concurrent('Ctrl-C ends it at once, cleanly, and it says so', DEMO, async (context) => {
  const { expect, onTestFinished } = context;
  const dir = await temporary(context);
  const child = spawn(process.execPath, [REFEREE, 'demo'], {
    cwd: dir,
    env: { PATH: process.env.PATH, TMPDIR: dir },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  child.stdout.on('data', (chunk: Buffer) => {
    // The first caller is there: it is neither starting any more nor done.
    if (String(chunk).includes('#1')) child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(130);
  expect(errors).toBe('referee demo: stopped before the end; nothing of it is left.\n');
  expect(await readdir(dir)).toEqual([]);
});

test.concurrent(
  '--keep leaves both running, takes another call, and goes on Ctrl-C',
  DEMO,
  async (context) => {
    const { expect, onTestFinished } = context;
    const dir = await temporary(context);
    const child = spawn(process.execPath, [REFEREE, 'demo', '--keep'], {
      cwd: dir,
      env: { PATH: process.env.PATH, TMPDIR: dir },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const shown = (pattern: RegExp) => expect.poll(() => pattern.exec(output), DEMO).not.toBeNull();
    await shown(/All calls.*\/v1\/calls\n/);
    const [, token = ''] = /^Token +(\S+)$/m.exec(output) ?? [];
    const [, log = ''] = /^Server log +(\S+)$/m.exec(output) ?? [];
    await access(log);

    child.stdin.write('call +14155550123 +14155550100 busy,completed\n');
    await shown(/placed: \S+/);
    const [, url = ''] = /placed: (\S+)/.exec(output) ?? [];
    await expect
      .poll(async () => {
        const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
        return response.ok ? ((await response.json()) as { ends: string }).ends : null;
      })
      .toBe('referred');

    // As anybody writes a number, like everywhere else.
    child.stdin.write('call +1(415)555-0124 +1-415-555-0100 silent\n');
    await shown(/#13 placed: \S+/);
    child.stdin.write('hangup 13\nbooks\n');
    await shown(/#13 hangs up\n/);
    await shown(/#13 {2}\+14155550124 -> \+14155550100 {2}the caller hung up/);

    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    expect(await exited).toBe(0);
    expect(await readdir(dir)).toEqual([]);
  },
);

test.concurrent('a reader that goes ends it, and nothing is left behind', DEMO, async (context) => {
  const { expect, onTestFinished } = context;
  const dir = await temporary(context);
  const child = spawn(process.execPath, [REFEREE, 'demo'], {
    cwd: dir,
    env: { PATH: process.env.PATH, TMPDIR: dir },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.stdout.once('data', () => child.stdout.destroy());
  expect(await exited).toBe(141);
  expect(await readdir(dir)).toEqual([]);
});
