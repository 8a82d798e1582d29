/** The release workflow, as far as it can be tested without making a release. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';

const REPOSITORY = join(import.meta.dirname, '../..');

interface Job {
  permissions: Record<string, string>;
  needs?: string;
  steps: { uses?: string; run?: string; with?: Record<string, unknown> }[];
}

async function workflow(): Promise<{ on: unknown; jobs: Record<'package' | 'image', Job> }> {
  return parse(await readFile(join(REPOSITORY, '.github/workflows/release.yml'), 'utf8'));
}

test('a tag is tested before it is published, with provenance, and then becomes an image', async () => {
  const { on, jobs } = await workflow();
  expect(on).toEqual({ push: { tags: ['v*.*.*'] } });
  const runs = jobs.package.steps.map(({ run = '' }) => run);
  const at = (words: string) => runs.findIndex((run) => run.includes(words));
  expect(at('.ci/release')).toBeGreaterThan(-1);
  expect(at('.ci/run')).toBeGreaterThan(at('.ci/release'));
  expect(at('npm pack')).toBeGreaterThan(at('.ci/run'));
  const pack = runs[at('npm pack')] ?? '';
  expect(pack.indexOf('npm pack')).toBeGreaterThan(pack.indexOf('.ci/absolute-links.js'));
  expect(at('npm publish')).toBeGreaterThan(at('npm pack'));
  expect(runs[at('npm publish')]).toContain('--provenance');
  expect(jobs.package.permissions['id-token']).toBe('write');

  expect(jobs.image.needs).toBe('package');
  const build = jobs.image.steps.find(({ uses }) => uses?.startsWith('docker/build-push-action'));
  expect(build?.with).toMatchObject({ platforms: 'linux/amd64,linux/arm64', sbom: true });
});

test('its bill of materials has what production needs and nothing of development', async () => {
  const { jobs } = await workflow();
  const { run = '' } = jobs.package.steps.find(({ run }) => run?.includes('npm sbom')) ?? {};
  const [command = ''] = run.split(' > ');
  const text = execFileSync('sh', ['-c', command], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const { components } = JSON.parse(text) as { components: { name: string }[] };
  const names = components.map(({ name }) => name);
  expect(names).toContain('fastify');
  expect(names).toContain('sodium-native');
  expect(names).not.toContain('vitest');
});

test('every link of a packed document leads to a packed file, or to the repository', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'referee-links-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const kept = execFileSync('git', ['ls-files'], { cwd: REPOSITORY, encoding: 'utf8' });
  for (const file of kept.split('\n').filter((name) => name !== '' && !name.startsWith('test/'))) {
    await cp(join(REPOSITORY, file), join(folder, file));
  }
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8' });
  const url = 'https://git.example/owner/referee';
  run(process.execPath, '.ci/absolute-links.js', url, 'v1.2.3');

  const [{ files }] = JSON.parse(run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts'));
  const packed: string[] = files.map(({ path }: { path: string }) => path);
  const links: string[] = [];
  for (const file of packed.filter((name) => name.endsWith('.md'))) {
    const text = (await readFile(join(folder, file), 'utf8')).replace(/^ *```[\s\S]*?^ *```/gm, '');
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s#]+)/g)) {
      links.push(/^[a-z]+:/.test(link) ? link : join(file, '..', link).replace(/\/$/, ''));
    }
  }
  const leadsNowhere = links.filter(
    (link) =>
      !/^[a-z]+:/.test(link) &&
      !packed.some((file) => file === link || file.startsWith(`${link}/`)),
  );
  expect(leadsNowhere).toEqual([]);
  expect(links).toContain(`${url}/raw/v1.2.3/docs/images/overview.png`);
  expect(links).toContain(`${url}/tree/v1.2.3/docs/decisions`);
  expect(links).toContain(`${url}/blob/v1.2.3/src/core/machine/call.ts`);
  expect(links).toContain('docs/routes.md');
});

test('a tag that is not the version, or that the changelog does not know, is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'referee-release-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, '.ci'));
  await cp(join(REPOSITORY, '.ci/release'), join(folder, '.ci/release'));
  await writeFile(join(folder, 'package.json'), '{ "version": "1.2.0" }');
  const release = (tag: string) =>
    spawnSync('bash', ['.ci/release', tag], { cwd: folder, encoding: 'utf8' });

  await writeFile(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n\n- Later.\n');
  expect(release('v1.3.0').stderr).toContain(
    'The tag is v1.3.0, and package.json has version 1.2.0',
  );
  expect(release('v1.2.0').stderr).toContain('no section ## [1.2.0]');
  expect(release('v1.2.0').status).toBe(1);

  await writeFile(
    join(folder, 'CHANGELOG.md'),
    '## [Unreleased]\n\n- Later.\n\n## [1.2.0] - 2026-03-02\n\n### Added\n\n- Now.\n\n## [1.1.0]\n\n- Before.\n',
  );
  const { status, stdout } = release('v1.2.0');
  expect(status).toBe(0);
  expect(stdout.trim()).toBe('### Added\n\n- Now.');
});
