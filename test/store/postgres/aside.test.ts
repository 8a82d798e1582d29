/** What people look at, beside the webhooks. */
import { expect, test } from 'vitest';
import { TooBusy } from '../../../src/errors.ts';
import { createAside } from '../../../src/store/postgres/aside.ts';
import type { Query } from '../../../src/store/postgres/pool.ts';

/** A connection that refuses the first question, and is given back after a rollback. */
function refusing() {
  const asked: string[] = [];
  const query: Query = async (text) => {
    asked.push(text);
    // An answer takes a turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    if (text !== 'rollback') throw new Error(`${text} took too long`);
    return [];
  };
  const transaction = async <T>(work: (query: Query) => Promise<T>): Promise<T> => {
    try {
      return await work(query);
    } catch (error) {
      await query('rollback');
      asked.push('given back');
      throw error;
    }
  };
  return { asked, pool: { transaction } };
}

test('a search of which one question fails asks nothing more', async () => {
  const { asked, pool } = refusing();
  const aside = createAside(pool);
  const search = aside((query) =>
    Promise.all(['rules', 'targets', 'parties'].map((q) => query(q))),
  );
  await expect(search).rejects.toThrow('rules took too long');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(asked).toEqual(['rules', 'rollback', 'given back']);
});

test('who waits too long behind others is told that the store is busy, and nobody else waits for it', async () => {
  const { pool } = refusing();
  const aside = createAside(pool, 20);
  let answer: () => void = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const slow = Array.from({ length: 4 }, () => aside(() => answered));
  await expect(aside(async () => 'read')).rejects.toThrow(TooBusy);
  answer();
  await Promise.all(slow);
  expect(await aside(async () => 'read')).toBe('read');
});
