import { expect, test } from 'vitest';
import { CommitUnknown, StoreUnavailable } from '../../src/errors.ts';
import { watchCommits } from '../../src/store/refused-commits.ts';

const FULL = new StoreUnavailable('its disk is full');

test('commits refused for two seconds are a refusal, until one succeeds', async () => {
  const { commits, commit, at } = scene();
  await commit(FULL);
  at(1_900);
  await commit(FULL);
  expect(commits.refusal()).toBeNull();
  at(2_000);
  await commit(FULL);
  expect(commits.refusal()).toBe(FULL);
  await commit(null);
  expect(commits.refusal()).toBeNull();
});

test('one refusal that is not repeated is none, nor are two with a success between', async () => {
  const { commits, commit, at } = scene();
  await commit(FULL);
  at(5_000);
  expect(commits.refusal()).toBeNull();
  await commit(null);
  await commit(FULL);
  expect(commits.refusal()).toBeNull();
});

test('without further commits a refusal ends by itself, and the next one renews it at once', async () => {
  const { commits, commit, at } = scene();
  await commit(FULL);
  at(3_000);
  await commit(FULL);
  at(12_999);
  expect(commits.refusal()).toBe(FULL);
  at(13_000);
  expect(commits.refusal()).toBeNull();
  await commit(FULL);
  expect(commits.refusal()).toBe(FULL);
});

test('what says nothing about the store, and what is from before it was away, does not count', async () => {
  const { commits, commit, at } = scene();
  await commit(new CommitUnknown('the connection was cut'));
  at(3_000);
  await commit(new TypeError('ours'));
  expect(commits.refusal()).toBeNull();
  await commit(FULL);
  at(6_000);
  await commit(FULL);
  commits.forget();
  expect(commits.refusal()).toBeNull();
  await commit(FULL);
  expect(commits.refusal()).toBeNull();
});

function scene() {
  let now = 0;
  let fails: Error | null = null;
  const commits = watchCommits(
    {
      async commit() {
        if (fails !== null) throw fails;
        return { results: [], claimed: [], counted: [] };
      },
    },
    () => now,
  );
  return {
    commits,
    at(ms: number) {
      now = ms;
    },
    async commit(error: Error | null) {
      fails = error;
      const result = commits.store.commit();
      if (error === null) await result;
      else await expect(result).rejects.toBe(error);
    },
  };
}
