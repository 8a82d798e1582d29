/** A temporary routes folder, loaded like the server does. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type LoadOptions, type LoadResult, loadRoutes } from '../../src/routing/load.ts';

export type Files = Record<string, string | Uint8Array>;

/**
 * A call asks a handler again that misses its 50 ms because the machine is busy. A server asks once,
 * and three misses in a row make it rest for half a minute, however often a test looks.
 */
export const PATIENT_HANDLERS = { handlers: true, handlerTries: 20 };

export async function withFolder<T>(files: Files, use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'referee-routes-'));
  try {
    await writeFiles(dir, files);
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function writeFiles(dir: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  }
}

/**
 * A string is main.yaml. `now` is fixed, because calendars and schedules are evaluated around it.
 */
export function load(
  files: Files | string,
  options: Partial<LoadOptions> = {},
): Promise<LoadResult> {
  const all = typeof files === 'string' ? { 'main.yaml': files } : files;
  const nowMs = Date.parse('2026-03-02T15:00:00Z');
  return withFolder(all, (dir) => loadRoutes(dir, { env: {}, handlers: true, nowMs, ...options }));
}

/** `line:column message (hint)` of every problem, with the file's name unless it is main.yaml. */
export function problemsOf(result: LoadResult): string[] {
  if (result.ok) return [];
  return result.problems.map(sentence);
}

export function warningsOf(result: LoadResult): string[] {
  return result.warnings.map(sentence);
}

function sentence(p: {
  file: string;
  line: number;
  column: number;
  message: string;
  hint: string;
}): string {
  const file = p.file === 'main.yaml' ? '' : `${p.file}:`;
  return `${file}${p.line}:${p.column} ${p.message}${p.hint === '' ? '' : ` (${p.hint})`}`;
}
