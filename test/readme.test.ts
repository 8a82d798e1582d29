/** What the README shows works: its commands, its output, its variables, its links. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { runCli } from '../src/cli.ts';
import { VARIABLES } from '../src/config/environment.ts';
import { SCRIPTS } from '../src/simulator/scripts.ts';
import { PATIENCE_MS } from './helpers/patience.ts';

const ROOT = join(import.meta.dirname, '..');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** The lines of every block of a kind, without the indent that a list gives them. */
function blocks(kind: string): string[] {
  const found = readme.matchAll(new RegExp(`^( *)\`\`\`${kind}\\n([\\s\\S]*?)^ *\`\`\``, 'gm'));
  return [...found].map(([, indent = '', text = '']) =>
    text.replace(new RegExp(`^${indent}`, 'gm'), '').trimEnd(),
  );
}

const shown = blocks('sh').flatMap((block) => block.split('\n'));

/** What the command prints to whoever stands in the checkout, as the tests do. */
async function referee(...args: string[]): Promise<string> {
  let [out, err] = ['', ''];
  const code = await runCli(args, {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: {},
    isTTY: false,
  });
  expect(code, `referee ${args.join(' ')}: ${out}${err}`).toBe(0);
  return out;
}

test('the two commands come first, and a clean checkout is tested with the second', () => {
  expect(shown.slice(0, 2)).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  // `npm cit` is npm's own word for `npm ci && npm test`.
  expect(readFileSync(join(ROOT, '.ci/run'), 'utf8')).toMatch(/^npm (?:cit|ci && npm test)$/m);
});

test('the demo plays as many callers as it says', () => {
  expect(SCRIPTS).toHaveLength(11);
  expect(readme).toContain('plays eleven callers');
});

test('every npm script that it names exists', () => {
  const named = [...readme.matchAll(/npm run ([a-z]+)/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(1);
  for (const name of [...named, 'start', 'test']) expect(manifest.scripts).toHaveProperty(name);
});

test('every referee command that it names exists, with the options it shows', async () => {
  const commands = [...readme.matchAll(/\breferee ([a-z]+)([^\n`]*)/g)];
  expect(commands.length).toBeGreaterThan(3);
  const known = await referee('--help');
  const shownOptions = new Map([['demo', new Set(['--keep'])]]);
  for (const [, name = '', rest = ''] of commands) {
    expect(known).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    const options = shownOptions.get(name) ?? new Set();
    for (const [option] of rest.matchAll(/--[a-z-]+/g)) options.add(option);
    shownOptions.set(name, options);
  }
  expect(readme).toContain('demo -- --keep');
  for (const [name, options] of shownOptions) {
    const help = options.size > 0 ? await referee(name, '--help') : '';
    for (const option of options) expect(help).toContain(option);
  }
});

test('the routes that ship pass the check it shows, and the route it shows ends as shown', async () => {
  // On a very busy machine an example's handler may take longer than its 50 ms.
  await vi.waitFor(() => referee('check'), { timeout: PATIENCE_MS });
  const line = shown.find((command) => command.startsWith('npx referee route')) ?? '';
  const [expected = ''] = blocks('text');
  expect(expected).toContain('ends referred');
  expect(await referee(...line.split(' ').slice(2))).toContain(expected);
});

test('every variable that it names is one we read', () => {
  const known = new Set<string>(VARIABLES.map(([name]) => name));
  const named = [...readme.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(8);
  for (const name of named) expect(known, name).toContain(name);
});

test('every link leads to a file, and every file of the ten minutes is there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(
    ([, path = '']) => path,
  );
  expect(links.length).toBeGreaterThan(12);
  for (const path of links) expect(existsSync(join(ROOT, path)), path).toBe(true);
});
