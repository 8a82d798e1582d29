/**
 * The package for the suites that ask for it. It is packed at the first request, from a clean copy
 * of the checkout, so that the build neither needs nor leaves anything in the checkout itself.
 */
import { execFile, execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { openBroker } from './broker.ts';

declare module 'vitest' {
  interface ProvidedContext {
    packageBroker: string;
  }
}

const REPOSITORY = join(import.meta.dirname, '../..');

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-package-'));
  const broker = await openBroker(() => pack(folder));
  project.provide('packageBroker', broker.url);
  return async () => {
    await broker.close();
    await rm(folder, { recursive: true, force: true });
  };
}

async function pack(folder: string): Promise<string> {
  const checkout = join(folder, 'checkout');
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  for (const file of listed.split('\n').filter((line) => line !== '')) {
    await mkdir(dirname(join(checkout, file)), { recursive: true });
    await cp(join(REPOSITORY, file), join(checkout, file));
  }
  // The compiler finds packages above the checkout too, but npm would read all of those in it to
  // learn which are bundled.
  await symlink(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  // If this fails, the error contains npm's output, including the compiler's errors.
  await promisify(execFile)('npm', ['pack', '--pack-destination', folder], { cwd: checkout });
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  return join(folder, tarball);
}
