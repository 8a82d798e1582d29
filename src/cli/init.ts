/**
 * `referee init`: a repository for call routes. It asks nothing and never changes existing files.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { makeFolder } from '../store/make-folder.ts';
import { ownSource } from './init/source.ts';
import { pathOf } from './options/path.ts';
import type { Io } from './terminal/io.ts';
import { plain } from './terminal/terminal.ts';

/** The root of the checkout or of the package. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/**
 * In the template `dot-` stands for a leading dot, because npm and git would interpret some of
 * these files.
 */
const TEMPLATE = fileURLToPath(new URL('./init/template/', import.meta.url));

export function initCommand(program: Command, io: Io): void {
  program
    .command('init')
    .description('create a repository for call routes: a working set, its test, CI and an image')
    .argument('[dir]', 'the folder; created if it does not exist', pathOf, '.')
    .action(async (dir: string) => {
      process.exitCode = await runInit(dir, io);
    });
}

interface Outcome {
  made: string[];
  left: string[];
}

/** Returns the exit code: 1 if something could not be written. */
async function runInit(dir: string, io: Io): Promise<number> {
  const folder = resolve(dir);
  const outcome: Outcome = { made: [], left: [] };
  const failure = await write(folder, outcome).then(
    () => null,
    (error: Error) => error.message,
  );
  io.stdout.write(await outcomeText(dir, folder, outcome, failure === null));
  if (failure === null) return 0;
  io.stderr.write(`referee init: not everything could be created: ${plain(failure)}\n`);
  return 1;
}

async function write(folder: string, outcome: Outcome): Promise<void> {
  makeFolder(folder);
  const files = new Map<string, string>();
  files.set('package.json', await manifest(folder));
  for (const file of await filesIn(TEMPLATE)) {
    const name = file.replace(/(^|\/)dot-/g, '$1.');
    files.set(name, await readFile(join(TEMPLATE, file), 'utf8'));
  }
  files.set('.env.example', await readFile(join(ROOT, '.env.example'), 'utf8'));
  // All files in a routes folder form one set, so our example files must not be added to existing
  // ones.
  const hasRoutes = (await readdir(join(folder, 'routes')).catch(() => [])).length > 0;
  if (hasRoutes) outcome.left.push('routes/');
  else {
    for (const file of await filesIn(join(ROOT, 'routes'))) {
      const text = await readFile(join(ROOT, 'routes', file), 'utf8');
      files.set(`routes/${file}`, withOwnDocs(text));
    }
  }
  for (const [name, text] of files) {
    makeFolder(dirname(join(folder, name)));
    try {
      await writeFile(join(folder, name), text, { flag: 'wx' });
      outcome.made.push(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      outcome.left.push(name);
    }
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

/** Links to this repository's docs must point to the docs in the installed package. */
function withOwnDocs(text: string): string {
  return text
    .replaceAll('](../docs/', '](../node_modules/telnyx-referee/docs/')
    .replaceAll(/(?<=: )docs\/(?=[a-z-]+\.md\.)/g, 'node_modules/telnyx-referee/docs/');
}

async function manifest(folder: string): Promise<string> {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  const written = {
    name: name === '' ? 'call-routes' : name,
    private: true,
    type: 'module',
    engines: { node: '>=24' },
    scripts: { start: 'referee serve', demo: 'referee demo', test: 'referee check' },
    dependencies: { 'telnyx-referee': await ownSource(ROOT, folder) },
  };
  return `${JSON.stringify(written, null, 2)}\n`;
}

async function outcomeText(
  dir: string,
  folder: string,
  { made, left }: Outcome,
  complete: boolean,
): Promise<string> {
  const list = (names: string[]) => names.map((name) => `  ${name}\n`).join('');
  let text = '';
  if (made.length > 0) text += `Made in ${plain(dir)}:\n${list(made)}`;
  if (left.length > 0) text += `Left alone, because it was there before:\n${list(left)}`;
  if (left.includes('package.json') && !(await dependsOnUs(folder))) {
    const source = await ownSource(ROOT, folder);
    text += `Your package.json lacks the dependency "telnyx-referee": ${JSON.stringify(source)} and the script "test": "referee check": add both.\n`;
  }
  if (!complete || left.includes('package.json')) return text;
  if ((await ownSource(ROOT, folder)).startsWith('file:')) {
    text +=
      'The dependency is a file on this machine. CI and the Dockerfile need a version from the registry or a git address in package.json.\n';
  }
  const enter = folder === process.cwd() ? '' : `cd ${quotedForShell(plain(dir))} && `;
  return `${text}Next: ${enter}npm install && npm test\n`;
}

function quotedForShell(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

async function dependsOnUs(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '');
  return text.includes('"telnyx-referee"');
}
