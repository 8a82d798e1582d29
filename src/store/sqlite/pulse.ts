/** A small write that proves that writing works, and records the time. */
import type { DatabaseSync } from 'node:sqlite';
import type { TimeBase } from './store-time.ts';
import { inTransaction } from './transaction.ts';

export interface SqlitePulse {
  /** Proves that a write works, and increments the file's stamp; see file-header.ts. */
  ping(base: TimeBase): void;
  timeBase(): TimeBase | null;
}

export function preparePulse(database: DatabaseSync): SqlitePulse {
  const pulse = database.prepare(
    'insert into pulse (only, at) values (1, ?) on conflict (only) do update set at = excluded.at',
  );
  const readBase = database.prepare('select at, since_boot, boot from time_base');
  const writeBase = database.prepare(
    `insert into time_base (only, at, since_boot, boot) values (1, ?, ?, ?)
     on conflict (only) do update set at = excluded.at, since_boot = excluded.since_boot,
       boot = excluded.boot`,
  );
  const readStamp = database.prepare('pragma user_version');

  return {
    ping({ at, sinceBoot, boot }) {
      inTransaction(database, () => {
        database.exec(`pragma user_version = ${Number(readStamp.get()?.user_version) + 1}`);
        pulse.run(Math.floor(at));
        writeBase.run(Math.floor(at), sinceBoot, boot);
      });
    },

    timeBase() {
      const row = readBase.get();
      if (row === undefined) return null;
      return {
        at: Number(row.at),
        sinceBoot: Number(row.since_boot),
        boot: row.boot === null ? null : String(row.boot),
      };
    },
  };
}
