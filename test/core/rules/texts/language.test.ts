import { describe, expect, test } from 'vitest';
import type { Prompt, RouteStep } from '../../../../src/core/rules/rule.ts';
import { pinPolicy, resolveSteps } from '../../../../src/core/rules/targets/target.ts';
import { spokenLanguage, variantFor } from '../../../../src/core/rules/texts/language.ts';
import { valuesFor } from '../../../../src/core/rules/texts/placeholder.ts';
import { facts, routeSet } from '../../../helpers/route-set.ts';

const welcome: Prompt = {
  name: 'welcome',
  variants: [
    { language: 'en', words: { say: [{ literal: 'Welcome.' }], voice: null } },
    { language: 'de', words: { say: [{ literal: 'Willkommen.' }], voice: 'Vicki' } },
    { language: 'fr', words: { play: 'https://media.example.com/a.mp3' } },
  ],
};

test.each([
  ['de', null, 'de-DE'],
  ['en', null, 'en-US'],
  ['en', 'en-GB', 'en-GB'],
  ['en', 'de-DE', 'en-US'],
  ['en-gb', 'en-US', 'en-GB'],
  ['ja', null, 'ja-JP'],
  ['zh', null, 'cmn-CN'],
  ['pt-BR', null, 'pt-BR'],
  ['fi', null, null],
])('%s is spoken, with a policy of %s, as %s', (language, policy, spoken) => {
  expect(spokenLanguage(language, [null, policy])).toBe(spoken);
});

test('a prompt is heard in the first wanted language that it has, else in its first', () => {
  const heard = (...wanted: (string | null)[]) => variantFor(welcome, wanted)?.language;
  expect(heard(null, 'de', 'fr')).toBe('de');
  expect(heard('de-AT', null)).toBe('de');
  expect(heard('it', 'fr')).toBe('fr');
  expect(heard('it', null)).toBe('en');
});

describe('the language of a rule', () => {
  const set = {
    ...routeSet([], { policy: { language: 'en-GB', whileMoving: { say: { prompt: 'welcome' } } } }),
    prompts: new Map([['welcome', welcome]]),
  };
  const steps: RouteStep[] = [
    { do: 'say', text: { prompt: 'welcome' }, voice: null, language: null },
    { do: 'say', text: [{ literal: 'Hallo.' }], voice: null, language: null },
    { do: 'say', text: [{ literal: 'Bonjour.' }], voice: null, language: 'fr-CA' },
  ];
  const using = (language: string | null) => ({
    set,
    allow: [],
    facts: facts(),
    valueFor: valuesFor(facts(), () => null),
    handlerMade: false,
    language,
  });
  const heard = (language: string | null) => resolveSteps(steps, using(language));

  test('is that of its prompts and of its texts, but of those that have their own', () => {
    expect(heard('de')).toMatchObject([
      { do: 'say', text: 'Willkommen.', voice: 'Vicki', language: 'de-DE' },
      { do: 'say', text: 'Hallo.', language: 'de-DE' },
      { do: 'say', language: 'fr-CA' },
    ]);
    expect(heard('fr')[0]).toEqual({ do: 'play', url: 'https://media.example.com/a.mp3' });
    expect(heard(null)[0]).toMatchObject({ text: 'Welcome.', language: 'en-GB' });
    expect(heard('it')[0]).toMatchObject({ text: 'Welcome.', language: 'en-GB' });
  });

  test('is that of what is heard while they are moved', () => {
    expect(pinPolicy(using('de')).whileMoving).toMatchObject({ text: 'Willkommen.' });
    expect(pinPolicy(using('fr')).whileMoving).toMatchObject({ do: 'play' });
  });
});
