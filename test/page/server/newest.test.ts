/** What a view keeps of answers that overtake each other. */
import { expect, test } from 'vitest';
import { newest } from '../../../src/page/server/newest.js';

function reading() {
  const kept = newest<string>(() => {});
  return {
    kept,
    /** A reading that ends when it is told to. */
    begin(question = 'problems') {
      const answer = Promise.withResolvers<string>();
      const over = kept.read(question, () => answer.promise);
      return {
        bring: async (found: string) => {
          answer.resolve(found);
          await over;
        },
        fail: async () => {
          answer.reject(new Error('The server cannot be reached. Retrying.'));
          await over;
        },
      };
    },
  };
}

test('a request that hung does not hide what a later one brought, whether it fails or not', async () => {
  const { kept, begin } = reading();
  const [hung, slow, late] = [begin(), begin(), begin()];
  await late.bring('new');
  await hung.fail();
  expect(kept).toMatchObject({ found: 'new', error: null });
  await slow.bring('old');
  expect(kept).toMatchObject({ found: 'new', error: null });
});

test('until the later one has come, the earlier one counts', async () => {
  const { kept, begin } = reading();
  const [first, second] = [begin(), begin()];
  await first.bring('old');
  expect(kept.found).toBe('old');
  await second.fail();
  expect(kept).toMatchObject({ found: 'old', error: { message: expect.any(String) } });
  await begin().bring('new');
  expect(kept).toMatchObject({ found: 'new', error: null });
});

test('what was asked before a view was closed is not shown when it is open again', async () => {
  const { kept, begin } = reading();
  const before = begin();
  kept.forget();
  const after = begin();
  await before.bring('old');
  expect(kept.found).toBe(null);
  await after.bring('new');
  expect(kept.found).toBe('new');
  const other = begin('another question');
  await begin('a third').bring('third');
  await other.bring('other');
  expect(kept.found).toBe('third');
});
