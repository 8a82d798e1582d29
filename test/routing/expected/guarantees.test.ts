import { expect, test } from 'vitest';
import { type LoadResult, loadCompiled } from '../../../src/routing/load.ts';
import { openRoutes } from '../../../src/routing/reload.ts';
import { type Files, problemsOf, withFolder, writeFiles } from '../routes-folder.ts';

const OPTIONS = { env: {}, handlers: true };

const ROUTES = `targets:
  us: { sip: "sip:a@us.example.com", timeout: 20s }
rules:
  - name: support
    when: { to: "+14155550100" }
    do: [{ refer: us }, { say: "Sorry." }, hangup]
otherwise: [{ reject: declined }]
`;

function check(files: Files | string): Promise<LoadResult> {
  const all = typeof files === 'string' ? { 'main.yaml': files } : files;
  return withFolder(all, (dir) => loadCompiled(dir, OPTIONS));
}

const promised = (guarantee: string) => `${ROUTES}guarantees:\n  - { name: g, ${guarantee} }\n`;

test('guarantees that hold change nothing', async () => {
  const result = await check(
    promised('wait: 35s, silence: 35s, moves: 1, never_ends: [failed], always_hears: true'),
  );
  expect(problemsOf(result)).toEqual([]);
});

test('a broken one is a problem at its clause, with the path that breaks it', async () => {
  expect(problemsOf(await check(promised('wait: 30s, moves: 1')))).toEqual([
    '9:22 the guarantee "g" is broken by the rule "support": a caller may wait 35 s, more than 30 s ' +
      '(us stays silent until its time is over, then a prompt is heard, then we hang up ' +
      '(answer, refer us, say, hangup, ends hung_up))',
  ]);
});

test('one move too many is told in words', async () => {
  const twice = ROUTES.replace('{ refer: us },', '{ refer: us }, { refer: us },');
  const text = `${twice}guarantees:\n  - { name: g, moves: 1 }\n`;
  expect(problemsOf(await check(text))).toEqual([
    expect.stringContaining('a caller may cost 2 moves, more than 1 move ('),
  ]);
  expect(problemsOf(await check(promised('moves: 0')))).toEqual([
    expect.stringContaining('a caller may cost 1 move, more than 0 moves ('),
  ]);
});

test('it is about the rules that it names, else about all of them and otherwise', async () => {
  expect(problemsOf(await check(promised('never_ends: [rejected], rules: [support]')))).toEqual([]);
  expect(problemsOf(await check(promised('never_ends: [rejected]')))).toEqual([
    expect.stringContaining('broken by the rule "otherwise": it may end rejected'),
  ]);
});

test('every rule that breaks it is said at once, the worst first', async () => {
  const more = `rules:
  - { name: sales, when: { to: "+14155550111" }, do: [{ refer: us }, { say: "Sorry." }, hangup] }
  - { name: spam, when: { to: "+14155550133" }, do: [hangup] }
  - name: support`;
  const twice = ROUTES.replace('{ refer: us },', '{ refer: us }, { refer: us },');
  const text = twice.replace('rules:\n  - name: support', more);
  const promise = 'wait: 30s, never_ends: [hung_up], always_hears: true';
  const told = problemsOf(await check(`${text}guarantees:\n  - { name: g, ${promise} }\n`));
  expect(
    told.map((problem) => /rule "(\w+)": (a caller may \w+ \w+|it may)/.exec(problem)?.slice(1)),
  ).toEqual([
    ['support', 'a caller may wait 1'],
    ['sales', 'a caller may wait 35'],
    ['sales', 'it may'],
    ['spam', 'it may'],
    ['support', 'it may'],
    ['spam', 'a caller may be let'],
  ]);
});

test.each([
  ['rules: [suport], wait: 60s', '9:24 unknown rule "suport" (did you mean support?)'],
  ['wait: 48h', '9:22 wait "48h" is out of bounds (from 0s to 24h)'],
  ['wait: long', expect.stringContaining('9:22')],
  ['never_ends: [faild]', expect.stringContaining('did you mean failed?')],
  ['waits: 60s', expect.stringContaining('unknown key "waits"')],
  ['rules: [support]', expect.stringContaining('has no condition')],
])('%s is a problem', async (guarantee, expected) => {
  expect(problemsOf(await check(promised(guarantee)))).toContainEqual(expected);
});

test('a name stands once', async () => {
  const twice = `${promised('moves: 1')}  - { name: g, moves: 2 }\n`;
  expect(problemsOf(await check(twice))).toEqual([
    '10:13 a guarantee "g" is already defined in main.yaml:9 (each name may be defined only once in the set)',
  ]);
});

test('what a handler decides is not guaranteed by what nobody played', async () => {
  const files = {
    'main.yaml': ROUTES.replace(
      'rules:\n',
      'rules:\n  - { name: coded, handler: handlers/coded.ts }\n',
    ).concat('guarantees:\n  - { name: g, wait: 60s }\n'),
    'handlers/coded.ts': 'export default () => undefined;\n',
  };
  expect(problemsOf(await check(files))).toEqual([
    expect.stringContaining('"g" cannot be proven for the rule "coded": handlers/coded.ts decides'),
  ]);
});

test('a reload with a broken guarantee keeps the set that keeps it', async () => {
  await withFolder({ 'main.yaml': promised('wait: 60s') }, async (dir) => {
    const routes = await openRoutes(dir, OPTIONS);
    const before = routes.current();
    const slow = promised('wait: 60s').replace('timeout: 20s', 'timeout: 2m');
    await writeFiles(dir, { 'main.yaml': slow });
    expect(await routes.reload()).toMatchObject({
      ok: false,
      hash: before.set.hash,
      problems: [{ line: 9, message: expect.stringContaining('more than 1 min') }],
    });
    expect(routes.current()).toBe(before);
    await routes.close();
  });
});
