/**
 * The database of a soak, and the one change made to it: slow probes are made due instead of
 * waiting for them.
 */
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { databaseOn } from '../helpers/postgres.ts';
import { startOwnPostgres } from '../helpers/postgres-server.ts';

export interface SoakDatabase {
  /** The service's DATABASE_URL. */
  url: string;
  /**
   * Deadlines that lie more than half a minute ahead (the slow probe of calls whose hangup was
   * lost, 15 minutes) become due now, as if the time had passed. Nothing else of a call is touched.
   */
  hurry(): Promise<void>;
  drop(): Promise<void>;
}

const FAR_AHEAD_MS = 30_000;
const HURRIED: ReadonlySet<string> = new Set(['watch', 'step']);

export async function openDatabase(asked: string | null, folder: string): Promise<SoakDatabase> {
  if (asked === null) return sqlite(`${folder}/referee.db`);
  if (asked !== 'embedded') return postgres(asked);
  const server = await startOwnPostgres();
  const { url } = await databaseOn(server.url);
  return { ...postgres(url), drop: () => server.stop() };
}

function sqlite(path: string): SoakDatabase {
  return {
    url: `sqlite:${path}`,
    async hurry() {
      const database = new DatabaseSync(path, { timeout: 2_000 });
      try {
        const now = Date.now();
        const rows = database
          .prepare('select call, version, document from calls where due_at > ?')
          .all(now + FAR_AHEAD_MS) as { call: number; version: number; document: string }[];
        const update = database.prepare(
          'update calls set document = ?, due_at = ?, version = version + 1 where call = ? and version = ?',
        );
        for (const { call, version, document } of rows) {
          const hurried = hurriedDocument(document, now);
          if (hurried !== null) update.run(hurried, now, call, version);
        }
      } finally {
        database.close();
      }
    },
    async drop() {},
  };
}

function postgres(url: string): SoakDatabase {
  return {
    url,
    async hurry() {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        const { rows } = await client.query<{
          call: string;
          version: number;
          document: string;
          now: string;
        }>(
          `select call, version, document, n.now from calls,
             (select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now) n
           where due_at > n.now + $1`,
          [FAR_AHEAD_MS],
        );
        for (const { call, version, document, now } of rows) {
          const hurried = hurriedDocument(document, Number(now));
          if (hurried === null) continue;
          await client.query(
            'update calls set document = $1, due_at = $2, version = version + 1 where call = $3 and version = $4',
            [hurried, now, call, version],
          );
        }
      } finally {
        await client.end();
      }
    },
    async drop() {},
  };
}

function hurriedDocument(text: string, now: number): string | null {
  const document = JSON.parse(text) as { deadlines: { name: string; dueAt: number }[] };
  const far = document.deadlines.filter(
    ({ name, dueAt }) => HURRIED.has(name) && dueAt > now + FAR_AHEAD_MS,
  );
  for (const deadline of far) deadline.dueAt = now;
  return far.length === 0 ? null : JSON.stringify(document);
}
