import { describe, expect, test } from 'vitest';
import { compileRouteSet } from '../../src/core/rules/compiled-routes.ts';
import { decide } from '../../src/core/rules/decide.ts';
import { type LoadResult, loadRoutes } from '../../src/routing/load.ts';
import { facts, moment } from '../helpers/route-set.ts';
import { type Files, load, problemsOf, warningsOf, withFolder } from './routes-folder.ts';

const CSV = `to,extension,site,tier,name
+4930901820,201,berlin,gold,Anna
+4930901821,202,munich,silver,"Bob, ""the"" 2nd"
+493090*,0,berlin,silver,Front desk
+49309019*,9,hamburg,gold,Hall
sip:ada@pbx.example.com,7,berlin,gold,Ada
`;

const RULES = `
tables: { extensions: { file: tables/extensions.csv, key: to } }
targets: { reception: { sip: "sip:reception@pbx.example.com" } }
rules:
  - name: direct lines
    when: { table: extensions }
    do: [ { refer: "sip:{row:extension}@{row:site}.pbx.example.com", timeout: 20s }, { refer: reception } ]
otherwise: [ { reject: declined } ]
`;

const tables = (csv: string | Uint8Array, main = RULES): Files => ({
  'main.yaml': main,
  'tables/extensions.csv': csv,
});

const rules = (...written: string[]) => `
tables: { extensions: { file: tables/extensions.csv, key: to } }
targets:
  pbx: { sip: "sip:{row:extension}@{row:site}.pbx.example.com", user_to_user: "{row:tier}", headers: { X-Name: "{row:name}" } }
  reception: { sip: "sip:reception@pbx.example.com" }
rules:
${written.map((one) => `  - { ${one} }\n`).join('')}otherwise: [ { refer: reception } ]
`;

function decided(result: LoadResult, to: string, from = '+4915112345678') {
  if (!result.ok) throw new Error(problemsOf(result).join('\n'));
  return decide(compileRouteSet(result.set), facts({ to, from }), moment(), {});
}

describe('a rule with a table', () => {
  test.each([
    ['+4930901820', 'sip:201@berlin.pbx.example.com'],
    ['sip:ada@PBX.example.com', 'sip:7@berlin.pbx.example.com'],
    ['+4930901899', 'sip:0@berlin.pbx.example.com'],
    // The longest prefix counts, wherever it is in the file.
    ['+4930901999', 'sip:9@hamburg.pbx.example.com'],
    ['+4940123456', null],
  ])('sends a call to %s to %s', async (to, address) => {
    const { plan, rule } = decided(await load(tables(CSV)), to);
    expect(rule).toBe(address === null ? null : 'direct lines');
    if (address !== null) {
      expect(plan?.[0]).toMatchObject({ sipAddress: address, target: null, problem: null });
    }
  });

  test('fills the target, its header and the words from the row, and shows it in the trace', async () => {
    const main = rules(
      'name: gold, when: { table: extensions, row: { tier: "g?ld" } }, do: [ { say: "{row:name}, you called {to}" }, { refer: pbx } ]',
      'name: others, when: { row: { tier: ["silver", "bronze*"] } }, do: [ { refer: pbx } ]',
    );
    const result = await load(tables(CSV, main));
    const gold = decided(result, '+4930901820');
    expect(gold.why).toContain('tables/extensions.csv:2 to=+4930901820, extension=201');
    expect(gold.plan).toMatchObject([
      { do: 'say', text: 'Anna, you called 4 9 3 0 9 0 1 8 2 0' },
      { sipAddress: 'sip:201@berlin.pbx.example.com', userToUser: 'gold' },
    ]);
    const other = decided(result, '+4930901821');
    expect(other.plan).toMatchObject([{ headers: [{ name: 'X-Name', value: 'Bob, "the" 2nd' }] }]);
    expect(other.trace[0]).toMatchObject({
      rule: 'gold',
      why: 'row tier: silver does not match g?ld',
    });
  });

  test('fills the address, header and User-to-User of a destination that the step has for itself', async () => {
    const main = RULES.replace(
      /do: .*/,
      'do: [ { refer: { sip: "sip:{row:extension}@{row:site}.pbx.example.com", timeout: 20s, via: transfer, user_to_user: "{row:tier}", headers: { X-Name: "{row:name}" } } }, { refer: reception } ]',
    );
    expect(warningsOf(await load(tables(CSV, main)))).toEqual([]);
    const { plan } = decided(await load(tables(CSV, main)), '+4930901820');
    expect(plan?.[0]).toMatchObject({
      do: 'transfer',
      to: 'sip:201@berlin.pbx.example.com',
      target: null,
      timeoutMs: 20_000,
      userToUser: 'gold',
      headers: [{ name: 'X-Name', value: 'Anna' }],
      problem: null,
    });
    const faulty = main.replace('{row:name}', '{row:nmae}');
    expect(problemsOf(await load(tables(CSV, faulty)))).toEqual([
      expect.stringMatching(/^7:11 \{row:nmae\} of X-Name .*did you mean name\?/),
    ]);
    expect(problemsOf(await load(tables(CSV.replace('gold,Anna', ',Anna'), main)))).toEqual([
      expect.stringMatching(/^tables\/extensions.csv:2:1 the cell "tier" is empty/),
    ]);
    const number = main.replace('sip:{row:extension}@{row:site}.pbx.example.com', '+4930901820');
    expect(problemsOf(await load(tables(CSV, number)))).toEqual([
      expect.stringMatching(/is not a SIP URI.*use the step transfer/),
    ]);
  });

  test('takes the first of several tables that has the call, and named columns of two', async () => {
    const main = `
tables:
  vip: { file: tables/vip.csv, key: from }
  lines: { file: tables/extensions.csv, key: to }
rules:
  - { name: both, when: { all: [ { table: vip }, { table: lines } ] }, do: [ { refer: "sip:{row:lines.extension}@{row:vip.site}.pbx.example.com" } ] }
  - { name: either, when: { table: [ vip, lines ] }, do: [ { refer: "sip:desk@{row:site}.pbx.example.com" } ] }
otherwise: [ hangup ]
`;
    const files = { ...tables(CSV, main), 'tables/vip.csv': 'from,site\n+491*,vienna\n' };
    const result = await load(files);
    const address = (to: string, from: string) => decided(result, to, from).plan?.[0];
    expect(address('+4930901820', '+4915112345678')).toMatchObject({
      sipAddress: 'sip:201@vienna.pbx.example.com',
    });
    expect(address('+4940', '+4915112345678')).toMatchObject({
      sipAddress: 'sip:desk@vienna.pbx.example.com',
    });
    expect(address('+4930901821', '+14155550100')).toMatchObject({
      sipAddress: 'sip:desk@munich.pbx.example.com',
    });
  });

  test('says which rows it found the call in, not those that it only ruled out', async () => {
    const main = `
tables:
  vip: { file: tables/vip.csv, key: from }
  blocked: { file: tables/blocked.csv, key: from }
  lines: { file: tables/extensions.csv, key: to }
rules:
  - { name: both, when: { all: [ { table: vip }, { table: lines, row: { tier: gold } } ], not: { table: blocked } }, do: [ hangup ] }
  - { name: either, when: { table: [ vip, lines ], not: { table: blocked } }, do: [ hangup ] }
  - { name: blocked, when: { table: blocked }, do: [ hangup ] }
otherwise: [ hangup ]
`;
    const files = {
      ...tables(CSV, main),
      'tables/vip.csv': 'from,site\n+491*,vienna\n',
      'tables/blocked.csv': 'from\n+49170*\n',
    };
    const result = await load(files);
    const vip = { table: 'vip', key: '+491*', of: 'from' };
    const rows = (to: string, from: string) => decided(result, to, from).rows;
    expect(rows('+4930901820', '+4915112345678')).toEqual([
      vip,
      { table: 'lines', key: '+4930901820', of: 'to' },
    ]);
    // A silver line: the second rule uses the first of its tables that contains the call.
    expect(rows('+4930901821', '+4915112345678')).toEqual([vip]);
    expect(rows('+4930901899', '+14155550100')).toEqual([
      { table: 'lines', key: '+493090*', of: 'to' },
    ]);
    expect(rows('+4930901899', '+49170123')).toMatchObject([{ table: 'blocked', key: '+49170*' }]);
    expect(rows('+14155550100', '+14155550101')).toBeUndefined();
  });

  test('needs no policy for what a table has, but for what a caller adds', async () => {
    const main = rules(
      'name: own, when: { table: extensions }, do: [ { transfer: "sip:{header:X-Ext}@{row:site}.pbx.example.com" } ]',
    );
    expect(problemsOf(await load(tables(CSV, main)))).toEqual([
      expect.stringContaining('policy.allow allows nothing'),
    ]);
    const allowing = `policy: { allow: [ "sip:*@berlin.pbx.example.com" ] }\n${main}`;
    const result = await load(tables(CSV, allowing));
    const headers = [{ name: 'X-Ext', value: '5' }];
    const problem = (to: string) => {
      if (!result.ok) throw new Error(problemsOf(result).join('\n'));
      const { plan } = decide(compileRouteSet(result.set), facts({ to, headers }), moment(), {});
      return plan?.map((step) => ('problem' in step ? step.problem : null))[0];
    };
    expect(problem('+4930901820')).toBeNull();
    expect(problem('+4930901821')).toContain('policy.allow');
  });

  test('may take the whole destination from a column', async () => {
    const csv = 'number,way\n+4930901820,sip:a@b.example.com\n+4930901821,+14155550199\n';
    const main = RULES.replace(/do: .*/, 'do: [ { transfer: "{row:way}" } ]');
    const result = await load(tables(csv, main));
    expect(decided(result, '+4930901820').plan).toMatchObject([{ to: 'sip:a@b.example.com' }]);
    expect(decided(result, '+4930901821').plan).toMatchObject([{ to: '+14155550199' }]);
    const refers = await load(tables(csv, main.replace('transfer:', 'refer:')));
    expect(problemsOf(refers)).toEqual([
      expect.stringMatching(/^tables\/extensions.csv:3:1 .* is a number, and a refer needs/),
    ]);
  });
});

describe('a CSV file', () => {
  test('may have a BOM, CRLF, quotes and line breaks in them', async () => {
    const csv = `\ufeff${CSV.replace('Anna', '"Anna\nMaria"').replaceAll('\n', '\r\n')}`;
    const result = await load(tables(csv));
    expect(problemsOf(result)).toEqual([]);
    const table = result.ok ? result.set.tables.get('extensions') : undefined;
    expect(table?.rows).toBe(5);
    expect(table?.cells(0)[4]).toBe('Anna\r\nMaria');
    expect(table?.line(1)).toBe(4);
  });

  test('reports every fault at its line, and none hides another', async () => {
    const csv = [
      'to,extension,site,tier,name',
      '+4930901820,201,berlin,gold,Anna',
      '+4930901820,202,berlin,gold,Bob',
      '+4930901822,203,berlin,gold',
      '+0309018,204,berlin,gold,Eve',
      '+4930901824,205,berlin,"gold"!,Eve',
      '+4930901825,,berlin,gold,Eve',
      '+4930901826,206,not a host,gold,Eve',
      ',207,berlin,gold,Eve',
      '+49*1,208,berlin,gold,Eve',
      '+4930901827,209,berlin,gold,"open',
    ].join('\n');
    expect(problemsOf(await load(tables(csv)))).toEqual([
      expect.stringMatching(/^tables\/extensions.csv:3:1 the key .* is already on line 2/),
      expect.stringMatching(/:4:1 the row has 4 cells, but the first line names 5 columns/),
      expect.stringMatching(/:5:1 "\+0309018" begins with \+0/),
      expect.stringMatching(/:6:30 there is text between the quote/),
      expect.stringMatching(
        /:7:1 the cell "extension" is empty, and refer "sip:.*" of the rule "direct lines" needs it/,
      ),
      expect.stringMatching(/:8:1 "sip:206@not a host.pbx.example.com": .*host/),
      expect.stringMatching(/:9:1 the cell "to" is empty, but it is the key/),
      expect.stringMatching(/:10:1 the key "\+49\*1" is neither a number nor a prefix/),
      expect.stringMatching(/:11:29 a quote is not closed/),
    ]);
  });

  test('with spaces around its cells is a warning, unless quotes show that they are meant', async () => {
    const csv = [
      'to, extension, site,tier,name',
      '+4930901820, 201,berlin,gold,Anna',
      '+4930901821,202,berlin, gold,Bob',
      '+4930901822,203,berlin,gold,"Eve "',
      '+4930901823,204,berlin,gold,Otto ',
      '+4930901824, 205,berlin,gold,"Doe, ""Jo"" "',
      '+4930901825," 206",berlin,gold,"Eve, "',
    ].join('\n');
    expect(warningsOf(await load(tables(csv)))).toEqual([
      expect.stringContaining('can only be moved by REFER'),
      'tables/extensions.csv:2:1 the cell "extension" begins or ends with a space, which is part of its value (and so do cells of 3 more rows) (remove it, or put the cell in quotes if it is meant)',
    ]);
    const quoted = 'to,extension,site,tier,name\n+4930901820,201,berlin,gold, "Anna"\n';
    expect(problemsOf(await load(tables(quoted)))).toEqual([
      'tables/extensions.csv:2:29 there is a space between a comma and the quote that begins a cell (remove the space)',
    ]);
  });

  test('shows what its national numbers mean in the country of the policy', async () => {
    const main = `policy: { country: DE }${RULES}`;
    const csv = 'to,extension,site\n030901820,201,berlin\n';
    expect(problemsOf(await load(tables(csv, main)))).toEqual([
      'tables/extensions.csv:2:1 "030901820" is a number as dialled within DE: it would match no call (write "+4930901820")',
    ]);
    expect(problemsOf(await load(tables(csv)))).toEqual([]);
  });

  test('leaves rows that a rule does not ask for to others', async () => {
    const main = rules(
      'name: lines, when: { table: extensions, row: { extension: "?*" } }, do: [ { refer: "sip:{row:extension}@pbx.example.com" } ]',
      'name: others, when: { table: extensions }, do: [ { refer: reception } ]',
    );
    const csv = 'to,extension\n+4930901820,201\n+4930901821,\n';
    const result = await load(tables(csv, main.replace(/ {2}pbx: .*\n/, '')));
    expect(decided(result, '+4930901821').rule).toBe('others');
  });

  test.each([
    ['', 'the first line names no columns'],
    ['to;extension;site\n', 'the columns are separated by semicolons'],
    ['\rto,extension,site\r+4930901820,201,berlin\r', 'a line ends with a carriage return alone'],
    ['to,,site\n', 'column 2 has no name'],
    ['to,site,site\n', 'the column "site" appears twice'],
    ['+4930901820,201,berlin\n', 'the first line begins with the number'],
  ])('whose first line is %j is refused', async (csv, problem) => {
    expect(problemsOf(await load(tables(csv)))[0]).toContain(`extensions.csv:1:1 ${problem}`);
  });

  test('in another encoding is a problem of each row that shows it', async () => {
    const csv = Buffer.from(
      CSV.replace('Anna', 'J\u00f6rg').replace('Hall', 'H\u00e4lle'),
      'latin1',
    );
    expect(problemsOf(await load(tables(csv)))).toEqual([
      expect.stringMatching(/csv:2:1 the cell "name" is not UTF-8 text/),
      expect.stringMatching(/csv:5:1 the cell "name" is not UTF-8 text/),
    ]);
  });

  test('in UTF-16, as Excel saves Unicode text, is one problem that says so', async () => {
    const problems = problemsOf(await load(tables(Buffer.from(`\ufeff${CSV}`, 'utf16le'))));
    expect(problems).toEqual([
      expect.stringMatching(/csv:1:1 the first line is not UTF-8 text.*CSV UTF-8/),
    ]);
  });

  test('with thousands of faults lists some of them and counts the rest', async () => {
    const rows = Array.from({ length: 1_000 }, (_, i) => `+49309018${i + 1000},1`).join('\n');
    const problems = problemsOf(await load(tables(`to,extension,site\n${rows}\n`)));
    expect(problems).toHaveLength(201);
    expect(problems.at(-1)).toContain('and 800 more problems');
  });
});

describe('names', () => {
  test.each([
    [
      'name: a, when: { table: extension }, do: [ hangup ]',
      'unknown table "extension" (did you mean extensions?)',
    ],
    [
      'name: a, when: { table: extensions, row: { tear: gold } }, do: [ hangup ]',
      'has no column "tear" (did you mean tier?)',
    ],
    [
      'name: a, when: { table: extensions }, do: [ { refer: "sip:{row:extention}@b.example.com" } ]',
      'has no column "extention" (did you mean extension?)',
    ],
    [
      'name: a, when: { to: "+14155550100" }, do: [ { refer: pbx } ]',
      'needs the row of a table, but the rule has no table in its when (add table: extensions to its when)',
    ],
    [
      'name: a, when: { to: "table:extensions" }, do: [ hangup ]',
      '(write when: { table: extensions })',
    ],
  ])('%s', async (written, problem) => {
    const problems = problemsOf(await load(tables(CSV, rules(written))));
    expect(problems[0]).toContain(problem);
  });

  test('of a column that the table lacks are one problem, not one for each row', async () => {
    const written =
      'name: a, when: { table: extensions }, do: [ { refer: "sip:{row:extension}@{row:sight}.example.com" } ]';
    expect(problemsOf(await load(tables(CSV, rules(written))))).toEqual([
      expect.stringContaining('has no column "sight"'),
    ]);
  });

  test('of a column that two tables may mean are asked for', async () => {
    const main = `
tables: { a: { file: tables/extensions.csv, key: to }, b: { file: tables/extensions.csv, key: from } }
rules: [ { name: r, when: { all: [ { table: a }, { table: b } ] }, do: [ { refer: "sip:1@{row:site}.example.com" } ] } ]
otherwise: [ hangup ]
`;
    expect(problemsOf(await load(tables(CSV, main)))).toEqual([
      expect.stringMatching(/may mean several tables: the rule matches on a and b .*a\.site/),
    ]);
  });

  test('of tables that no rule asks for are a warning', async () => {
    const main = RULES.replace('when: { table: extensions }', 'when: {}').replace(
      /\{ refer: "sip:.*?20s \}, /,
      '',
    );
    const result = await load(tables(CSV, main));
    expect(warningsOf(result)).toContainEqual(
      expect.stringContaining('the table "extensions" is not used by any rule'),
    );
  });
});

test('shadowing knows tables', async () => {
  const shadowed = async (...written: string[]) =>
    warningsOf(await load(tables(CSV, rules(...written)))).filter((one) =>
      one.includes('never runs'),
    );
  const all = 'name: all, when: { table: extensions }, do: [ { refer: pbx } ]';
  const gold =
    'name: gold, when: { table: extensions, row: { tier: gold } }, do: [ { refer: pbx } ]';
  expect(await shadowed(all, gold)).toHaveLength(1);
  expect(await shadowed(gold, all)).toHaveLength(0);
  expect(
    await shadowed(all, 'name: one, when: { to: "+4930901820" }, do: [ hangup ]'),
  ).toHaveLength(1);
  expect(
    await shadowed(
      'name: de, when: { to: ["+49*", "sip:*@pbx.example.com"] }, do: [ hangup ]',
      all,
    ),
  ).toHaveLength(1);
  expect(await shadowed('name: de, when: { to: "+49*" }, do: [ hangup ]', all)).toHaveLength(0);
});

test('braces in a spoken text that are no placeholder stay words, with a warning', async () => {
  const main =
    'rules: [ { name: r, when: {}, do: [ { say: "A {b} c {form}" }, hangup ] } ]\notherwise: [ hangup ]';
  const result = await load(main);
  expect(decided(result, '+4930901820').plan).toMatchObject([{ text: 'A {b} c {form}' }, {}]);
  expect(warningsOf(result)).toEqual([
    expect.stringContaining('{b} is not a placeholder: it is spoken literally'),
    expect.stringContaining('did you mean from?'),
  ]);
});

test('a menu speaks a text or plays a recording, not both', async () => {
  const menu = (inside: string) =>
    load(`rules: [ { name: r, when: {}, do: [ { menu: { ${inside} digits: { "1": [ hangup ] } } }, hangup ] } ]
otherwise: [ hangup ]`);
  const played = await menu('play: "https://media.example.com/menu.mp3",');
  expect(decided(played, '+4930901820').plan?.[0]).toMatchObject({
    do: 'menu',
    play: 'https://media.example.com/menu.mp3',
  });
  const spoken = await menu('say: "You called {to}.",');
  expect(decided(spoken, '+4930901820').plan?.[0]).toMatchObject({
    text: 'You called 4 9 3 0 9 0 1 8 2 0.',
  });
  expect(
    problemsOf(await menu('say: "Press 1.", play: "https://media.example.com/menu.mp3",')),
  ).toEqual([expect.stringContaining('has both say and play')]);
  expect(problemsOf(await menu(''))).toEqual([
    expect.stringContaining('has none of the keys say, play'),
  ]);
  expect(problemsOf(await menu('play: "http://media.example.com/menu.mp3",'))).toHaveLength(1);
});

test('a large table is read in slices: others have their turn meanwhile', {
  tags: ['long'],
}, async () => {
  const rows = Array.from({ length: 50_000 }, (_, i) => `+4930${1_000_000 + i},${i},berlin`);
  const files = tables(`to,extension,site\n${rows.join('\n')}`);
  const cpuMs = () => process.threadCpuUsage().user / 1_000;
  const { result, slices } = await withFolder(files, async (dir) => {
    const slices: number[] = [];
    let at = cpuMs();
    let next: NodeJS.Immediate | undefined;
    const turn = () => {
      slices.push(cpuMs() - at);
      at = cpuMs();
      next = setImmediate(turn);
    };
    next = setImmediate(turn);
    const result = await loadRoutes(dir, { env: {}, handlers: false });
    clearImmediate(next);
    return { result, slices };
  });
  expect(result.ok && result.set.tables.get('extensions')?.rows).toBe(50_000);
  const all = slices.reduce((sum, one) => sum + one, 0);
  expect(Math.max(...slices)).toBeLessThan(all / 2);
});
