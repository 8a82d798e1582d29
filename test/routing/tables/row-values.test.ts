import { describe, expect, test } from 'vitest';
import { load, problemsOf, warningsOf } from '../routes-folder.ts';

const CSV = `to,tier,name
+4930901820,gold,Anna
+4930901821,silver,Bob
`;

async function said(row: string, csv = CSV, more = ''): Promise<string[]> {
  const result = await load({
    'main.yaml': `tables: { t: { file: t.csv, key: to }${more} }
rules: [ { name: a, when: { table: t, row: ${row} }, do: [ hangup ] } ]
otherwise: [ hangup ]
`,
    't.csv': csv,
  });
  expect(problemsOf(result)).toEqual([]);
  return warningsOf(result);
}

describe('a value that no row has', () => {
  test.each([
    ['{ tier: Gold }', '2:52', '"Gold"', 'did you mean gold?'],
    ['{ tier: [ silver, glod ] }', '2:62', '"glod"', 'did you mean gold?'],
    ['{ tier: platinum }', '2:52', '"platinum"', 'known: gold, silver'],
    ['{ tier: "x*" }', '2:52', '"x*"', 'known: gold, silver'],
    ['{ t.tier: bronze }', '2:54', '"bronze"', 'known: gold, silver'],
  ])('%s', async (row, place, value, hint) => {
    expect(await said(row)).toEqual([
      `${place} no row of the table t has ${value} in the column "tier": it never matches (${hint})`,
    ]);
  });

  test('a column of many words has no hint', async () => {
    const rows = Array.from({ length: 80 }, (_, n) => `+49309018${n + 10},tier ${n},X`);
    const [warning] = await said('{ tier: gold }', `to,tier,name\n${rows.join('\n')}\n`);
    expect(warning).toMatch(/has "gold" in the column "tier": it never matches$/);
  });
});

test.each(['{ tier: gold }', '{ tier: [ gold, silver ] }', '{ tier: "*o*" }', '{ name: "B?b" }'])(
  '%s is in a row',
  async (row) => {
    expect(await said(row)).toEqual([]);
  },
);

test('one of several tables is enough', async () => {
  const files = {
    'main.yaml': `tables: { a: { file: a.csv, key: to }, b: { file: b.csv, key: to } }
rules: [ { name: r, when: { table: [ a, b ], row: { tier: [ gold, tin ] } }, do: [ hangup ] } ]
otherwise: [ hangup ]
`,
    'a.csv': 'to,tier\n+4930901820,silver\n',
    'b.csv': 'to,tier\n+4930901821,gold\n',
  };
  const result = await load(files);
  expect(problemsOf(result)).toEqual([]);
  expect(warningsOf(result)).toEqual([
    '2:67 no row of the table a or b has "tin" in the column "tier": it never matches (known: silver, gold)',
  ]);
});

test('nothing is said of a table that could not be read', async () => {
  const result = await load({
    'main.yaml': `tables: { t: { file: t.csv, key: to } }
rules: [ { name: a, when: { table: t, row: { tier: Gold } }, do: [ hangup ] } ]
otherwise: [ hangup ]
`,
    't.csv': 'to;tier\n+4930901820;gold\n',
  });
  expect(problemsOf(result)).toHaveLength(1);
  expect(warningsOf(result)).toEqual([]);
});
