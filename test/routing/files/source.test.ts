import { expect, test } from 'vitest';
import { load, problemsOf } from '../routes-folder.ts';

const BEFORE = `rules:
  - name: a
`;
const AFTER = `    do:
      - say: "One moment."
      - hangup
  - name: b
    do: [ hangup ]
otherwise: [ hangup ]
`;

/** What is wrong with the third line, and the only problem that follows. */
const THIRD: [what: string, line: string, problem: string][] = [
  [
    'a tab',
    '\twhen: { to: "+14155550100" }',
    '3:1 not valid YAML: Tabs are not allowed as indentation (indent with spaces)',
  ],
  [
    'a column too few',
    '   when: { to: "+14155550100" }',
    '3:1 not valid YAML: Sequence item without - indicator (check the indentation)',
  ],
  [
    'two columns too few',
    '  when: { to: "+14155550100" }',
    '3:1 not valid YAML: All mapping items must start at the same column (check the indentation)',
  ],
  [
    'no colon',
    '  - name b',
    '3:5 not valid YAML: Implicit keys need to be on a single line (a key ends with a colon and a space, as in "name: support")',
  ],
  [
    'no space after the colon',
    '  - name:b',
    '3:5 not valid YAML: Implicit keys need to be on a single line (a key ends with a colon and a space, as in "name: support")',
  ],
  [
    'a bracket that is not closed',
    '    when: { to: "+14155550100"',
    '4:5 not valid YAML: Flow map in block collection must be sufficiently indented and end with a } (close the bracket in the lines before it, or check the indentation)',
  ],
];

test.each(THIRD)('%s is one problem', async (_what, line, problem) => {
  expect(problemsOf(await load(`${BEFORE}${line}\n${AFTER}`))).toEqual([problem]);
});

test('of items of a list at two columns only the first is reported', async () => {
  const text = `${BEFORE}    do:
    - refer: desk
      - say: "Goodbye."
      - hangup
otherwise: [ hangup ]
`;
  expect(problemsOf(await load(text))).toEqual([
    '5:1 not valid YAML: A block sequence may not be used as an implicit map key (put a text that contains ": " or " #" into quotes, and check the indentation)',
  ]);
});

test('each line that begins with a tab is reported', async () => {
  const text = `${BEFORE}\twhen: { to: "+14155550100" }\n\tdo: [ hangup ]\notherwise: [ hangup ]\n`;
  const places = problemsOf(await load(text)).map((problem) => problem.slice(0, 4));
  expect(places[0]).toBe('3:1 ');
  expect(places.every((place) => /^[34]:1 $/.test(place))).toBe(true);
});

test('two texts that need quotes are both reported', async () => {
  const text = `otherwise:\n  - say: Closed: sorry\n  - say: Goodbye: thanks\n  - hangup\n`;
  const places = problemsOf(await load(text)).map((problem) => problem.split(' ')[0]);
  expect(places).toEqual(['2:10', '3:10']);
});
