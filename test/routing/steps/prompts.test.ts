import { expect, test } from 'vitest';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import { decide } from '../../../src/core/rules/decide.ts';
import { facts } from '../../helpers/route-set.ts';
import { load, problemsOf, warningsOf } from '../routes-folder.ts';

const PROMPTS = `prompts:
  hi: { en: "Hello.", de: "Hallo." }
  sorry: { en: "Sorry.", de: { say: "Entschuldigung.", voice: Vicki } }
  tune: { en: { play: "https://media.example.com/a.mp3" }, de: "La la." }`;

test('a rule decides in which language its callers are spoken to, to the last', async () => {
  const loaded = await load(`${PROMPTS}
flows: { greet: [{ say: { prompt: hi } }, { say: { prompt: tune } }] }
policy: { while_moving: { say: { prompt: sorry } } }
rules:
  - { name: b, when: { to: "+4930901820" }, language: de, do: [{ run: greet }, { menu: { say: { prompt: tune }, digits: { "1": [hangup] } } }] }
otherwise: [{ run: greet }]
last_resort: [{ say: { prompt: sorry } }, hangup]`);
  expect([...problemsOf(loaded), ...warningsOf(loaded)]).toEqual([]);
  if (!loaded.ok) return;
  const moment = { event: 'call.initiated' as const, digits: null, at: 0 };
  const said = (to: string) => {
    const { plan, lastResort, policy } = decide(
      compileRouteSet(loaded.set),
      facts({ to }),
      moment,
      {},
    );
    return [...(plan ?? []), ...lastResort, policy.whileMoving].map((step) =>
      step !== null && 'text' in step ? step.text : step?.do,
    );
  };
  const german = ['Hallo.', 'La la.', 'La la.', 'Entschuldigung.', 'hangup', 'Entschuldigung.'];
  expect(said('+4930901820')).toEqual(german);
  expect(said('+14155550100')).toEqual(['Hello.', 'play', 'Sorry.', 'hangup', 'Sorry.']);
});

const OTHERWISE = 'otherwise: [hangup]';

test.each(['de', 'fi', 'no', 'nn', 'zh', 'cmn', 'ar', 'en-gb', 'en-GB-WLS', 'es-419', 'gsw'])(
  'a rule and its prompts may have the language %s',
  async (language) => {
    const prompt = `prompts: { a: { ${language}: "?" } }`;
    const rules = `rules: [ { name: a, language: ${language}, do: [ { say: { prompt: a } } ] } ]`;
    expect(problemsOf(await load(`${prompt}\n${rules}\n${OTHERWISE}`))).toEqual([]);
  },
);

test.each([
  [
    'an unknown prompt',
    `${PROMPTS}\notherwise: [{ say: { prompt: ho } }]`,
    '5:20 unknown prompt "ho" (did you mean',
  ],
  [
    'a language that is none',
    `prompts: { a: { "de_DE": "Hallo." } }\n${OTHERWISE}`,
    'is not a language',
  ],
  [
    'a language of a prompt that does not exist',
    `prompts: { a: { de: "Hallo.", xx: "?" } }\n${OTHERWISE}`,
    '1:31 unknown language "xx" (a language code such as de, en or en-GB)',
  ],
  [
    'a language of a rule that does not exist',
    `rules: [ { name: a, language: xx, do: [ hangup ] } ]\n${OTHERWISE}`,
    '1:31 unknown language "xx" (a language code such as de, en or en-GB)',
  ],
  [
    'a language in a country that does not exist',
    `rules: [ { name: a, language: de-XX, do: [ hangup ] } ]\n${OTHERWISE}`,
    '1:31 unknown language "de-XX" (did you mean de-DE?)',
  ],
  [
    'a code that is not the usual one, which no prompt would have',
    `rules: [ { name: a, language: deu, do: [ hangup ] } ]\n${OTHERWISE}`,
    '1:31 unknown language "deu" (did you mean de?)',
  ],
  ['a prompt of nothing', `prompts: { a: {} }\n${OTHERWISE}`, 'is empty'],
])('%s is a problem', async (_what, text, message) => {
  expect(problemsOf(await load(text))[0]).toContain(message);
});

test('a prompt that nothing says, and one without the language of its rule, is a warning', async () => {
  const text = `${PROMPTS}
rules: [{ name: p, when: { to: "+33142685300" }, language: fr, do: [{ say: { prompt: hi } }] }]
otherwise: [{ say: { prompt: tune } }]`;
  expect(warningsOf(await load(text))).toEqual([
    '2:3 the prompt "hi" does not exist in fr, the language of the rule "p": callers hear it in en (add fr: to it)',
    '3:3 the prompt "sorry" is not used by any rule (remove it, or use it)',
  ]);
});

test('the name of a prompt in place of the prompt is a warning', async () => {
  const set = (say: string) => `prompts: { hello: { en: "Welcome." } }
rules: [ { name: a, do: [ { say: { prompt: hello } }, hangup ] } ]
otherwise: [ { say: ${say} }, { menu: { say: ${say}, digits: { "1": [ hangup ] } } } ]
`;
  const warning =
    '"hello" is the name of a prompt, but here it is the text that is spoken (write { prompt: hello })';
  expect(warningsOf(await load(set('hello')))).toEqual([`3:21 ${warning}`, `3:45 ${warning}`]);
  expect(warningsOf(await load(set('Hello')))).toEqual([]);
});

test('an English last resort for callers of another language is a warning, once', async () => {
  const set = (rules: string, more = '') => `targets: { desk: { sip: "sip:desk@pbx.example.com" } }
policy: { via: { pstn: [ refer, transfer ] }${more} }
rules: [ ${rules} ]
otherwise: [ hangup ]
`;
  const rule = (name: string, language: string, steps = '{ refer: desk }') =>
    `{ name: no ${name}, when: { to: "+49309018${name}" }, language: ${language}, do: [ ${steps} ] }`;
  const said = async (text: string) => warningsOf(await load(text));
  expect(
    await said(set(`${rule('10', 'en-GB')}, ${rule('11', 'de')}, ${rule('12', 'fr')}`)),
  ).toEqual([
    expect.stringMatching(
      /^3:\d+ callers of "no 11" are spoken to in de, but the default last_resort is/,
    ),
  ]);
  const general = set('{ name: a, do: [ { refer: desk } ] }', ', language: de-DE');
  expect(await said(general)).toHaveLength(1);
  const own = 'last_resort: [ { say: "Leider nicht." }, hangup ]\n';
  expect(await said(general + own)).toEqual([]);
  const spoken = rule('11', 'de', '{ say: "Guten Tag." }, hangup');
  expect(await said(set(`${rule('10', 'en')}, ${spoken}`))).toEqual([]);
});
