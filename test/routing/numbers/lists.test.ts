import { expect, test } from 'vitest';
import { cpuTimeMs } from '../../helpers/cpu-time.ts';
import { load, problemsOf, warningsOf } from '../routes-folder.ts';

const MAIN =
  'lists: { l: { file: lists/l.txt } }\nrules: [ { name: r, when: { from: "list:l" }, do: [ hangup ] } ]\notherwise: [ hangup ]';

test('a list file holds one number or prefix a line, with comments', async () => {
  const result = await load({
    'main.yaml': MAIN,
    'lists/l.txt': '# spam\r\n+14155550101 # March\n\n+1900*\n  sip:x@evil.example\n+1415555010?\n',
  });
  expect(problemsOf(result)).toEqual([]);
  const list = result.ok ? result.set.lists.get('l') : undefined;
  expect([...(list?.entries ?? [])]).toEqual([
    '+14155550101',
    '+1900*',
    'sip:x@evil.example',
    '+1415555010?',
  ]);
});

test('lines that are cut by the pieces in which a long file is read are whole', async () => {
  const numbers = Array.from({ length: 60_000 }, (_, n) => `+1900${String(n).padStart(7, '0')}`);
  const lines = numbers.with(50_000, 'hello world').join('\r\n');
  const result = await load({ 'main.yaml': MAIN, 'lists/l.txt': numbers.join('\r\n') });
  const list = result.ok ? result.set.lists.get('l') : undefined;
  expect([...(list?.entries ?? [])]).toEqual(numbers);
  const [problem] = problemsOf(await load({ 'main.yaml': MAIN, 'lists/l.txt': lines }));
  expect(problem).toMatch(/^lists\/l\.txt:50001:1 "hello world"/);
});

test('its problems stand in the list file, at their line', async () => {
  const result = await load({
    'main.yaml': MAIN,
    'lists/l.txt': '+14155550101\n\n hello world\n+0123456789\nlist:m\n',
  });
  expect(problemsOf(result)).toEqual([
    'lists/l.txt:3:2 "hello world" is not a number, SIP URI or pattern (one number per entry, such as "+14155550100")',
    'lists/l.txt:4:1 "+0123456789" begins with +0, and no country code does (write the country code after the +, without the national 0)',
    'lists/l.txt:5:1 "list:m": a list cannot contain a list (use both lists in the rule: [ "list:a", "list:b" ])',
  ]);
});

test('a list that no file holds is a problem where it is named, and no path leaves the folder', async () => {
  const result = await load({
    'main.yaml':
      'lists: { a: { file: lists/bb.txt }, b: { file: ../../etc/passwd } }\notherwise: [ hangup ]',
    'lists/b.txt': '',
  });
  expect(problemsOf(result)).toEqual([
    '1:21 there is no file "lists/bb.txt" (did you mean lists/b.txt?)',
    '1:48 there is no file "../../etc/passwd" (a path inside the routes folder, such as lists/blocked.txt)',
  ]);
});

test('warnings that are not shown are counted', async () => {
  const lines = (twice: number) => `+14155550100\n${'+14155550100\n'.repeat(twice)}`;
  const warnings = async (twice: number) =>
    warningsOf(
      await load({
        'main.yaml': MAIN,
        'lists/l.txt': lines(twice),
      }),
    );
  expect(await warnings(200)).toHaveLength(200);
  const one = await warnings(201);
  expect(one).toHaveLength(201);
  expect(one.at(-1)).toBe('lists/l.txt:201:1 and one more warning');
  expect((await warnings(450)).at(-1)).toBe('lists/l.txt:201:1 and 250 more warnings');
});

test('an empty list is a warning: a block list begins so', async () => {
  const result = await load({ 'main.yaml': MAIN, 'lists/l.txt': '# none yet\n' });
  expect(problemsOf(result)).toEqual([]);
  expect(warningsOf(result)).toEqual([
    '1:10 the list l is empty: no number is on it (rules that use it never match)',
  ]);
});

test('100,000 numbers and 100,000 prefixes load in under two seconds', {
  tags: ['long'],
}, async () => {
  const lines = Array.from(
    { length: 100_000 },
    (_, i) => `+1415${String(i).padStart(7, '0')}\n+44${String(i).padStart(7, '0')}*\n`,
  );
  const startedAt = cpuTimeMs();
  const result = await load({ 'main.yaml': MAIN, 'lists/l.txt': lines.join('') });
  expect(cpuTimeMs() - startedAt).toBeLessThan(2_000);
  expect(result.ok && result.set.lists.get('l')?.entries.length).toBe(200_000);
});

test('1,900 rules with a list each load in time too', { tags: ['long'] }, async () => {
  const names = Array.from({ length: 1_900 }, (_, rule) => `l${rule}`);
  const files = Object.fromEntries(
    names.map((name, rule) => [
      `lists/${name}.txt`,
      Array.from({ length: 100 }, (_, i) => `+1415${String(rule * 100 + i).padStart(7, '0')}`).join(
        '\n',
      ),
    ]),
  );
  const main = `lists:\n${names.map((name) => `  ${name}: { file: lists/${name}.txt }\n`).join('')}rules:
${names.map((name) => `  - { name: ${name}, when: { to: "list:${name}" }, do: [ hangup ] }\n`).join('')}otherwise: [ hangup ]`;
  const startedAt = cpuTimeMs();
  const result = await load({ 'main.yaml': main, ...files });
  expect(cpuTimeMs() - startedAt).toBeLessThan(15_000);
  expect(problemsOf(result).slice(0, 1)).toEqual([]);
});

test.each([
  ['+14155550101\tAda Lovelace', '"+14155550101 # Ada Lovelace"'],
  ['+1 415 555 0101, Ada', '"+1 415 555 0101 # Ada"'],
  ['+14155550101 Ada', '"+14155550101 # Ada"'],
  ['+1900*|spam', '"+1900* # spam"'],
])('a name after a number is a comment: %s', async (line, meant) => {
  const result = await load({ 'main.yaml': MAIN, 'lists/l.txt': `${line}\n` });
  const [problem, ...others] = problemsOf(result);
  expect(problem).toContain(`(write what is not the number as a comment: ${meant})`);
  expect(others).toEqual([]);
});

test.each(['+14155550101;+14155550102', '+14155550101, +14155550102', '+1900*,+1976*'])(
  'two numbers need two lines: %s',
  async (line) => {
    const result = await load({ 'main.yaml': MAIN, 'lists/l.txt': `${line}\n` });
    expect(problemsOf(result).join()).toContain('(write each number on a line of its own)');
  },
);

test('a number that a spreadsheet has shortened is a problem', async () => {
  const result = await load({ 'main.yaml': MAIN, 'lists/l.txt': '4.42079E+11\n4,42079E+11\n' });
  const hint = '(format the column as text, and enter the numbers again)';
  expect(problemsOf(result)).toEqual([
    `lists/l.txt:1:1 "4.42079E+11" is what a spreadsheet makes of a long number: digits are missing ${hint}`,
    `lists/l.txt:2:1 "4,42079E+11" is what a spreadsheet makes of a long number: digits are missing ${hint}`,
  ]);
});
