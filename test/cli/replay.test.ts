/** `referee replay`: exported calls against routes folders: text, JSON and exit codes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { exportJson } from '../../src/core/recording/export.ts';
import { loadRoutes } from '../../src/routing/load.ts';
import { recordCall, type Story } from '../helpers/recorded-call.ts';
import { written } from '../helpers/written.ts';

const HEAD = `targets:
  us: { sip: "sip:us@pbx.example.com" }
  eu: { sip: "sip:eu@pbx.example.com" }
  dublin: { sip: "sip:dublin@pbx.example.com" }
policy: { via: { pstn: refer } }
otherwise: [{ reject: declined }]
rules:
`;
const RULES = {
  live: `  - { name: support, when: { to: "+14155550100" }, do: [ { refer: us }, { refer: eu } ] }
  - { name: theirs, when: { to: "+14155550111" }, do: [ ignore ] }
`,
  moved: `  - { name: support, when: { to: "+14155550100" }, do: [ { refer: dublin } ] }
`,
  gone: `  - { name: support, when: { to: "+14155550177" }, do: [ { refer: us } ] }
`,
  broken: `  - { name: support, when: { to: "+14155550100" }, do: [ { refer: nowhere } ] }
`,
};

let folder: string;
let lines: string[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'referee-replay-'));
  for (const [name, rules] of Object.entries(RULES)) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'main.yaml'), HEAD + rules);
  }
  const loaded = await loadRoutes(join(folder, 'live'), { env: {}, handlers: false });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const stories: Record<string, Story> = {
    'v3:straight': {},
    'v3:busy': { targets: { us: [{ verdict: 'busy' }] } },
    'v3:theirs': { facts: { to: '+14155550111' } },
  };
  lines = Object.entries(stories).map(([callId, story]) =>
    JSON.stringify(
      exportJson(recordCall(loaded.set, { ...story, facts: { ...story.facts, callId } })),
    ),
  );
  writeFileSync(join(folder, 'calls.jsonl'), `${lines.join('\n')}\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

function replay(options: string[], given: { calls?: string; isTTY?: boolean } = {}) {
  const calls = given.calls === undefined ? join(folder, 'calls.jsonl') : '-';
  return written((io) => runCli(['replay', '--calls', calls, ...options], io), {
    stdin: Readable.from([Buffer.from(given.calls ?? '')]),
    env: { ENV_FILE: '' },
    isTTY: given.isTTY ?? false,
  });
}

const routes = (name: keyof typeof RULES) => ['--routes', join(folder, name)];
const against = (name: keyof typeof RULES) => ['--against', join(folder, name)];

describe('the routes that decided', () => {
  test('move nobody, and a sentence says so', async () => {
    const { code, out, err } = await replay([...routes('live'), '--fail-on-change']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Nobody goes elsewhere: 2 calls go as they did.');
    expect(out).toContain('Not compared: 1 call (1 left to another application).');
  });

  test('are the same as themselves in another folder', async () => {
    const { out } = await replay([...routes('live'), ...against('live')]);
    expect(out).toContain(`Nobody goes elsewhere: 2 calls go as with ${folder}/live.`);
  });
});

describe('other routes', () => {
  test('show from where to where, how many, which calls, and what is assumed', async () => {
    const { code, out } = await replay(routes('moved'));
    expect(code).toBe(0);
    expect(out).toContain('2 calls would go elsewhere.');
    expect(out).toMatch(/^ +1 {2}support → us {2}support → dublin\n +v3:straight$/m);
    expect(out).toMatch(/^ +1 {2}support → eu {2}support → dublin\n +v3:busy$/m);
    expect(out).toContain('Assumed: dublin completes, for 2 calls that did not reach it then.');
    expect(out).toMatch(/^billed moves +3 +2$/m);
    expect((await replay([...routes('moved'), '--fail-on-change'])).code).toBe(1);
  });

  test('answer in JSON with the calls to open', async () => {
    const { out } = await replay([...routes('gone'), '--json']);
    expect(JSON.parse(out)).toMatchObject({
      calls: 3,
      same: 0,
      differs: 2,
      skipped: 1,
      ends: { before: { referred: 2 }, after: { rejected: 2 } },
      moves: { before: 3, after: 0 },
      list: [
        {
          call_control_id: 'v3:straight',
          from: '+14155550101',
          to: '+14155550100',
          at: '2026-03-02T15:00:00.000Z',
          before: { rule: 'support', attempts: ['us'], ends: 'referred' },
          after: { rule: 'otherwise', attempts: [], ends: 'rejected' },
          assumed: [],
        },
        { before: { attempts: ['us', 'eu'] } },
      ],
    });
  });

  test('are compared with each other', async () => {
    const { out } = await replay([...routes('gone'), ...against('moved'), '--json']);
    expect(JSON.parse(out)).toMatchObject({
      differs: 2,
      changes: [
        {
          before: { rule: 'support', target: 'dublin' },
          after: { rule: 'otherwise', target: null },
          calls: 2,
          examples: ['v3:straight', 'v3:busy'],
        },
      ],
    });
  });

  test('that have problems replay nothing', async () => {
    const { code, out, err } = await replay(routes('broken'));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('has problems, so no call is replayed');
    const other = await replay([...routes('live'), ...against('broken')]);
    expect(other).toMatchObject({ code: 1, out: '' });
  });
});

describe('an export that cannot be read', () => {
  test.each([
    [
      'one cut in the middle',
      () => `${lines[0]}\n${lines[1]?.slice(0, 300)}`,
      /stdin:2: .*cut off/,
    ],
    ['one of a newer release', () => changed({ version: 99 }), /stdin:1: version: .*newer release/],
    ['one of another program', () => '{"hello":"world"}\n', /stdin:1: format: /],
    ['something else', () => 'from,to\n1,2\n', /stdin:1: it is not JSON/],
  ])('%s is named by its line, and nothing is counted', async (_, text, problem) => {
    const { code, out, err } = await replay([...routes('live'), '--json'], { calls: text() });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(problem);
  });

  test('a file that is not there', async () => {
    const { code, err } = await replay([...routes('live'), '--calls', join(folder, 'none.jsonl')]);
    expect(code).toBe(2);
    expect(err).toMatch(/none\.jsonl cannot be read: ENOENT/);
  });

  test('an option that does not exist', async () => {
    expect((await replay(['--all'])).code).toBe(2);
  });
});

test('a call that is listed twice is counted once, and a warning says so', async () => {
  const twice = await replay([...routes('gone'), '--json'], {
    calls: [...lines, ...lines, lines[0]].join('\n'),
  });
  expect(JSON.parse(twice.out)).toMatchObject({ calls: 3, differs: 2, skipped: 1 });
  expect(twice.err).toContain('warning: stdin: 4 lines list calls that an earlier line has listed');
  const once = await replay([...routes('gone'), '--json']);
  expect({ out: once.out, err: once.err }).toEqual({ out: twice.out, err: '' });
});

test('--since leaves out earlier calls of a file', async () => {
  const { out } = await replay([...routes('gone'), '--since', '2026-03-03T00:00:00Z']);
  expect(out).toContain('There are no calls');
});

function changed(fields: object): string {
  return `${JSON.stringify({ ...JSON.parse(lines[0] ?? ''), ...fields })}\n`;
}
