import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CheckReport, runCheck } from '../../src/cli/check.ts';
import { runCli } from '../../src/cli.ts';
import { schemaText } from '../../src/routing/schema/schema.ts';
import { written } from '../helpers/written.ts';
import { type Files, withFolder } from '../routing/routes-folder.ts';

const GOOD = `targets:
  us: { sip: "sip:a@us.example.com", via: refer }
  eu: { sip: "sip:a@eu.example.com", via: refer }
schedules:
  office: { zone: America/New_York, open: ["mon-fri 09:00-17:30"] }
rules:
  - name: support
    when: { to: "+14155550100", schedule: office }
    do: [{ refer: us }, { refer: eu }]
  - name: vip
    when: { header: { X-Tier: gold* } }
    do: [{ refer: eu }]
  - name: menu
    when: { to: "+14155550111" }
    do:
      - menu: { say: "Press 1.", digits: { "1": [{ refer: eu }] } }
      - refer: us
otherwise: [{ reject: declined }]
`;

interface Answer {
  code: number;
  out: string;
  err: string;
}

async function referee(
  files: Files,
  args: (dir: string) => string[],
  isTTY = false,
  env: Record<string, string> = {},
): Promise<Answer & { dir: string }> {
  return withFolder(files, async (dir) => {
    let out = '';
    let err = '';
    const before = process.exitCode;
    const code = await runCli(args(dir), {
      stdout: {
        write: (text) => {
          out += text;
        },
      },
      stderr: {
        write: (text) => {
          err += text;
        },
      },
      env,
      isTTY,
    });
    process.exitCode = before;
    return { code, out, err, dir };
  });
}

const check = (text: string, ...more: string[]) =>
  referee({ 'main.yaml': text }, (dir) => ['check', dir, ...more]);
const route = (...args: string[]) =>
  referee({ 'main.yaml': GOOD }, (dir) => ['route', '--routes', dir, '--json', ...args]);

test('check --json has the shape that pipelines read, and exit 0', async () => {
  const { code, out } = await check(GOOD, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({
    ok: true,
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    rules: 3,
    problems: [],
    warnings: [],
    examples: [],
  });
});

test('check exits 1 on a problem and says file, line, column, message and hint', async () => {
  const { code, out } = await check(GOOD.replace('refer: us', 'refer: su'), '--json');
  expect(code).toBe(1);
  const report = JSON.parse(out) as CheckReport;
  expect(report.ok).toBe(false);
  expect(report.problems[0]).toEqual({
    file: 'main.yaml',
    line: 9,
    column: 19,
    message: 'unknown target "su"',
    hint: 'did you mean us?',
  });
});

test('on a terminal the line stands there with a caret under the place', async () => {
  const { code, out } = await check(GOOD.replace('refer: us', 'refer: su'));
  expect(code).toBe(1);
  expect(out).toContain(
    'main.yaml:9:19 problem unknown target "su"\n  9 |     do: [{ refer: su }, { refer: eu }]\n    |                   ^\n  hint: did you mean us?\n',
  );
  // They may exist, but with a problem none is played.
  expect(out).toContain(', 1 problem, no warnings, examples not run (');
  expect(out).not.toContain('\u001b');
  const coloured = await referee({ 'main.yaml': GOOD }, (dir) => ['check', dir], true);
  expect(coloured.out).toContain('\u001b[');
});

test('a named pipe among the routes is a problem, and nobody waits for it', async () => {
  const { code, out } = await referee({ 'main.yaml': GOOD }, (dir) => {
    spawnSync('mkfifo', [join(dir, 'more.yaml')]);
    return ['check', dir];
  });
  expect(code).toBe(1);
  expect(out).toContain('more.yaml:1:1 problem cannot be read: it is not a file');
});

test('warnings stand apart and do not fail a check', async () => {
  const { code, out } = await check(`${GOOD}lists: { l: ["+1900*"] }\n`, '--json');
  expect(code).toBe(0);
  expect((JSON.parse(out) as CheckReport).warnings.map((w) => w.message)).toEqual([
    'the list "l" is not used by any rule',
  ]);
});

test('a handler that throws while an example is played is a warning at that example', async () => {
  const example =
    'examples:\n  - name: anybody\n    call: { from: "+14155550101", to: "+14155550199" }\n    expect: { rule: otherwise }\n';
  const rule = '  - { name: coded, handler: handlers/coded.ts }\n';
  const files = {
    'main.yaml': GOOD.replace('rules:\n', `rules:\n${rule}`) + example,
    'handlers/coded.ts': 'export default () => { throw new Error("boom"); };\n',
  };
  const checked = (...args: string[]) => referee(files, (dir) => ['check', dir, ...args]);
  // On a busy machine it may miss its time before it throws, which is a warning as well.
  await expect
    .poll(async () => JSON.parse((await checked('--json')).out))
    .toMatchObject({
      examples: [{ ok: true }],
      warnings: [
        {
          file: 'main.yaml',
          message: 'in the example "anybody", rule coded: threw: boom',
          hint: 'its rule did not get the call',
        },
      ],
    });
  expect((await checked('--strict')).code).toBe(1);
});

test('a handler that misses its time limit once on a busy machine fails no example', async () => {
  const files = (n: number) => ({
    'main.yaml': `rules: [ { name: coded, handler: handlers/coded.ts } ]
otherwise: [ hangup ]
examples:
  - name: anybody
    call: { from: "+14155550101", to: "+14155550199" }
    expect: { rule: coded }
`,
    // Its first call in each process never ends.
    'handlers/coded.ts': `let asked = 0;
export default () => {
  asked += 1;
  while (asked === 1) {}
  return ['hangup'];
}; // ${n}
`,
  });
  let n = 0;
  // Of three tries more than one may miss the time of a busy machine; another file starts afresh.
  await expect
    .poll(async () => {
      n += 1;
      const { code, out } = await referee(files(n), (dir) => ['check', dir, '--strict']);
      return { code, out: out.replace(/^\S+/, '') };
    })
    .toMatchObject({ code: 0, out: expect.stringContaining('1 of 1 examples pass') });
});

test('for people, an example that fails says in words that no rule matched', async () => {
  const failing = async (expectation: string) => (await check(EXAMPLE(expectation))).out;
  expect(await failing('{ rule: otherwise }')).toContain('rule: expected no rule, got "support"\n');
  const nobody = EXAMPLE('{ rule: menu, ends: failed }').replace(
    'to: "+14155550100", at',
    'direction: outgoing, to: "+14155550100", at',
  );
  const { out } = await check(nobody);
  expect(out).toContain('rule: expected "menu", got no rule\n  ends: expected "failed", got');
});

test('route says otherwise only where otherwise runs', async () => {
  const later = `${GOOD.replace('rules:', 'rules:\n  - { name: keys, when: { event: call.dtmf.received, digits: "0" }, do: [hangup] }')}`;
  const told = async (text: string, ...args: string[]) => {
    const files = { 'main.yaml': text };
    const { out } = await referee(files, (dir) => ['route', '--routes', dir, ...args]);
    return out.split('\n').find((line) => line.includes('no rule'));
  };
  const nobody = ['--to', '+14155550199'];
  expect(await told(GOOD, ...nobody)).toBe('✓ otherwise  no rule matched: otherwise');
  expect(await told(GOOD, ...nobody, '--direction', 'outgoing')).toBe(
    '· no rule matched this outgoing leg: left unmanaged',
  );
  expect(await told(later, ...nobody)).toBe(
    '· no rule matched yet; "keys" waits for a later event: left unmanaged until then',
  );
});

test('check --strict exits 1 on warnings too, in JSON and JUnit alike', async () => {
  const text = `${GOOD}lists: { l: ["+1900*"] }\n`;
  const { code, out } = await check(text, '--strict', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [], warnings: [{ line: 19 }] });
  expect((await check(text, '--strict', '--junit')).out).toContain('failures="1"');
  expect((await check(text, '--junit')).out).toContain('failures="0"');
  expect((await check(GOOD, '--strict')).code).toBe(0);
});

test('parameters do not hide the number of a caller or of the number called', async () => {
  const { out } = await route(
    '--from=+353861234567;npdi;rn=+353869999999',
    '--to=+14155550100;npdi',
    '--at=2026-03-02T15:00:00Z',
  );
  expect(JSON.parse(out)).toMatchObject({ rule: 'support' });
});

test('a transfer to the number that was called is rejected, and the next step runs', async () => {
  const looping = GOOD.replace(
    '[{ refer: us }, { refer: eu }]',
    '[{ transfer: "+14155550100" }, { refer: eu }]',
  );
  const { out } = await referee({ 'main.yaml': looping }, (dir) => [
    ...['route', '--routes', dir, '--json', '--from=+353861234567', '--to=+14155550100'],
    '--at=2026-03-02T15:00:00Z',
  ]);
  expect((JSON.parse(out) as { attempts: unknown[] }).attempts).toEqual([
    { target: null, sip_address: '+14155550100', verdict: 'rejected' },
    { target: 'eu', sip_address: 'sip:a@eu.example.com', verdict: 'completed' },
  ]);
});

const EXAMPLE = (expectation: string, verdicts = '{ us: busy, eu: completed }') => `${GOOD}examples:
  - name: busy goes on
    call: { from: "+353861234567", to: "+14155550100", at: "2026-03-02T15:00:00Z" }
    verdicts: ${verdicts}
    expect: ${expectation}
`;

test('an example that holds passes', async () => {
  const { code, out } = await check(
    EXAMPLE(
      '{ rule: support, attempts: [us, eu], ends: referred, path: [answer, refer us, refer eu] }',
    ),
    '--json',
  );
  expect(code).toBe(0);
  expect((JSON.parse(out) as CheckReport).examples).toMatchObject([
    { name: 'busy goes on', ok: true },
  ]);
});

test('an example that fails says what was expected and what came', async () => {
  const { code, out } = await check(
    EXAMPLE('{ rule: otherwise, attempts: [eu], ends: rejected }'),
    '--json',
  );
  expect(code).toBe(1);
  const report = JSON.parse(out) as CheckReport;
  expect(report).toMatchObject({
    ok: false,
    problems: [],
    examples: [
      {
        ok: false,
        got: { rule: 'support', attempts: ['us', 'eu'], ends: 'referred' },
        expected: { rule: null, attempts: ['eu'], ends: 'rejected' },
        file: 'main.yaml',
        line: 20,
        column: 5,
      },
    ],
  });
});

test('a caller who leaves before the REFER is accepted: abandoned, in an example and in route', async () => {
  const wanted = '{ rule: support, attempts: [us, eu], ends: abandoned }';
  expect((await check(EXAMPLE(wanted, '{ us: busy, eu: abandoned }'))).code).toBe(0);
  const call = ['--to', '+14155550100', '--at', '2026-03-02T15:00:00Z'];
  const { code, out } = await route(...call, '--verdict', 'us=abandoned');
  expect([code, JSON.parse(out)]).toMatchObject([
    0,
    { attempts: [{ target: 'us', verdict: 'abandoned' }], ends: 'abandoned' },
  ]);
  const skipped = await route(...call, '--verdict', 'us=skipped');
  expect([skipped.code, skipped.err]).toEqual([
    2,
    expect.stringContaining('unknown verdict skipped'),
  ]);
});

test('an attempt that the example does not script is an error', async () => {
  const { code, out } = await check(EXAMPLE('{ rule: support }', '{ us: busy }'), '--json');
  expect(code).toBe(1);
  expect((JSON.parse(out) as CheckReport).examples[0]?.got.error).toMatch(
    /tried without a scripted verdict: eu/,
  );
});

test('--junit writes XML that pipelines show, into a file or to stdout', async () => {
  const bad = EXAMPLE('{ ends: rejected }').replace('busy goes on', 'a <b> & "c"');
  const { code, out } = await referee({ 'main.yaml': bad }, (dir) => ['check', dir, '--junit']);
  expect(code).toBe(1);
  expect(out).toContain(
    '<testcase classname="examples" name="a &lt;b&gt; &amp; &quot;c&quot;"><failure',
  );
  await withFolder({ 'main.yaml': GOOD }, async (dir) => {
    const file = join(dir, 'out.xml');
    const io = { stdout: { write: () => {} }, stderr: { write: () => {} }, env: {}, isTTY: false };
    expect(await runCheck(dir, { junit: file }, io)).toBe(0);
    expect(await readFile(file, 'utf8')).toContain('failures="0"');
    const unwritable = await written((io) => runCheck(dir, { junit: join(file, 'x') }, io));
    expect([unwritable.code, unwritable.out]).toEqual([2, '']);
    expect(unwritable.err).toContain('cannot be written: ENOTDIR');
  });
  const both = await referee({ 'main.yaml': GOOD }, (dir) => ['check', dir, '--json', '--junit']);
  expect([both.code, both.out]).toEqual([2, '']);
});

test('--junit before the folder: the folder is checked, not written to', async () => {
  const { code, out, err } = await referee({ 'main.yaml': GOOD }, (dir) => [
    'check',
    '--junit',
    dir,
  ]);
  expect([code, err]).toEqual([0, '']);
  expect(out).toContain('failures="0"');
  const both = await referee({ 'main.yaml': GOOD }, (dir) => ['check', '--json', '--junit', dir]);
  expect([both.code, both.out]).toEqual([2, '']);
});

test('--junit - is stdout, and makes no file of that name', async () => {
  const plain = await referee({ 'main.yaml': GOOD }, (dir) => ['check', dir, '--junit']);
  const shape = (out: string) => out.replace(/"[^"]*"/g, '""');
  for (const argv of [['--junit', '-', '--strict'], ['--junit=-']]) {
    const { code, out } = await referee({ 'main.yaml': GOOD }, (dir) => ['check', dir, ...argv]);
    expect([argv, code, shape(out)]).toEqual([argv, 0, shape(plain.out)]);
  }
  expect(existsSync('-')).toBe(false);
  const both = await referee({ 'main.yaml': GOOD }, (dir) => [
    'check',
    dir,
    '--json',
    '--junit',
    '-',
  ]);
  expect([both.code, both.out]).toEqual([2, '']);
});

test('a folder that is not there is a problem, not a crash', async () => {
  const { code, out } = await referee({}, (dir) => ['check', join(dir, 'nowhere'), '--json']);
  expect(code).toBe(1);
  const [problem] = (JSON.parse(out) as CheckReport).problems;
  expect(problem?.message).toMatch(/^cannot read the folder: it does not exist/);
  expect(problem?.hint).toBe('give the folder with the route files');
});

test('check also says which settings the server would refuse, but not what is not set', async () => {
  const files = {
    'main.yaml': 'otherwise: [ hangup ]\n',
    'tokens.txt': 'tokens: [ { name: anna } ]',
  };
  let folder = '';
  const env = { PORT: 'eighty', ROUTES_HANDLERS: 'no', TOKENS_FILE: '' };
  const { code, err } = await referee(
    files,
    (dir) => {
      folder = dir;
      env.TOKENS_FILE = join(dir, 'tokens.txt');
      return ['check', dir];
    },
    false,
    env,
  );
  expect(code).toBe(0);
  expect(err.split('\n')).toEqual([
    'referee check: "referee serve" would refuse these settings:',
    '  - PORT: expected a whole number from 0 to 65535, got "eighty". Correct it, or leave it unset for 3000.',
    '  - ROUTES_HANDLERS: expected true or false, got "no". Correct it, or leave it unset for true.',
    `  - ${join(folder, 'tokens.txt')}:1:11: an item of "tokens" has no role; add for example role: "viewer"`,
    `  - ${join(folder, 'tokens.txt')}:1:11: an item of "tokens" has no sha256; add sha256: …`,
    '',
  ]);
});

test('a broken guarantee hides no failing example', async () => {
  const { code, out } = await referee(
    {
      'main.yaml':
        'otherwise: [ hangup ]\nguarantees: [ { name: g, never_ends: [ hung_up ] } ]\nexamples: [ { name: e, call: { to: "+14155550100" }, expect: { ends: referred } } ]\n',
    },
    (dir) => ['check', dir, '--json'],
  );
  expect(code).toBe(1);
  const { problems, examples } = JSON.parse(out) as CheckReport;
  expect(problems).toHaveLength(1);
  expect(examples).toMatchObject([{ name: 'e', ok: false }]);
});

test('what to do about a folder that is not there depends on what names it', async () => {
  const hint = async (env: Record<string, string>) => {
    const { out } = await referee({}, () => ['check', '--json'], false, env);
    return (JSON.parse(out) as CheckReport).problems[0]?.hint;
  };
  expect(await hint({ ROUTES_DIR: '/nowhere' })).toBe(
    'ROUTES_DIR names it: set it to the folder with the route files',
  );
});

test('route --json says which rule, which steps, who was tried and why', async () => {
  const { code, out } = await route(
    '--from',
    '+353861234567',
    '--to',
    '+14155550100',
    '--at',
    '2026-03-02T15:00:00Z',
    '--verdict',
    'us=busy',
  );
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({
    rule: 'support',
    path: ['answer', 'refer us', 'refer eu'],
    attempts: [
      { target: 'us', sip_address: 'sip:a@us.example.com', verdict: 'busy' },
      { target: 'eu', sip_address: 'sip:a@eu.example.com', verdict: 'completed' },
    ],
    ends: 'referred',
    trace: [
      {
        rule: 'support',
        matched: true,
        why: expect.stringContaining('office is open on Monday 2026-03-02 10:00'),
      },
    ],
  });
});

test('route names for every rule skipped the clause that failed', async () => {
  const { out } = await route(
    '--from',
    '+353861234567',
    '--to',
    '+14155550100',
    '--at',
    '2026-03-01T15:00:00Z',
  );
  expect(JSON.parse(out)).toMatchObject({
    rule: null,
    ends: 'rejected',
    trace: [
      {
        rule: 'support',
        matched: false,
        why: 'schedule: office is closed on Sunday 2026-03-01 10:00 (America/New_York)',
      },
      { rule: 'vip', matched: false },
      { rule: 'menu', matched: false },
    ],
  });
});

test('route says when a number has no plus and country code; an extension needs none', async () => {
  const asked = await route('--to', '14155550100', '--from', '1001');
  expect(asked.err).toBe(
    'warning: --to 14155550100 has no plus and country code. Telnyx sends phone numbers as +14155550100.\n',
  );
  expect(JSON.parse(asked.out)).toMatchObject({ rule: null });
  expect((await route('--to', '+14155550100')).err).toBe('');
});

test('route takes headers, digits and a caller who leaves', async () => {
  const header = await route('--to', '+1', '--header', 'X-Tier=golden');
  expect(JSON.parse(header.out)).toMatchObject({ rule: 'vip' });
  const digits = await route('--to', '+14155550111', '--digits', '1');
  expect(JSON.parse(digits.out)).toMatchObject({ path: ['answer', 'menu', 'refer eu'] });
  const left = await route(
    '--to',
    '+14155550100',
    '--at',
    '2026-03-02T15:00:00Z',
    '--hangup-after',
    'us',
  );
  expect(JSON.parse(left.out)).toMatchObject({ ends: 'unconfirmed' });
});

test.each([
  [2, ['--to', '+1', '--verdict', 'us=bsy'], 'did you mean busy?'],
  [1, ['--to', '+1', '--verdict', 'su=busy'], 'did you mean us?'],
  [1, ['--to', '+1', '--verdict', 'constructor=busy'], 'unknown target "constructor"'],
  [2, ['--to', '+1', '--at', 'yesterday'], 'is not an ISO 8601 time'],
  [2, ['--to', '+1', '--at', '2026-03-02T15:00:00'], 'its zone is missing'],
  [2, ['--to', '+1', '--header', 'X'], 'name=value'],
  [2, ['--to', '+1', '--attestation', 'D'], 'A, B or C'],
  [2, ['--to', '+1', '--connection-id', 'main'], 'digits only'],
  [2, ['--to', '+1', '--digits', 'one'], '0 to 9'],
  [2, ['--to', '+1', '--lookup', 'crm=gold'], '--lookup crm=gold: lookup.field=value'],
  [2, ['--to', '+1', '--lookup', '.tier=gold'], 'lookup.field=value'],
  [2, ['--to', '+1', '--lookup', 'crm.=gold'], 'lookup.field=value'],
  [2, ['--to', ' '], 'A value is expected, got nothing.'],
])('route exits %i on %j, with words', async (exit, args, words) => {
  const { code, err, out } = await route(...args);
  expect(code).toBe(exit);
  expect(out).toBe('');
  expect(err).toContain(words);
});

test.each([
  '+44 (0)20 7123-4567',
  '0044 20 7123 4567',
  'tel:+44-20-7123-4567;ext=5',
  '+44\u00a020.7123/4567',
  '\uff0b442071234567',
])('route takes a number as people write it: %j', async (number) => {
  const { code, out, err } = await referee(
    { 'main.yaml': GOOD.replace('+14155550111', '+442071234567') },
    (dir) => ['route', '--routes', dir, '--json', '--from', number, '--to', number],
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toMatchObject({ rule: 'menu' });
});

test.each([[['route', '--to', '+14155550100']], [['schedule']]])(
  '%j refuses a time without a zone, in the words of the API',
  async ([command = '', ...more]) => {
    const answer = await referee({ 'main.yaml': GOOD }, (dir) => [
      command,
      '--routes',
      dir,
      ...more,
      '--at',
      '2026-03-02T15:00',
    ]);
    expect([answer.code, answer.out, answer.err]).toEqual([
      2,
      '',
      `referee ${command}: --at: "2026-03-02T15:00" is not an ISO 8601 time such as 2026-03-02T15:00:00Z; its zone is missing: write 2026-03-02T15:00Z for UTC, or 2026-03-02T15:00-05:00\n`,
    ]);
  },
);

test.each([
  ['check', (dir: string) => ['check', dir]],
  ['route', (dir: string) => ['route', '--routes', dir, '--to', '+14155550100']],
  ['prove', (dir: string) => ['prove', dir]],
  ['schedule', (dir: string) => ['schedule', '--routes', dir]],
  ['replay', (dir: string) => ['replay', '--routes', dir, '--calls', '-']],
])('%s of a bad set says so in its last line and exits 1', async (_, args) => {
  const { code, out, err, dir } = await referee({ 'main.yaml': 'rules: 7\n' }, args);
  expect(code).toBe(1);
  const last = `${out}${err}`.trimEnd().split('\n').at(-1);
  expect(last).toMatch(/has problems, so|not ok: /);
  expect(last).toContain(dir);
});

test('route of a bad set shows its problems and exits 1', async () => {
  const { code, err } = await referee({ 'main.yaml': 'ruls: []' }, (dir) => [
    'route',
    '--routes',
    dir,
    '--to',
    '+1',
  ]);
  expect(code).toBe(1);
  expect(err).toContain('did you mean rules?');
});

test('schedule shows no times that --at would not accept', async () => {
  const args = ['schedule', 'office', '--at', '9999-12-30T12:00:00Z', '--json', '--routes'];
  const { out } = await referee({ 'main.yaml': GOOD }, (dir) => [...args, dir]);
  const [office] = JSON.parse(out).schedules;
  expect(office.switches.map((s: { at: string }) => s.at)).toEqual([
    '9999-12-30T14:00:00.000Z',
    '9999-12-30T22:30:00.000Z',
    '9999-12-31T14:00:00.000Z',
    '9999-12-31T22:30:00.000Z',
  ]);
  expect(office.clock_change).toBe(null);
});

test('schedule shows the coming switches over a change of clocks', async () => {
  const args = (dir: string) => [
    'schedule',
    'office',
    '--routes',
    dir,
    '--at',
    '2026-03-06T12:00:00Z',
    '--count',
    '3',
  ];
  const { out } = await referee({ 'main.yaml': GOOD }, args);
  expect(out).toBe(`office is closed on Friday 2026-03-06 07:00 (America/New_York)
  opens  Friday 2026-03-06 09:00 (America/New_York)
  closes Friday 2026-03-06 17:30 (America/New_York)
  clocks forward 60 min  Sunday 2026-03-08 03:00 (America/New_York)
  opens  Monday 2026-03-09 09:00 (America/New_York)
`);
  const json = await referee({ 'main.yaml': GOOD }, (dir) => [...args(dir), '--json']);
  expect(JSON.parse(json.out).schedules[0].switches.map((s: { at: string }) => s.at)).toEqual([
    '2026-03-06T14:00:00.000Z',
    '2026-03-06T22:30:00.000Z',
    '2026-03-09T13:00:00.000Z',
  ]);
});

test('schema prints the JSON Schema', async () => {
  expect((await referee({}, () => ['schema'])).out).toBe(schemaText());
});

test('the routes that ship pass their own examples', async () => {
  const { code, out } = await referee({}, () => ['check', 'routes', '--json']);
  expect(JSON.parse(out)).toMatchObject({ ok: true, problems: [], warnings: [] });
  expect(code).toBe(0);
});

const HOLIDAYS = `schedules: { office: { zone: America/New_York, open: ["mon-sun 00:00-24:00"], closed_ical: { file: c.ics, only: "Public holiday" } } }
rules: [{ name: open, when: { schedule: office }, do: [hangup] }]
otherwise: [{ reject: busy }]
examples:
  - { name: holiday, call: { from: "+14155550123", to: "+14155550100", at: "2027-01-18T17:00:00Z" }, expect: { rule: otherwise } }
  - { name: observance, call: { from: "+14155550123", to: "+14155550100", at: "2027-02-15T17:00:00Z" }, expect: { rule: open } }
`;

test('check, route and schedule agree on what a calendar closes', async () => {
  const fixture = new URL('../fixtures/calendars/15-google-observance.ics', import.meta.url);
  const files = { 'main.yaml': HOLIDAYS, 'c.ics': await readFile(fixture) };
  const checked = await referee(files, (dir) => ['check', '--json', dir]);
  expect(JSON.parse(checked.out)).toMatchObject({
    ok: true,
    warnings: [],
    examples: [{ ok: true }, { ok: true }],
  });
  const routed = await referee(files, (dir) => [
    'route',
    '--routes',
    dir,
    '--json',
    '--to',
    '+14155550100',
    '--at',
    '2027-01-18T17:00:00Z',
  ]);
  expect(JSON.parse(routed.out)).toMatchObject({ rule: null, ends: 'rejected' });
  const asked = await referee(files, (dir) => [
    'schedule',
    '--routes',
    dir,
    '--json',
    '--at',
    '2027-01-17T12:00:00Z',
  ]);
  expect(JSON.parse(asked.out)).toMatchObject({
    schedules: [
      {
        open: true,
        switches: [
          { at: '2027-01-18T05:00:00.000Z', open: false },
          { at: '2027-01-19T05:00:00.000Z', open: true },
        ],
      },
    ],
  });
});

test.each(['check', 'route', 'schedule'])(
  '%s shows a zone that is none at its place, with the one that is meant',
  async (command) => {
    const text = HOLIDAYS.replace('America/New_York', 'PST').replace(/, closed_ical: {.*?}/, '');
    const { code, out, err } = await referee({ 'main.yaml': text }, (dir) =>
      command === 'check'
        ? ['check', dir]
        : [command, '--routes', dir, ...(command === 'route' ? ['--to', '+14155550100'] : [])],
    );
    expect(code).toBe(1);
    expect(out + err).toContain('main.yaml:1:30 problem unknown time zone "PST"');
    expect(out + err).toContain('did you mean America/Los_Angeles?');
  },
);
