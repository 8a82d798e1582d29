import { describe, expect, test } from 'vitest';
import { load, problemsOf } from '../routes-folder.ts';

const TARGET = 'targets: { desk: { sip: "sip:desk@pbx.example.com" } }\n';
const OTHERWISE = 'otherwise: [ hangup ]\n';
const step = (written: string) => `${TARGET}otherwise: [ ${written} ]\n`;
const when = (written: string) =>
  `${TARGET}rules: [ { name: a, when: ${written}, do: [ { refer: desk } ] } ]\n${OTHERWISE}`;

describe('typographic quotation marks are no quotation marks', () => {
  test.each([
    ['a text', step('{ say: “We are closed.” }'), 'write straight ones: "We are closed."'],
    ['a German text', step('{ say: „Geschlossen.“ }'), 'write straight ones: "Geschlossen."'],
    ['a French text', step('{ say: «Fermé.» }'), 'write straight ones: "Fermé."'],
    ['a number', when('{ to: “+14155550100” }'), 'write straight ones: "+14155550100"'],
    [
      'hours',
      `schedules: { o: { zone: UTC, open: [ “mon-fri 08:00-12:00” ] } }\n${OTHERWISE}`,
      'write straight ones: "mon-fri 08:00-12:00"',
    ],
  ])('around %s', async (_what, text, hint) => {
    const [problem, ...others] = problemsOf(await load(text));
    expect(problem).toMatch(/the quotation marks around .* are typographic: YAML takes them for a/);
    expect(problem).toContain(`(${hint})`);
    expect(others).toEqual([]);
  });

  test('a secret is not shown', async () => {
    const text = `targets: { desk: { sip: "sip:desk@pbx.example.com", auth: { username: a, password: “pass-word” } } }\n${OTHERWISE}`;
    const problems = problemsOf(await load(text)).join();
    expect(problems).toContain('the quotation marks around "password" are typographic');
    expect(problems).not.toContain('pass-word');
  });

  test.each(['“', '“Yes” or “no”?', 'Say “yes”.'])(
    'but %s within straight ones is text',
    async (text) => {
      expect(problemsOf(await load(step(`{ say: "${text}" }`)))).toEqual([]);
    },
  );
});

test.each([
  ['a time without its unit', step('{ refer: desk, timeout: 25 }'), 'did you mean 25s?'],
  ['seconds', step('{ refer: desk, timeout: 25 seconds }'), 'did you mean 25s?'],
  ['minutes', step('{ refer: desk, timeout: 2min }'), 'did you mean 2m?'],
  ['no time', step('{ refer: desk, timeout: soon }'), 'for example "30s"'],
  ['a share in percent', when('{ percent: 25% }'), 'write 25, without %'],
  ['a weight in percent', step('{ refer: { pick: { desk: 50% } } }'), 'write 50, without %'],
  ['or', when('{ or: [ { to: "+14155550100" } ] }'), 'did you mean any?'],
  ['And', when('{ And: [ { to: "+14155550100" } ] }'), 'did you mean all?'],
  [
    'several targets',
    step('{ refer: [ desk, desk ] }'),
    'write a step for each: { refer: "desk" }',
  ],
  [
    'several numbers',
    step('{ transfer: [ "+14155550199" ] }'),
    'write a step for each: { transfer: "+14155550199" }',
  ],
  [
    'the file of a list',
    `lists: { vip: lists/vip.txt }\n${when('{ from: "list:vip" }')}`,
    'write it as { file: "lists/vip.txt" }',
  ],
  [
    'the only number of a list',
    `lists: { vip: "+14155550101" }\n${when('{ from: "list:vip" }')}`,
    'write it as a list: [ "+14155550101" ]',
  ],
  [
    'the only number of a list, without quotes',
    `lists: { vip: +14155550101 }\n${when('{ from: "list:vip" }')}`,
    'write it as a list: [ "+14155550101" ]',
  ],
])('the hint says what is meant by %s', async (_what, text, hint) => {
  const [problem, ...others] = problemsOf(await load(text));
  expect(problem).toContain(`(${hint})`);
  expect(others).toEqual([]);
});

test('two rules without the dash between them are one problem', async () => {
  const text = `rules:
  - name: a
    when: { to: "+14155550100" }
    do: [ hangup ]
    name: b
    when: { to: "+14155550111" }
    do: [ hangup ]
${OTHERWISE}`;
  expect(problemsOf(await load(text))).toEqual([
    '5:5 "name" appears twice in a rule (keep one of them, or begin another item with "- name")',
  ]);
});
