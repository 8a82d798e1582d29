/** The compile cache of `bin/referee.js`, tested with a program that only prints where it is. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, truncateSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const BIN = join(import.meta.dirname, '../../bin/referee.js');
const PROGRAM = `import { flushCompileCache, getCompileCacheDir } from 'node:module';
export async function main([how]) {
  console.log(getCompileCacheDir() ?? 'none');
  flushCompileCache();
  if (how === 'killed') process.kill(process.pid, 'SIGKILL');
  return 0;
}
`;
const NOBODY = 65_534;

let folder: string;
let cache: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-compile-cache-'));
  cache = join(folder, 'node_modules/.cache/referee');
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'dist'));
  cpSync(BIN, join(folder, 'bin/referee.js'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'dist/main.js'), PROGRAM);
  chmodSync(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function run(how = '', { env = {}, uid }: { env?: NodeJS.ProcessEnv; uid?: number } = {}) {
  const { stdout, stderr, status, signal } = spawnSync(
    process.execPath,
    [join(folder, 'bin/referee.js'), how],
    { encoding: 'utf8', env, ...(uid === undefined ? {} : { uid, gid: uid }) },
  );
  expect(stderr).toBe('');
  expect(how === 'killed' ? signal : status).toBe(how === 'killed' ? 'SIGKILL' : 0);
  return stdout.trim();
}

const kept = () =>
  readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

test('it is kept beside the program, and a process that is killed leaves it whole', () => {
  expect(run('killed')).toContain(cache);
  const files = kept();
  expect(files.length).toBeGreaterThan(0);
  run();
  expect(kept().map(({ name }) => name)).toEqual(
    expect.arrayContaining(files.map((it) => it.name)),
  );
});

test('files that are cut are as good as none', () => {
  run();
  for (const { parentPath, name } of kept()) truncateSync(join(parentPath, name), 7);
  expect(run()).toContain(cache);
});

test.skipIf(process.getuid?.() === undefined)(
  'where nothing can be written it runs all the same, and says nothing',
  () => {
    chmodSync(folder, 0o555);
    const uid = process.getuid?.() === 0 ? NOBODY : undefined;
    expect(run('', uid === undefined ? {} : { uid })).toBe('none');
    expect(existsSync(cache)).toBe(false);
    chmodSync(folder, 0o755);
  },
);

test('NODE_DISABLE_COMPILE_CACHE switches it off, and NODE_COMPILE_CACHE names another place', () => {
  expect(run('', { env: { NODE_DISABLE_COMPILE_CACHE: '1' } })).toBe('none');
  const elsewhere = join(folder, 'elsewhere');
  expect(run('', { env: { NODE_COMPILE_CACHE: elsewhere } })).toContain(elsewhere);
  expect(existsSync(cache)).toBe(false);
});
