/** Whether commands that had to wait are still to be sent. */
import { expect, test } from 'vitest';
import { createConfirmation } from '../../../src/engine/sending/confirmation.ts';
import { waitFor } from '../../helpers/waiting.ts';

/** A store that answers when it is told to: with these ids, or with an error. */
function slowStore() {
  const questions: { ids: string[]; answer(ids: string[]): void; fail(): void }[] = [];
  const ask = (ids: string[]) =>
    new Promise<ReadonlySet<string>>((resolve, reject) => {
      questions.push({
        ids,
        answer: (found) => resolve(new Set(found)),
        fail: () => reject(new Error('is away')),
      });
    });
  return { questions, ask };
}

test('commands that start together share a question, and those that come meanwhile the next', async () => {
  const { questions, ask } = slowStore();
  const { stillToSend } = createConfirmation(ask, 60_000);
  const first = [stillToSend('a'), stillToSend('b')];
  await waitFor(() => expect(questions).toHaveLength(1));
  const second = [stillToSend('c'), stillToSend('d')];
  questions[0]?.answer(['b']);
  expect(await Promise.all(first)).toEqual([false, true]);
  await waitFor(() => expect(questions).toHaveLength(2));
  questions[1]?.answer(['c', 'd']);
  expect(await Promise.all(second)).toEqual([true, true]);
  expect(questions.map(({ ids }) => ids)).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
});

test('a store that fails cancels nothing, and is asked again', async () => {
  const { questions, ask } = slowStore();
  const { stillToSend } = createConfirmation(ask, 60_000);
  for (const nth of [1, 2]) {
    const still = stillToSend('a');
    await waitFor(() => expect(questions).toHaveLength(nth));
    questions[nth - 1]?.fail();
    expect(await still).toBe(true);
  }
});

test('a store that is silent delays a command once, and gets no second question meanwhile', async () => {
  const { questions, ask } = slowStore();
  const { stillToSend } = createConfirmation(ask, 1);
  expect(await stillToSend('a')).toBe(true);
  expect(await stillToSend('b')).toBe(true);
  expect(questions).toHaveLength(1);
  questions[0]?.answer([]);
  await waitFor(async () => {
    void stillToSend('c');
    expect(questions.length).toBeGreaterThan(1);
  });
});
