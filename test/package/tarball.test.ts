/** The contents of the package, and what package linters find in it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderAt, packedTarball } from '../helpers/package.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const BIN = join(REPOSITORY, 'node_modules/.bin');

let tarball: string;
let folder: string;
let unpacked: string;
let files: string[];
beforeAll(async () => {
  tarball = await packedTarball();
  folder = await mkdtemp(join(tmpdir(), 'referee-unpacked-'));
  execFileSync('tar', ['-xzf', tarball, '-C', folder]);
  unpacked = join(folder, 'package');
  files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '')
    .map((file) => file.replace('package/', ''));
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('it is smaller than 1.5 MB and holds the program, its types, its documents and the routes', () => {
  expect(statSync(tarball).size).toBeLessThan(1_500_000);
  expect([...new Set(files.map((file) => file.split('/')[0]))].sort()).toEqual(
    [
      '.env.example',
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'docker',
      'docs',
      'package.json',
      'routes',
    ].sort(),
  );
  const odd = files.filter(
    (file) => !/\.(js|js\.map|d\.ts|sql|css|svg|html|md|yaml|json|txt|csv|yml)$/.test(file),
  );
  expect(odd.filter((file) => !file.startsWith('dist/cli/init/template/'))).toEqual([
    'LICENSE',
    '.env.example',
    'routes/handlers/account-manager.ts',
  ]);
});

test('each file of the program says which source and line it was made of', () => {
  const own = files.filter((file) => file.startsWith('dist/') && file.endsWith('.js'));
  const built = own.filter((file) => !file.startsWith('dist/page/'));
  expect(built.length).toBeGreaterThan(200);
  for (const file of built) {
    const map = JSON.parse(readFileSync(join(unpacked, `${file}.map`), 'utf8')) as {
      sources: string[];
    };
    const source = file.replace(/^dist\//, '').replace(/\.js$/, '.ts');
    expect(join(file, '..', map.sources[0] ?? '')).toBe(`src/${source}`);
    expect(existsSync(join(REPOSITORY, 'src', source))).toBe(true);
  }
});

test('every file that the program reads at run time is in it', () => {
  const read = execFileSync('git', ['ls-files', 'src'], { cwd: REPOSITORY, encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '' && !file.endsWith('.ts'));
  expect(read).toContain('src/page/index.html');
  const missing = read.filter((file) => !files.includes(file.replace(/^src\//, 'dist/')));
  expect(missing).toEqual([]);
});

test('publint finds nothing', async () => {
  const { code, stdout, stderr } = await folderAt(folder).run(
    join(BIN, 'publint'),
    '--strict',
    tarball,
  );
  expect(`${stdout}${stderr}`).toContain('All good!');
  expect(code).toBe(0);
});

test('attw finds nothing', async () => {
  await cp(join(REPOSITORY, '.attw.json'), join(folder, '.attw.json'));
  const { code, stdout, stderr } = await folderAt(folder).run(
    join(BIN, 'attw'),
    tarball,
    '--format',
    'json',
  );
  const { problems = {} } = JSON.parse(stdout) as { problems?: Record<string, unknown> };
  const found = Object.keys(problems).filter(
    // CommonJS of an older Node, and resolution by TypeScript 4: neither runs on Node 24.
    (kind) => !['NoResolution', 'CJSResolvesToESM'].includes(kind),
  );
  expect(found, stderr).toEqual([]);
  expect(code).toBe(0);
}, 120_000);

const old = (process.env.PATH ?? '')
  .split(delimiter)
  .concat('/usr/local/bin', '/usr/bin')
  .map((path) => join(path, 'node'))
  .find((path) => existsSync(path) && version(path) < 24);

function version(node: string): number {
  return Number(/\d+/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[0]);
}

test.skipIf(old === undefined)(
  'a Node that is too old says which is needed and how to get it, here and in a package',
  async () => {
    const here = folderAt(folder);
    const checkout = await here.run(old ?? '', join(REPOSITORY, 'bin/referee.js'), 'check');
    expect(checkout.code).toBe(1);
    expect(checkout.stderr).toMatch(/needs Node 24 or newer, this is v\d+\.\d+\.\d+ \(.*node\)/);
    expect(checkout.stderr).toContain('npm ci');
    expect(checkout.stderr).not.toContain('nodejs.org');

    const installed = await here.run(old ?? '', join(unpacked, 'bin/referee.js'), 'check');
    expect(installed.code).toBe(1);
    expect(installed.stderr).toContain('needs Node 24 or newer');
    expect(installed.stderr).toContain('nodejs.org');
    expect(installed.stderr).not.toContain('checkout');
  },
);

test('a program of somebody else, checked in the strictest way, finds the types', async () => {
  const project = join(folder, 'project');
  await mkdir(join(project, 'node_modules'), { recursive: true });
  await symlink(unpacked, join(project, 'node_modules/telnyx-referee'));
  await mkdir(join(unpacked, 'node_modules'));
  await symlink(join(REPOSITORY, 'node_modules/typebox'), join(unpacked, 'node_modules/typebox'));
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(project, 'handler.ts'),
    `import type { Handler } from 'telnyx-referee';
const handler: Handler = (call, context) =>
  call.from === '+14155550101' && context.targets.includes('desk') ? [{ refer: 'desk' }] : undefined;
export default handler;
// @ts-expect-error: no step is called so
export const wrong: Handler = () => [{ refers: 'desk' }];
`,
  );
  await writeFile(
    join(project, 'simulated.ts'),
    `import { type CallBook, simulator } from 'telnyx-referee/simulator';
export async function fate(webhookUrl: string): Promise<CallBook['fate']> {
  const telnyx = simulator({ webhookUrl, timeScale: 0.1 });
  await telnyx.start();
  const { fate } = await telnyx.placeCall({ to: '+14155550100', refers: 'busy' }).ended;
  await telnyx.stop();
  return fate;
}
`,
  );
  const options = '--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --noEmit';
  for (const resolution of ['nodenext', 'bundler']) {
    const { stdout, code } = await folderAt(project).run(
      join(BIN, 'tsc'),
      ...options.split(' '),
      ...['--target', 'es2024', '--types', '', '--moduleResolution', resolution],
      ...['--module', resolution === 'nodenext' ? 'nodenext' : 'esnext'],
      'handler.ts',
      'simulated.ts',
    );
    expect(stdout).toBe('');
    expect(code).toBe(0);
  }
}, 120_000);
