/** A script in a process of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** For a process that is done to end. */
const END_MS = 30_000;

/**
 * What it printed once it had ended by itself; rejects where it did not, or not with 0. Run from a
 * file, for a process from `--eval` can start no threads.
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

/** How a script imports a file of ours: its place under the repository, quoted. */
export function ours(path: string): string {
  return JSON.stringify(join(import.meta.dirname, '../..', path));
}
