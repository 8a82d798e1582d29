/** `referee backup` and `referee restore`: the database in one file. */
import { existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { BadValue, parseDatabaseUrl } from '../config/values.ts';
import { counted } from '../core/counted.ts';
import { RefereeError } from '../errors.ts';
import { backUp, callsInBackup, restore } from '../store/backup.ts';
import type { Database } from '../store/open.ts';
import { pathOf } from './options/path.ts';
import { databaseUrl } from './sources/database.ts';
import { confirm } from './terminal/confirm.ts';
import type { Io } from './terminal/io.ts';
import { stopSignal } from './terminal/stop-signal.ts';

export function backupCommand(program: Command, io: Io): void {
  const command = program
    .command('backup')
    .description('copy the database into a file, while the server runs; PostgreSQL needs pg_dump')
    .argument(
      '<file>',
      'the file to write; an existing one is replaced only by a complete backup',
      pathOf,
    );
  command.action(async (file: string) => {
    using stopping = stopSignal(io.env);
    process.exitCode = await runBackup(file, io, stopping.signal);
  });
}

export function restoreCommand(program: Command, io: Io): void {
  const command = program
    .command('restore')
    .description(
      'replace the database with a backup (SQLite, with the server stopped), or load it into an empty one (PostgreSQL)',
    )
    .argument('<file>', 'made by referee backup', pathOf)
    .option('--yes', 'replace the database without asking');
  command.action(async (file: string, options: { yes?: boolean }) => {
    using stopping = stopSignal(io.env);
    process.exitCode = await runRestore(file, options, io, stopping.signal);
  });
}

export function runBackup(file: string, io: Io, signal: AbortSignal): Promise<number> {
  const about = { name: 'backup', failure: 'no backup was made', io, signal };
  return reporting(about, async (database) => {
    const calls = await backUp(database, file, signal);
    io.stdout.write(`${file}: ${counted(calls, 'call')}, ${sizeOf(file)}\n`);
    return 0;
  });
}

export function runRestore(
  file: string,
  options: { yes?: boolean },
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const about = { name: 'restore', failure: 'nothing was restored', io, signal };
  return reporting(about, async (database) => {
    const inBackup = callsInBackup(file, database);
    if (database.kind === 'sqlite' && inBackup !== null && existsSync(database.path)) {
      const question = `${database.path} will be replaced by ${file} (${counted(inBackup, 'call')}). Continue?`;
      const answer = await confirm(question, { ...options, signal }, io);
      if (answer === 'nobody') {
        io.stderr.write('referee restore: this replaces the database; add --yes to do it\n');
        return 1;
      }
      if (answer === 'no') return 1;
    }
    const calls = await restore(file, database, signal);
    const where = database.kind === 'sqlite' ? database.path : 'the database';
    io.stdout.write(`${where}: ${counted(calls, 'call')} restored\n`);
    return 0;
  });
}

interface About {
  name: string;
  failure: string;
  io: Io;
  signal: AbortSignal;
}

async function reporting(
  { name, failure, io, signal }: About,
  work: (database: Database) => Promise<number>,
): Promise<number> {
  try {
    return await work(parseDatabaseUrl(databaseUrl(io)));
  } catch (error) {
    const reason = signal.aborted ? 'it was stopped' : reasonOf(error);
    if (reason === null) throw error;
    io.stderr.write(`referee ${name}: ${failure}: ${reason}\n`);
    return 1;
  }
}

/** Null for a bug of ours, which must show its stack. */
function reasonOf(error: unknown): string | null {
  if (error instanceof BadValue) return `DATABASE_URL: ${error.message}`;
  if (error instanceof RefereeError) return error.message;
  // A system error about the file: no such folder, no space, no permission.
  return error instanceof Error && 'syscall' in error ? error.message : null;
}

function sizeOf(file: string): string {
  const bytes = statSync(file).size;
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
