/** What people look at, beside the webhooks. */
import { expect, test } from 'vitest';
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
  return { asked, pool: { transaction, where: 'a database' } };
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
