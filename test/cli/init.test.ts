/** `referee init`: what it creates, and that existing files are not changed. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ownSource } from '../../src/cli/init/source.ts';
import { runCli } from '../../src/cli.ts';
import { execForm, parseDockerfile } from '../helpers/dockerfile.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-init-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function init(dir: string): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runCli(['init', dir], {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: {},
    isTTY: false,
  });
  return { code, out, err };
}

test('a new folder holds routes that pass their test, and everything around them', async () => {
  const dir = join(folder, 'Lines of Ours');
  const { code, out, err } = await init(dir);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const made = (await readdir(dir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)));
  expect(made).toEqual(
    expect.arrayContaining([
      ...['package.json', 'README.md', 'Dockerfile', 'tsconfig.json', '.env.example'],
      ...['.gitignore', '.dockerignore', '.nvmrc', '.github/workflows/routes.yml'],
      ...['routes/main.yaml', 'routes/handlers/account-manager.ts', 'routes/lists/blocked.txt'],
    ]),
  );
  for (const file of made) expect(out).toContain(`  ${file}\n`);

  // A line to paste; CI could not install from the checkout.
  expect(out).toContain(`Next: cd '${dir}' && npm install && npm test\n`);
  expect(out).toContain('CI and the Dockerfile need a version from the registry');

  const manifest = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({ name: 'lines-of-ours', scripts: { test: 'referee check' } });
  // Links point to the docs in the package.
  expect(await readFile(join(dir, 'routes/README.md'), 'utf8')).not.toContain('](../docs/');
});

describe('into a folder that has files', () => {
  test('none of them is touched, each is named, and the rest is made', async () => {
    const mine = { 'package.json': '{"name":"mine"}\n', 'README.md': 'Mine.\n', '.gitignore': '' };
    for (const [name, text] of Object.entries(mine)) await writeFile(join(folder, name), text);
    const { code, out } = await init(folder);
    expect(code).toBe(0);
    const left = out.slice(out.indexOf('Left alone'));
    for (const [name, text] of Object.entries(mine)) {
      expect(left).toContain(`  ${name}\n`);
      expect(await readFile(join(folder, name), 'utf8')).toBe(text);
    }
    expect(left).toContain('Your package.json lacks the dependency "telnyx-referee"');
    expect(await readdir(join(folder, 'routes'))).toContain('main.yaml');
  });

  test('routes of theirs get no rules of ours beside them', async () => {
    await mkdir(join(folder, 'routes'));
    await writeFile(join(folder, 'routes/theirs.yaml'), 'rules: []\n');
    const { code, out } = await init(folder);
    expect(code).toBe(0);
    expect(out).toMatch(/Left alone.*\n {2}routes\/\n/);
    expect(await readdir(join(folder, 'routes'))).toEqual(['theirs.yaml']);
  });

  test('a second run makes nothing', async () => {
    await init(folder);
    const { code, out } = await init(folder);
    expect(code).toBe(0);
    expect(out).not.toContain('Made in');
    expect(out).toMatch(/^Left alone/);
  });
});

test('where nothing can be made it says why and exits with 1', async () => {
  await writeFile(join(folder, 'file'), 'mine');
  const { code, out, err } = await init(join(folder, 'file'));
  expect(code).toBe(1);
  expect(err).toContain('referee init: not everything could be created: ');
  expect(out).not.toContain('Next');
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('mine');
});

test.runIf(process.platform === 'linux')(
  'a folder that the system cannot make is refused, not tried for ever',
  async () => {
    const { code, err } = await init('/proc/lines/of/ours');
    expect(code).toBe(1);
    expect(err).toMatch(/^referee init: not everything could be created: ENOENT.*'\/proc\/lines'/);
  },
);

describe('the dependency is the package that made it', () => {
  const VERSION = '1.2.3';
  async function installed(resolved: string | null): Promise<string> {
    const modules = join(folder, 'app/node_modules');
    await mkdir(join(modules, 'telnyx-referee'), { recursive: true });
    const root = join(modules, 'telnyx-referee');
    await writeFile(join(root, 'package.json'), JSON.stringify({ version: VERSION }));
    if (resolved !== null) {
      const packages = { 'node_modules/telnyx-referee': { resolved } };
      await writeFile(join(modules, '.package-lock.json'), JSON.stringify({ packages }));
    }
    await mkdir(join(folder, 'lines'));
    return ownSource(root, join(folder, 'lines'));
  }

  test.each([
    ['by npm', 'https://registry.npmjs.org/telnyx-referee/-/telnyx-referee-1.2.3.tgz', '^1.2.3'],
    [
      'by npm from a mirror',
      'https://npm.acme.example/telnyx-referee/-/telnyx-referee-1.2.3.tgz',
      '^1.2.3',
    ],
    ['by another package manager', null, '^1.2.3'],
    ['from a file', 'file:../telnyx-referee-1.2.3.tgz', 'file:../telnyx-referee-1.2.3.tgz'],
    [
      'from git',
      'git+ssh://git@git.acme.example/referee.git#abc',
      'git+ssh://git@git.acme.example/referee.git#abc',
    ],
  ])('installed %s', async (_, resolved, expected) => {
    expect(await installed(resolved)).toBe(expected);
  });
});

describe('the workflow', () => {
  interface Step {
    name?: string;
    run?: string;
    if?: string;
  }

  async function step(name: string): Promise<Step> {
    await init(folder);
    const text = await readFile(join(folder, '.github/workflows/routes.yml'), 'utf8');
    const { jobs } = parse(text) as { jobs: { routes: { steps: Step[] } } };
    const found = jobs.routes.steps.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no step ${name}`);
    return found;
  }

  test('is strict about the routes', async () => {
    expect((await step('Check')).run).toBe('npx referee check --strict');
  });

  /** Runs the step like GitHub. */
  async function replay(
    secrets: Record<string, string> = {},
  ): Promise<{ code: number; out: string; summary: string }> {
    const { run = '' } = await step('Replay recorded calls');
    const bin = join(folder, 'bin');
    await mkdir(bin);
    const scripts = {
      npx: '#!/bin/sh\necho "ran $*"\n',
      curl: '#!/bin/sh\nprintf "%s\\n" "$@" > fetched\ntouch calls.jsonl\n',
      git: '#!/bin/sh\nmkdir -p "$4"\n',
    };
    for (const [name, text] of Object.entries(scripts)) {
      await writeFile(join(bin, name), text);
      await chmod(join(bin, name), 0o755);
    }
    const summary = join(folder, 'summary');
    const env = {
      PATH: `${bin}:${process.env.PATH}`,
      GITHUB_STEP_SUMMARY: summary,
      RUNNER_TEMP: join(folder, 'tmp'),
      CALLS: 'calls.jsonl',
      BASE: 'abc',
      ...secrets,
    };
    return new Promise((resolve) => {
      execFile('bash', ['-ec', run], { cwd: folder, env }, async (error, out) => {
        const text = await readFile(summary, 'utf8').catch(() => '');
        resolve({ code: error === null ? 0 : 1, out, summary: text });
      });
    });
  }

  test('says that it skips the replay while there are no recorded calls', async () => {
    const { code, out } = await replay();
    expect(code).toBe(0);
    expect(out).toMatch(/^Replay is skipped: there is no calls\.jsonl/);
  });

  test('compares with the routes as they were, and posts what replay says', async () => {
    await writeFile(join(folder, 'calls.jsonl'), '');
    const { code, summary } = await replay();
    expect(code).toBe(0);
    expect(summary).toContain(
      `referee replay --calls calls.jsonl --routes routes --against ${join(folder, 'tmp/base/routes')}`,
    );
    expect(await readFile(join(folder, 'replay.md'), 'utf8')).toBe(summary);
  });

  test('fetches the recorded calls from where the server puts them', async () => {
    const secrets = { CALLS_URL: 'https://calls.example.com/week', CALLS_TOKEN: 'a token' };
    const { summary } = await replay(secrets);
    expect(summary).toContain('ran referee replay --calls calls.jsonl');
    const fetched = (await readFile(join(folder, 'fetched'), 'utf8')).split('\n');
    expect(fetched).toEqual(
      expect.arrayContaining([
        ...['--fail', '--output', 'calls.jsonl'],
        ...['--header', 'authorization: Bearer a token', 'https://calls.example.com/week'],
      ]),
    );
  });
});

test('the image copies nothing that its .dockerignore keeps away, and starts the server', async () => {
  await init(folder);
  const { stages } = parseDockerfile(await readFile(join(folder, 'Dockerfile'), 'utf8'));
  const instructions = stages.flatMap((stage) => stage.instructions);
  const ignore = await readFile(join(folder, '.dockerignore'), 'utf8');
  const sources = instructions
    .filter(({ keyword }) => keyword === 'COPY')
    .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
  expect(sources).toContain('routes');
  for (const source of sources) expect(ignore.split('\n')).toContain(`!${source}`);
  const last = (keyword: string) =>
    instructions.findLast((it) => it.keyword === keyword)?.rest ?? '';
  expect(execForm(last('ENTRYPOINT'))).toEqual(['node_modules/.bin/referee']);
  expect(last('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
});
