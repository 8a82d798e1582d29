/** Stores with a history: real calls from a short run, multiplied in SQL to save time. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Bench } from './bench.ts';
import { CONNECTIONS } from './intake.ts';
import { startReferee } from './referee.ts';

const TEMPLATES = 2_000;
/** Copies in one transaction. */
const COPIES_A_COMMIT = 5;

/** Returns the path of a store that contains about this many calls, live or ended. */
export async function filledStore(
  bench: Bench,
  name: string,
  calls: number,
  live: boolean,
): Promise<string> {
  const path = join(bench.folder, name, 'referee.db');
  const server = await startReferee(bench, { name, moves: false });
  await bench.prepare({ calls: TEMPLATES, firstOnly: live });
  await bench.run({ port: server.port, connections: CONNECTIONS, rate: null });
  await server.stop();
  bench.note(`${name}: filling a store with ${calls.toLocaleString('en')} calls`);
  multiply(path, Math.max(1, Math.round(calls / TEMPLATES) - 1));
  return path;
}

/** Every copy has its own keys and times; the contents of its document are never read. */
function multiply(path: string, copies: number): void {
  const database = new DatabaseSync(path, { timeout: 5_000 });
  database.exec('pragma synchronous = off; pragma cache_size = -200000;');
  const columnsOf = (table: string) =>
    database.prepare(`select name from pragma_table_info('${table}')`).all() as { name: string }[];
  const last = Number(database.prepare('select max(call) n from calls').get()?.n);
  const copy = (table: string, replaced: Record<string, string>) => {
    const names = columnsOf(table).map(({ name }) => name);
    const values = names.map((name) => replaced[name] ?? name);
    return database.prepare(
      `insert into ${table} (${names.join(', ')}) select ${values.join(', ')} from ${table}
       where call <= ${last}`,
    );
  };
  const call = `call + :n * ${last}`;
  const earlier = (column: string) => `${column} - :n * 60000`;
  const statements = [
    copy('calls', {
      call,
      key: 'randomblob(16)',
      created_at: earlier('created_at'),
      ended_at: earlier('ended_at'),
    }),
    copy('events', { call }),
    copy('attempts', { call, key: 'randomblob(16)' }),
  ];
  for (let n = 1; n <= copies; n += 1) {
    if (n % COPIES_A_COMMIT === 1) database.exec('begin');
    for (const statement of statements) statement.run({ n });
    if (n % COPIES_A_COMMIT === 0 || n === copies) database.exec('commit');
  }
  database.exec('pragma wal_checkpoint(truncate)');
  database.close();
}
