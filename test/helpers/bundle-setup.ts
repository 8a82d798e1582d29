/**
 * The server in few files, for the suites that start it as a process. It is bundled at the first
 * request. Nearly all of a start is loading 1,900 files, and the tests start hundreds of servers.
 */
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';
import type { TestProject } from 'vitest/node';
import { openBroker } from './broker.ts';

declare module 'vitest' {
  interface ProvidedContext {
    bundleBroker: string;
  }
}

const REPOSITORY = join(import.meta.dirname, '../..');
/** They look for files or modules beside their own. */
const NOT_BUNDLED = ['pg', 'pino'];

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-bundle-'));
  const broker = await openBroker(() => bundle(folder));
  project.provide('bundleBroker', broker.url);
  return async () => {
    await broker.close();
    await rm(folder, { recursive: true, force: true });
  };
}

/** Resolves with the path of the program. Like the package, it has `bin/` and `dist/`. */
async function bundle(folder: string): Promise<string> {
  // One test starts it as another user.
  await chmod(folder, 0o755);
  for (const name of ['bin', 'node_modules']) await mkdir(join(folder, name));
  for (const name of NOT_BUNDLED) {
    await symlink(join(REPOSITORY, 'node_modules', name), join(folder, 'node_modules', name));
  }
  // Without it Node compiles each file twice, to see of what kind it is.
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const program = join(folder, 'bin/referee.js');
  await copyFile(join(REPOSITORY, 'bin/referee.js'), program);
  const build = await rolldown({
    cwd: REPOSITORY,
    input: { main: 'src/main.ts' },
    platform: 'node',
    external: [...NOT_BUNDLED, 'pg-native'],
    plugins: [ownPlaces],
    logLevel: 'silent',
  });
  await build.write({ dir: join(folder, 'dist'), format: 'esm', entryFileNames: '[name].js' });
  await build.close();
  return program;
}

/** Our files find migrations, the page and their threads in the checkout, from where they are. */
const ownPlaces: Plugin = {
  name: 'own places',
  transform(code, id) {
    if (!id.startsWith(join(REPOSITORY, 'src')) || !code.includes('import.meta.')) return null;
    return code
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
      .replaceAll('import.meta.filename', JSON.stringify(id))
      .replaceAll('import.meta.dirname', JSON.stringify(dirname(id)));
  },
};
