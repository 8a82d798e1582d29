/**
 * A user's steps with the package, from an empty folder to an upgrade. The tests build on each
 * other.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { emptyFolder, type Folder, folderAt, packedTarball } from '../helpers/package.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { eventually } from '../helpers/referee-process.ts';
import { API_KEY, TelnyxStandIn, type TestCall } from '../helpers/telnyx-stand-in.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
/** npm fetches what its cache lacks. */
const INSTALL_MS = 300_000;

let home: Folder;
let lines: Omit<Folder, 'remove'>;
let telnyx: TelnyxStandIn;
let tarball: string;
let version: string;

/** Runs what npx would find. npx itself takes longer than the command. */
const referee = (...args: string[]) => lines.run('node_modules/.bin/referee', ...args);

/** On a very busy machine an example's handler may take longer than its 50 ms. */
async function testsPass(): Promise<string> {
  let tested = await lines.run('npm', 'test');
  await eventually(
    async () => {
      if (tested.code !== 0) tested = await lines.run('npm', 'test');
      return tested.code === 0;
    },
    () => tested.stdout + tested.stderr,
    60_000,
  );
  return tested.stdout;
}

beforeAll(async () => {
  tarball = await packedTarball();
  home = await emptyFolder();
  lines = folderAt(join(home.path, 'lines'));
  telnyx = await new TelnyxStandIn().start();
  const manifest = await readFile(join(REPOSITORY, 'package.json'), 'utf8');
  version = (JSON.parse(manifest) as { version: string }).version;
}, 300_000);
afterAll(async () => {
  await telnyx?.stop();
  await home?.remove();
});

test(
  'it installs into an empty folder',
  async () => {
    const installed = await home.run('npm', 'install', tarball);
    expect(installed.stderr).not.toContain('EBADENGINE');
    expect(installed.code, installed.stderr).toBe(0);
    const { stdout } = await home.run('npx', 'referee', '--version');
    expect(stdout).toBe(`${version}\n`);
  },
  INSTALL_MS,
);

test(
  'init makes a repository for routes whose npm install and npm test are green',
  async () => {
    const made = await home.run('node_modules/.bin/referee', 'init', 'lines');
    expect(made.code, made.stderr).toBe(0);
    // The packages that were just installed, so that npm has to see that they are the ones asked
    // for, not to unpack a hundred and fifty again.
    await rename(join(home.path, 'node_modules'), join(lines.path, 'node_modules'));
    const installed = await lines.run('npm', 'install');
    expect(installed.code, installed.stderr).toBe(0);
    expect(await testsPass()).toMatch(/routes ok: .* examples pass/);
    const strict = await referee('check', '--strict');
    expect(strict.code, strict.stdout).toBe(0);
  },
  INSTALL_MS,
);

test('a handler with its type decides, and an editor finds nothing wrong with it', async () => {
  await writeFile(
    join(lines.path, 'routes/handlers/weekend.ts'),
    `import type { Handler, HandlerStep } from 'telnyx-referee';

const DESK: HandlerStep = { refer: 'support-eu', timeout: '20s' };
const handler: Handler = (call) => (call.to === '+14155550133' ? [DESK, 'hangup'] : undefined);
export default handler;
`,
  );
  const main = join(lines.path, 'routes/main.yaml');
  const text = await readFile(main, 'utf8');
  await writeFile(
    main,
    text.replace('rules:\n', 'rules:\n  - name: weekend\n    handler: handlers/weekend.ts\n\n'),
  );
  const route = ['route', '--from', '+353861234567', '--to', '+14155550133'];
  await expect
    .poll(async () => (await referee(...route)).stdout, { timeout: PATIENCE_MS })
    .toMatch(/weekend[\s\S]*refer support-eu {2}sip:support-eu@/);
  const checked = await lines.run(join(REPOSITORY, 'node_modules/.bin/tsc'), '-p', '.');
  expect(checked.stdout).toBe('');
}, 120_000);

test('the demo plays its callers', async () => {
  const { code, stdout } = await referee('demo');
  expect(stdout).toMatch(/11 calls, 11 ended as scripted/);
  expect(code).toBe(0);
}, 120_000);

test('completion and the schema come out of it', async () => {
  const { stdout } = await referee('completion', 'bash');
  expect(stdout).toContain('complete -F _referee referee');
  const schema = await referee('schema');
  expect(schema.stdout).toBe(await readFile(join(REPOSITORY, 'routes/routes.schema.json'), 'utf8'));
}, 120_000);

/**
 * The answer to a call's first webhook. A server on a busy machine may answer 503, "send it again",
 * which Telnyx does.
 */
async function answered(call: TestCall): Promise<number> {
  const initiated = call.event('call.initiated');
  let status = 503;
  await eventually(async () => {
    status = await telnyx.deliver(initiated);
    return status !== 503;
  }, 'an answer other than 503');
  return status;
}

/**
 * Starts `referee serve` of the folder's routes, lets its handler take a call, and stops it.
 * Returns the ids of the calls: on a busy machine the handler may miss its time, and then there are
 * several, of which it took the last.
 */
async function serveACall(): Promise<string[]> {
  const port = await freePort();
  const env = {
    ...lines.env,
    HOST: '127.0.0.1',
    PORT: String(port),
    TELNYX_PUBLIC_KEY: telnyx.publicKey,
    TELNYX_API_KEY: API_KEY,
    TELNYX_API_URL: telnyx.apiUrl,
    DRAIN_DELAY_SECS: '0',
    // The check would request an account that the stand-in does not have.
    ACCOUNT_CHECK_MINUTES: '0',
    WARM_UP_CALLS: '0',
    ADMIN_TOKEN: 'installed-package-admin-token-0123',
  };
  telnyx.webhookUrl = `http://127.0.0.1:${port}/webhooks/telnyx`;
  const server = spawn('node_modules/.bin/referee', ['serve'], { cwd: lines.path, env });
  let log = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (more) => (log += more));
  try {
    const ready = () =>
      fetch(`http://127.0.0.1:${port}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    await eventually(ready, () => `ready: ${log}`, 60_000);
    const page = await fetch(`http://127.0.0.1:${port}/assets/page/main.js`);
    expect(page.status).toBe(200);
    const calls: TestCall[] = [];
    const handled = async () => {
      const call = telnyx.call({ from: '+12125550142', to: '+14155550133' });
      calls.push(call);
      expect(await answered(call)).toBe(200);
      const headers = { authorization: `Bearer ${env.ADMIN_TOKEN}` };
      const url = `http://127.0.0.1:${port}/v1/calls/${encodeURIComponent(call.id)}`;
      const told = (await (await fetch(url, { headers })).json()) as { rule: string | null };
      return told.rule === 'weekend';
    };
    await eventually(handled, 'the handler takes a call');
    await calls.at(-1)?.next('answer');
    // Enough at once that the verifier's thread starts; it must agree.
    const more = Array.from({ length: 20 }, () =>
      answered(telnyx.call({ from: '+12125550143', to: '+14155550133' })),
    );
    expect(new Set(await Promise.all(more))).toEqual(new Set([200]));
    return calls.map(({ id }) => id);
  } finally {
    await stop(server);
    expect(server.exitCode, log).toBe(0);
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
}

test(
  'serve takes a signed webhook, and an upgrade keeps its calls',
  async () => {
    const served = await serveACall();
    expect(telnyx.problems).toEqual([]);
    const callId = served.at(-1) ?? '';
    const before = await referee('calls', callId, '--json');
    expect(JSON.parse(before.stdout)).toMatchObject({ call_control_id: callId, rule: 'weekend' });

    const upgraded = await lines.run('npm', 'install', await newerTarball());
    expect(upgraded.code, upgraded.stderr).toBe(0);
    expect((await referee('--version')).stdout).toBe('99.0.0\n');
    await testsPass();
    served.push(...(await serveACall()));
    const listed = await referee('calls', '--json', '--from', '+12125550142');
    const { calls } = JSON.parse(listed.stdout) as { calls: { call_control_id: string }[] };
    expect(calls.map((call) => call.call_control_id).sort()).toEqual(served.sort());
  },
  INSTALL_MS,
);

/** The same program under another version. */
async function newerTarball(): Promise<string> {
  const folder = join(home.path, 'newer');
  await mkdir(folder);
  execFileSync('tar', ['-xzf', tarball, '-C', folder]);
  const manifest = join(folder, 'package/package.json');
  const text = await readFile(manifest, 'utf8');
  await writeFile(manifest, text.replace(`"version": "${version}"`, '"version": "99.0.0"'));
  const packed = join(home.path, 'telnyx-referee-99.0.0.tgz');
  execFileSync('tar', ['-czf', packed, '-C', folder, 'package']);
  return packed;
}

test('the simulator plays in a vitest of theirs, as the documents show it', async () => {
  const document = await readFile(join(REPOSITORY, 'docs/routes-repository.md'), 'utf8');
  const [, file = '', text = ''] = /^```ts (test\/\S+)\n([\s\S]*?)^```/m.exec(document) ?? [];
  const port = String(await freePort());
  await mkdir(join(lines.path, 'test'));
  await writeFile(join(lines.path, file), text.replaceAll('3999', port));
  for (const name of ['vitest', '@types']) {
    const there = join(lines.path, 'node_modules', name);
    if (!existsSync(there)) await symlink(join(REPOSITORY, 'node_modules', name), there);
  }
  const vitest = join(REPOSITORY, 'node_modules/vitest/vitest.mjs');
  const played = await lines.run('node', vitest, 'run', '--root', lines.path);
  expect(played.code, played.stdout + played.stderr).toBe(0);
  expect(played.stdout).toMatch(/1 passed/);
}, 120_000);
