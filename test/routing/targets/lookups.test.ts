/** Lookups in route files: everything wrong with one is a problem with its place. */
import { describe, expect, test } from 'vitest';
import { runExamples } from '../../../src/routing/expected/examples.ts';
import { loadCompiled } from '../../../src/routing/load.ts';
import { load, problemsOf, warningsOf, withFolder } from '../routes-folder.ts';

const env = { CRM_TOKEN: 'token' };

/** A file with one lookup and one rule; line 3 is the lookup's. */
function routes(lookup: string, when = 'crm: { tier: gold }', more = ''): string {
  return `policy: { allow: ["sip:*@pbx.example.com"] }
lookups:
  crm: { ${lookup} }
targets: { queue: { sip: "sip:queue@pbx.example.com" } }
rules:
  - { name: gold, when: { caller_type: sip, lookup: { ${when} } }, do: [ { refer: queue } ] }
otherwise: [ { reject: declined } ]
${more}`;
}

const GOOD = 'url: "https://crm.example.com/who?n={from}", keep: ["$.tier", "$.a.agent"]';
const url = (text: string) => `url: "${text}", keep: ["$.tier"]`;
const problems = async (text: string) => problemsOf(await load(text, { env }));

test('a good one is read whole, and its defaults are short', async () => {
  const loaded = await load(
    routes(
      `${GOOD}, timeout: 400ms, headers: { Authorization: "Bearer \${CRM_TOKEN}" }, cache: 10m`,
    ),
    { env },
  );
  expect(problemsOf(loaded)).toEqual([]);
  if (!loaded.ok) return;
  expect(loaded.set.lookups.get('crm')).toMatchObject({
    headers: [{ name: 'Authorization', value: `Bearer \${CRM_TOKEN}` }],
    keep: [
      { name: 'tier', path: ['tier'] },
      { name: 'agent', path: ['a', 'agent'] },
    ],
    timeoutMs: 400,
    cacheMs: 600_000,
  });
  const short = await load(routes(GOOD), { env });
  expect(short.ok && short.set.lookups.get('crm')).toMatchObject({
    timeoutMs: 1_000,
    cacheMs: null,
  });
});

describe('its address', () => {
  test.each(['http://127.0.0.1:8080/who', 'http://localhost/x?n={from}', 'http://[::1]:80/'])(
    '%s may be http',
    async (text) => expect(await problems(routes(url(text)))).toEqual([]),
  );

  test.each([
    ['http://crm.example.com/who', 'is http, which anybody on the way can read and change'],
    ['http://127.0.0.1.example.com/', 'is http'],
    ['https://{from}.example.com/', 'has a placeholder in its host, or no host'],
    ['https://crm.example.com{from}', 'has a placeholder in its host, or no host'],
    ['ftp://crm.example.com/', 'is not an https address'],
    ['crm.example.com/who', 'is not an https address'],
    ['https://user:pass@crm.example.com/', 'contains a user name or password'],
    [`https://crm.example.com/?k=\${CRM_TOKEN}`, 'is not allowed in the url'],
    ['https://crm.example.com/#{from}', 'what follows # is never sent'],
    ['https://crm.example.com/{form}', '{form} is not a placeholder'],
    ['https://crm.example.com/{lookup:crm.tier}', 'cannot use the answer of another one'],
    ['https://crm.example.com/?n={row:name}', 'cannot use the row of a table'],
  ])('%s may not', async (text, words) => {
    expect(await problems(routes(url(text)))).toEqual([expect.stringContaining(words)]);
  });
});

describe('a secret in its query', () => {
  const warnings = async (text: string) => warningsOf(await load(routes(url(text)), { env }));

  test.each(['token', 'api_key', 'key', 'client_secret'])('as %s is warned of', async (name) => {
    const [warning, ...more] = await warnings(
      `https://crm.example.com/who?n={from}&${name}=s3cret`,
    );
    expect(warning).toContain(`3:15 "${name}" in the query looks like a secret, written as plain`);
    expect(warning).toContain('send it in headers:, as a reference');
    expect(warning).not.toContain('s3cret');
    expect(more).toEqual([]);
  });

  test.each(['?token={call_session_id}', '?key={from}', '?code=IE', '?n=1&token=', '?keys=3'])(
    '%s holds none',
    async (query) => expect(await warnings(`https://crm.example.com/who${query}`)).toEqual([]),
  );
});

describe('its headers', () => {
  test.each([
    [`Authorization: "Bearer abc"`, 'write secrets as references'],
    [`Authorization: "\${CRM_TOKNE}"`, 'did you mean CRM_TOKEN?'],
    [`X-Caller: "{from}"`, 'placeholders such as {from} go into the url'],
    ['Host: other.example.com', 'Host is set by Referee itself'],
    [`X-A: a, x-a: b`, 'appears twice'],
  ])('%s', async (headers, words) => {
    expect(await problems(routes(`${GOOD}, headers: { ${headers} }`))).toEqual([
      expect.stringContaining(words),
    ]);
  });

  test('no problem repeats a secret', async () => {
    const headers = (value: string) => routes(`${GOOD}, headers: { Authorization: "${value}" }`);
    for (const value of ['Bearer hunter2', 'Bearer hunter2}', 'Bearer hunter2\u00a0']) {
      const found = await problems(headers(value));
      expect(found).toHaveLength(1);
      expect(found.join()).not.toContain('hunter2');
    }
  });
});

describe('what it keeps', () => {
  test.each(['tier', '$', '$.', '$.a[0]', '$..tier', '$.*', '$.a b'])(
    '%s is not a simple path',
    async (path) => {
      const found = await problems(routes(`url: "https://crm.example.com/", keep: ["${path}"]`));
      expect(found).toEqual([
        `3:50 "${path}" is not a simple path (for example "$.tier" or "$.customer.tier": keys joined by dots, nothing else)`,
      ]);
    },
  );

  test('two paths of one name', async () => {
    const keep = 'url: "https://crm.example.com/", keep: ["$.tier", "$.old.tier"]';
    expect(await problems(routes(keep))).toEqual([
      '3:60 "$.old.tier" and "$.tier" are both named tier, by their last key (keep one of them)',
    ]);
  });
});

test.each([
  ['timeout: 6s', '3:95 timeout "6s" is out of bounds (from 50ms to 5s)'],
  ['cache: 1ms', '3:93 cache "1ms" is out of bounds (from 1s to 24h)'],
])('%s is out of bounds', async (more, problem) => {
  expect(await problems(routes(`${GOOD}, ${more}`))).toEqual([problem]);
});

test('a name or a field that does not exist has its nearest as hint, wherever it stands', async () => {
  expect(await problems(routes(GOOD, 'crn: { tier: gold }'))).toEqual([
    '6:55 unknown lookup "crn" (did you mean crm?)',
  ]);
  expect(await problems(routes(GOOD, 'crm: { teir: gold }'))).toEqual([
    '6:62 the lookup "crm" keeps no "teir" (did you mean tier?)',
  ]);
  const place = (text: string) => routes(GOOD).replace('sip:queue@', `sip:${text}@`);
  expect(await problems(place('{lookup:crm.agnet}'))).toEqual([
    '4:26 the lookup "crm" keeps no "agnet" (did you mean agent?)',
  ]);
  expect(await problems(place('{lookup:crm.agent}'))).toEqual([]);
  const example = (lookups: string) =>
    routes(
      GOOD,
      undefined,
      `examples: [ { name: e, call: { to: "+14155550100" }, lookups: { ${lookups} }, expect: { rule: otherwise } } ]`,
    );
  expect(await problems(example('crm: { agnet: "1" }'))).toEqual([
    expect.stringContaining('keeps no "agnet" (did you mean agent?)'),
  ]);
  expect(await problems(example('crn: { tier: gold }'))).toEqual([
    expect.stringContaining('unknown lookup "crn" (did you mean crm?)'),
  ]);
});

test('a destination that it fills must be possible within policy.allow', async () => {
  const elsewhere = routes(GOOD).replace('sip:queue@pbx', 'sip:{lookup:crm.agent}@other');
  expect(await problems(elsewhere)).toEqual([expect.stringContaining('can never be reached')]);
});

test('one that nothing uses is a warning; more than a caller waits for are a problem', async () => {
  const unused = routes(GOOD).replace(', lookup: { crm: { tier: gold } }', '');
  expect(warningsOf(await load(unused, { env }))).toContainEqual(
    '3:3 the lookup "crm" is not used by any rule (remove it, or use it)',
  );
  const nine = Array.from({ length: 9 }, (_, n) => `  c${n}: { ${GOOD} }`).join('\n');
  const many = routes(GOOD).replace(/^ {2}crm:.*$/m, `  crm: { ${GOOD} }\n${nine}`);
  expect(await problems(many)).toEqual([
    '11:3 more than 8 lookups (a caller may wait for all of them: keep several fields of one answer)',
  ]);
});

test('a rule for all its callers hides one with a lookup, and not the other way round', async () => {
  const two = (first: string, second: string) =>
    routes(GOOD).replace(
      /^ {2}- .*$/m,
      `  - { name: a, when: { to: "+14155550100"${first} }, do: [ { refer: queue } ] }\n  - { name: b, when: { to: "+14155550100"${second} }, do: [ { refer: queue } ] }`,
    );
  const gold = ', lookup: { crm: { tier: gold } }';
  const hidden = async (text: string) =>
    warningsOf(await load(text, { env })).filter((each) => each.includes('never'));
  expect(await hidden(two('', gold))).toHaveLength(1);
  expect(await hidden(two(gold, ''))).toEqual([]);
  expect(await hidden(two(gold, gold))).toHaveLength(1);
  expect(await hidden(two(', lookup: { crm: { tier: "g*" } }', gold))).toHaveLength(1);
});

test('an example is played with its script, and nobody is asked', async () => {
  const text = routes(
    GOOD,
    undefined,
    `examples:
  - { name: gold, call: { from: "sip:a@example.net", to: "+14155550100", caller_type: sip }, lookups: { crm: { tier: gold } }, verdicts: { queue: completed }, expect: { rule: gold } }
  - { name: silver, call: { from: "sip:a@example.net", to: "+14155550100", caller_type: sip }, lookups: { crm: { tier: silver } }, expect: { rule: otherwise } }
  - { name: down, call: { from: "sip:a@example.net", to: "+14155550100", caller_type: sip }, expect: { rule: otherwise } }`,
  );
  await withFolder({ 'main.yaml': text }, async (dir) => {
    const loaded = await loadCompiled(dir, { env, handlers: true });
    if (!loaded.ok) expect.fail(JSON.stringify(loaded.problems));
    const { results } = runExamples(loaded.set, loaded.examples, 0);
    expect(results.map(({ name, ok }) => [name, ok])).toEqual([
      ['gold', true],
      ['silver', true],
      ['down', true],
    ]);
  });
});

test('a guarantee about waiting counts its time', async () => {
  const promised = (wait: string) =>
    routes(
      `${GOOD}, timeout: 2s`,
      undefined,
      `guarantees: [ { name: g, rules: [otherwise], wait: ${wait} } ]`,
    );
  const check = (text: string) =>
    withFolder({ 'main.yaml': text }, (dir) => loadCompiled(dir, { env, handlers: true }));
  expect(problemsOf(await check(promised('2s')))).toEqual([]);
  expect(problemsOf(await check(promised('1s')))).toEqual([
    expect.stringContaining(
      'a caller may wait 2 s, more than 1 s (crm answers, then we reject the call',
    ),
  ]);
});

test('what all callers may hear says a lookup that a rule never asks: a warning', async () => {
  const resort = 'last_resort: [ { say: "Ask for {lookup:crm.agent}." }, hangup ]';
  const unasked = async (text: string) =>
    warningsOf(await load(text, { env })).filter((each) => each.includes('never asks'));
  expect(await unasked(routes(GOOD, undefined, resort))).toEqual([]);

  const before = (steps: string) =>
    routes(GOOD, undefined, resort).replace(
      /^rules:$/m,
      `rules:\n  - { name: first, when: { to: "+14155550100" }, do: [ ${steps} ] }`,
    );
  const [warning = '', ...others] = await unasked(before('{ refer: queue }'));
  expect(warning).toMatch(
    /^9:1 last_resort says \{lookup:crm\.…\}, but the rule "first" never asks "crm"/,
  );
  expect(others).toEqual([]);
  // Its own steps ask it, or its callers never hear the last resort.
  expect(await unasked(before('{ say: "{lookup:crm.tier} it is." }, { refer: queue }'))).toEqual(
    [],
  );
  expect(await unasked(before('{ reject: busy }'))).toEqual([]);

  const moving = before('{ refer: queue }')
    .replace(resort, '')
    .replace('policy: {', 'policy: { while_moving: { say: "Hello {lookup:crm.tier}." },');
  expect(await unasked(moving)).toEqual([
    expect.stringMatching(/^1:11 while_moving says \{lookup:crm\.…\}, but the rule "first"/),
  ]);
});
