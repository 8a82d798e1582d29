/** Each command can be loaded by its own name, and all of them together. */
import { expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';

async function run(...argv: string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const stdout = { write: (more: string) => (text += more) };
  const code = await runCli(argv, { stdout, stderr: stdout, env: {}, isTTY: false });
  return { code, text };
}

const { text: help } = await run('--help');
const names = [...help.matchAll(/^ {2}([a-z-]+)(?: \[options\]| [<[]| {2})/gm)].map(
  ([, name]) => `${name}`,
);

test('the help names every command', () => {
  expect(names).toEqual(expect.arrayContaining(['serve', 'check', 'hangup', 'next', 'restore']));
  expect(new Set(names).size).toBe(names.length);
});

test.each(names.filter((name) => name !== 'help'))('%s is found by its name', async (name) => {
  const { code, text } = await run(name, '--help');
  expect(text).toContain(`Usage: referee ${name}`);
  expect(code).toBe(0);
});

test('a name that is none is answered with one that is like it', async () => {
  const { code, text } = await run('srve');
  expect(text).toMatch(/unknown command 'srve'[\s\S]*Did you mean serve\?/);
  expect(code).toBe(2);
});

test('the version is known without any of them', async () => {
  for (const option of ['--version', '-V']) {
    expect(await run(option)).toEqual({
      code: 0,
      text: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  }
});
