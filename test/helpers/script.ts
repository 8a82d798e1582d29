/** Runs a script in its own process. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** How long a finished process may take to exit. */
const END_MS = 30_000;

/**
 * Resolves with its output after it has exited; rejects if it did not exit by itself, or not with
 * 0. It runs from a file, because a process started with `--eval` cannot start threads.
 */
export async function runScript(source: string, nodeArgs: string[] = []): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-script-'));
  try {
    const file = join(folder, 'script.ts');
    await writeFile(file, source);
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [...nodeArgs, file], { timeout: END_MS });
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * The quoted URL with which a script imports one of our files, given its path in the repository.
 */
export function ours(path: string): string {
  return JSON.stringify(join(import.meta.dirname, '../..', path));
}
