/**
 * What people look at: lists, reports, recordings. Together they use only some of the connections,
 * so that a webhook always finds one, however many look and however slow that is. Each question has
 * a limit on the server too: what we only stop waiting for would go on there, and a page that asks
 * again and again would use up the server's connections.
 */
import { TooBusy } from '../../errors.ts';
import type { PostgresPool, Query } from './pool.ts';

/** Of the ten that the pool may open. */
const AT_ONCE = 4;
/** Somebody who waits for a page tries again after that. */
const WAIT_MS = 5_000;

export type Aside = <T>(work: (query: Query) => Promise<T>) => Promise<T>;

export function createAside(
  pool: Pick<PostgresPool, 'transaction'>,
  waitMs: number = WAIT_MS,
): Aside {
  let asking = 0;
  const waiting: (() => void)[] = [];

  return async (work) => {
    await slot();
    try {
      return await pool.transaction((query) => work(inTurn(query)));
    } finally {
      asking -= 1;
      waiting.shift()?.();
    }
  };

  function slot(): Promise<void> {
    if (asking < AT_ONCE) {
      asking += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        clearTimeout(late);
        asking += 1;
        resolve();
      };
      const late = setTimeout(() => {
        waiting.splice(waiting.indexOf(enter), 1);
        reject(new TooBusy(`${AT_ONCE} other lists were being read for ${waitMs / 1000} s`));
      }, waitMs);
      waiting.push(enter);
    });
  }
}

/**
 * A search asks for several things at once, but a connection answers one question at a time. After
 * one that failed nothing more is asked: the connection may be somebody else's by then.
 */
function inTurn(query: Query): Query {
  let last: Promise<unknown> = Promise.resolve();
  return (text, values) => {
    const answer = last.then(() => query(text, values));
    last = answer;
    return answer;
  };
}
