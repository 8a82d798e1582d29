/**
 * Connections to PostgreSQL. Everything here also works behind a transaction pooler: no named
 * statements, no start-up parameters, no session state; limits are set inside a transaction or
 * enforced on this side.
 */
import pg from 'pg';
import { StoreUnavailable } from '../../errors.ts';
import { Client, getTypeParser } from './client.ts';
import {
  explain,
  isAnswer,
  isSpent,
  NONE_LEFT,
  NotConnected,
  saidBy,
  sqlState,
  thrownBetween,
  unreached,
} from './pg-errors.ts';

/**
 * One for batches, up to five for units that are written alone; the rest is for the sweeper, the
 * API and the outbox.
 */
const CONNECTIONS_MAX = 10;
/** A webhook has 1.5 s in all. */
const CONNECT_MS = 1_500;
const QUERY_MS = 5_000;
const IDLE_MS = 60_000;
/** How long after the server had no connection left no further one is asked for. */
const FULL_MS = 10_000;

export type Row = Record<string, unknown>;
export type Query = (text: string, values?: unknown[]) => Promise<Row[]>;
/** With how long its answer may take. */
type TimedQuery = (text: string, values: unknown[] | undefined, ms: number) => Promise<Row[]>;

export interface PostgresPool {
  /** Shown in messages; see `placeOf`. */
  where: string;
  query: Query;
  /**
   * Rolls back what `work` did if it throws. `answerMs`: how long each answer may take, if not as
   * long as any other.
   */
  transaction<T>(work: (query: Query) => Promise<T>, answerMs?: number): Promise<T>;
  close(): Promise<void>;
}

export function openPool(url: string, timeoutMs: number = QUERY_MS): PostgresPool {
  const where = placeOf(url);
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: Math.min(CONNECT_MS, timeoutMs),
    query_timeout: timeoutMs,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    types: { getTypeParser },
    Client,
  });
  // An idle connection that is cut reports it here; the pool has already dropped it and opens
  // another when needed.
  pool.on('error', () => {});
  // One that is cut while in use reports it to whoever waits for the answer, and here as well:
  // without a listener that would end the process.
  pool.on('connect', (client) => {
    client.on('error', () => {});
    open.add(client);
    if (full === undefined) pool.options.max = CONNECTIONS_MAX;
    client.once('end', () => open.delete(client));
  });
  let closed = false;
  /** Connections that the server has accepted; the pool also counts those it is still trying. */
  const open = new Set<pg.PoolClient>();
  /** When each connection was last heard from. */
  const heardAt = new WeakMap<pg.PoolClient, number>();
  /** A question of this time was not answered. */
  let silentSince = Number.NEGATIVE_INFINITY;
  let full: NodeJS.Timeout | undefined;

  async function withClient<T>(work: (query: TimedQuery) => Promise<T>): Promise<T> {
    if (closed) throw new StoreUnavailable('the store is closed', { where });
    const client = await connect();
    let failed: unknown = null;
    try {
      return await work(async (text, values, ms) => {
        const askedAt = performance.now();
        try {
          // Its types lack the last field.
          const config = { text, values, query_timeout: ms } as pg.QueryConfig;
          const { rows } = await client.query<Row>(config);
          heardAt.set(client, performance.now());
          return rows;
        } catch (error) {
          failed = error;
          if (sqlState(error) !== null) heardAt.set(client, performance.now());
          else silentSince = Math.max(silentSince, askedAt);
          throw error;
        }
      });
    } catch (error) {
      if (error !== failed && error instanceof Error) thrownBetween.add(error);
      throw error;
    } finally {
      const unanswered = failed !== null && sqlState(failed) === null;
      if (unanswered && client instanceof Client) client.giveUp();
      client.release(failed !== null && isSpent(failed));
    }
  }

  /**
   * Where one connection is silent, others are that have not been heard from since: after a
   * failover to another address each would cost a question its time limit.
   */
  async function connect(): Promise<pg.PoolClient> {
    try {
      for (;;) {
        const client = await orShared();
        if ((heardAt.get(client) ?? Number.POSITIVE_INFINITY) >= silentSince) return client;
        client.release(true);
      }
    } catch (error) {
      const known = sqlState(error) === null ? null : explain(error, where);
      if (known instanceof StoreUnavailable) {
        throw new NotConnected(known.forAnybody, { where, said: saidBy(error), cause: error });
      }
      throw new NotConnected(...unreached(error, where));
    }
  }

  /**
   * Where the server has no further connection for us, those that we have are shared: a webhook
   * that waits for one for a moment is better than a 503.
   */
  async function orShared(): Promise<pg.PoolClient> {
    const until = performance.now() + CONNECT_MS;
    for (;;) {
      try {
        return await pool.connect();
      } catch (error) {
        if (sqlState(error) === null) tryOneAtATime();
        if (sqlState(error) !== NONE_LEFT || open.size === 0 || performance.now() > until) {
          throw error;
        }
        pool.options.max = open.size;
        clearTimeout(full);
        full = setTimeout(() => {
          full = undefined;
          pool.options.max = CONNECTIONS_MAX;
        }, FULL_MS).unref();
      }
    }
  }

  /**
   * Until one is connected. A server that is frozen still lets connections queue up, and works
   * through all of them afterwards, however long ago we gave them up: after 30 s there were 180,
   * and every new one waited behind them for longer than its time limit.
   */
  function tryOneAtATime(): void {
    if (full === undefined) pool.options.max = Math.min(open.size + 1, CONNECTIONS_MAX);
  }

  return {
    where,
    query: (text, values) => withClient((query) => query(text, values, timeoutMs)),
    transaction: (work, answerMs = timeoutMs) =>
      withClient(async (timed) => {
        const query: Query = (text, values) => timed(text, values, answerMs);
        // One round trip. A replica that freezes half-way must not keep rows locked for the others.
        await query(
          "begin; set local statement_timeout = '4s'; set local lock_timeout = '1s'; set local idle_in_transaction_session_timeout = '5s'",
        );
        let asking = false;
        try {
          const result = await work(async (text, values) => {
            asking = true;
            const rows = await query(text, values);
            asking = false;
            return rows;
          });
          asking = true;
          await query('commit');
          return result;
        } catch (error) {
          if (!asking || isAnswer(error)) await query('rollback').catch(() => {});
          throw error;
        }
      }),
    async close() {
      if (closed) return;
      closed = true;
      clearTimeout(full);
      await pool.end();
    },
  };
}

/** Host and database, never the password. */
export function placeOf(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `PostgreSQL ${host}${pathname}`;
  } catch {
    return 'PostgreSQL';
  }
}
