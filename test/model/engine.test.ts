/**
 * The short form of the engine's random stories; `node test/model/engine.ts --seeds 5000` runs
 * more, and `--from` begins at another seed.
 */
import { expect, test } from 'vitest';
import { tell } from './engine.ts';

const STORIES = 60;

/** Situations that must occur: otherwise the stories prove nothing about them. */
const MUST_OCCUR = [
  'a caller arrived',
  'a process died',
  'a process lost a race',
  'a target rang for ever',
  'a target said nothing',
  'a webhook was delivered twice',
  'the answer to a command was lost',
  'the answer to a commit was lost',
  'the store could not be asked',
  'time passed while something was under way',
];

test('whatever dies, is lost or comes twice, the engine moves a caller once and ends every call', {
  tags: ['long'],
  timeout: 60_000,
}, async () => {
  const occurred = new Set<string>();
  for (let seed = 1; seed <= STORIES; seed += 1) {
    const { violations, happened, story } = await tell(seed);
    expect(violations, `seed ${seed}\n${story.slice(-60).join('\n')}`).toEqual([]);
    for (const name of happened.keys()) occurred.add(name);
  }
  expect(MUST_OCCUR.filter((name) => !occurred.has(name))).toEqual([]);
});
