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

test.each([[['srve']], [['help', 'srve']]])(
  'a name that is none is answered with one that is like it: %s',
  async (argv) => {
    const { code, text } = await run(...argv);
    expect(text).toMatch(/^error: unknown command 'srve'\s+\(Did you mean serve\?\)\s*$/);
    expect(code).toBe(2);
  },
);

test.each([[['help']], [['help', 'help']], [['help', '--help']]])(
  '%s is the help of everything',
  async (argv) => {
    expect(await run(...argv)).toEqual({ code: 0, text: help });
  },
);

test.each([
  ['init', 'dir', ['init', '']],
  ['check', 'dir', ['check', ' ']],
  ['prove', 'dir', ['prove', '']],
  ['backup', 'file', ['backup', '']],
  ['restore', 'file', ['restore', '']],
  ['check', '--junit [file]', ['check', '--junit', '']],
  ['doctor', '--routes <dir>', ['doctor', '--routes', '']],
  ['replay', '--against <dir>', ['replay', '--against', '']],
  ['calls', '--export <file>', ['calls', '--export', '']],
  ['setup', '--undo-dir <dir>', ['setup', '--undo-dir', '']],
])('%s takes no empty path for %s: it is mostly an unset variable', async (_, name, argv) => {
  const { code, text } = await run(...argv);
  expect(text).toContain(name);
  expect(text).toContain('A path is expected, got nothing.');
  expect(text.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(2);
});

test.each([
  [['calls', '']],
  ...['--q', '--rule', '--target', '--from', '--to', '--number'].map((option) => [
    ['calls', option, ' '],
  ]),
  [['hangup', '']],
  [['next', ' ']],
  [['targets', '', 'rest']],
  [['switch', '']],
  [['schedule', '']],
  [['prove', '--rule', '']],
  [['prove', '--target', '']],
  [['route', '--to', '']],
  [['route', '--to', '+14155550100', '--hangup-after', '']],
])('%j: an empty value is refused, for it is mostly an unset variable', async (argv) => {
  const { code, text } = await run(...argv);
  expect(text).toContain('A value is expected, got nothing.');
  expect(text.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(2);
});

test.each([
  [['schedule', '--count', '1e2'], 'A whole number from 1 to 1000 is expected.'],
  [['schedule', '--count', '0'], 'A whole number from 1 to 1000 is expected.'],
  [['rehearse', '--secs', ' 9'], 'A whole number from 5 to 600 is expected.'],
  [['dead-letters', '--limit', '501'], 'A whole number from 1 to 500 is expected.'],
])('%j is refused with the numbers that are accepted', async (argv, words) => {
  const { code, text } = await run(...argv);
  expect(text).toContain(words);
  expect(code).toBe(2);
});

test.each([
  [['--webhook-url', 'nope'], 'expected http://host:port/path, got "nope"'],
  [['--webhook-url', 'http://127.0.0.1:1/a', 'ftp://b'], 'expected http://host:port/path'],
  [['--port', '99999'], 'A whole number from 0 to 65535 is expected.'],
  [['--port', '-1'], 'A whole number from 0 to 65535 is expected.'],
  [['--seed', '1e3'], 'A whole number from 0 to 999999999 is expected.'],
  [['--api-key', ''], 'A value is expected, got nothing.'],
  [['--faults', 'api_500='], 'expected kind=rate, such as api_500=0.1, got "api_500="'],
  [['--wait', '1e9'], 'A number over 0, at most 86400, is expected.'],
  [['--to', '+14155550100'], '--to is the number that --call calls'],
])('the simulator refuses %j in one line', async (options, words) => {
  const { code, text } = await run('simulator', '--port', '0', ...options);
  expect(text).toContain(words);
  expect(text.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(2);
});

test('the simulator says which settings of an account change nothing for its calls', async () => {
  const { text } = await run('simulator', '--help');
  for (const name of ['webhook_api_version', 'webhook_timeout_secs', 'first_command_timeout']) {
    expect(text).toContain(name);
  }
});

test('the simulator exits with 1 if nobody took its call', async () => {
  const { code, text } = await run(
    ...[
      'simulator',
      '--port',
      '0',
      '--webhook-url',
      'http://127.0.0.1:1/a',
      'http://127.0.0.1:1/b',
    ],
    ...['--call', '+14155550123', '--wait', '0.1'],
  );
  expect(text).toContain('sends events to http://127.0.0.1:1/a, http://127.0.0.1:1/b');
  expect(text).toContain('referee simulator: no command arrived for a call');
  expect(code).toBe(1);
});

test('the version is known without any of them', async () => {
  for (const option of ['--version', '-V']) {
    expect(await run(option)).toEqual({
      code: 0,
      text: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  }
});
