import { expect, it } from 'vitest';
import { ALL_AWAKE } from '../../../src/core/machine/transition.ts';
import { noteAnswers } from '../../../src/core/recording/answers.ts';

const world = {
  now: 0,
  heardAt: () => 7,
  decide: () => {
    throw new Error('not asked');
  },
  overBudget: () => null,
  ...ALL_AWAKE,
};

it('notes when the last webhook arrived only if the machine asks', () => {
  const noting = noteAnswers(world, {});
  expect(noting.answers.heardAt).toBeNull();
  expect(noting.world.heardAt()).toBe(7);
  expect(noting.answers.heardAt).toBe(7);
});

it('has no getter, with which V8 would keep all that an event touched', () => {
  const noting = noteAnswers(world, {}).world;
  const getters = Object.entries(Object.getOwnPropertyDescriptors(noting)).filter(
    ([, { get }]) => get,
  );
  expect(getters).toEqual([]);
});
