/** The file that keeps the evidence of a rehearsed call. */
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import type { SetupProblem } from '../../core/account/setup.ts';
import { wrong } from './ready.ts';

/** Disposing of it removes the file if nothing was saved: an empty one would refuse the next run. */
export interface EvidenceFile extends Disposable {
  /** Null, or why it could not be written. */
  save(text: string): { problem: SetupProblem } | null;
}

/** Opened before the call, so that no money is spent if the evidence cannot be written. */
export function openEvidence(path: string | undefined): EvidenceFile | { problem: SetupProblem } {
  if (path === undefined) return { save: () => null, [Symbol.dispose]() {} };
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    const fix = 'Name a new file in a folder that exists.';
    return wrong(`--save: ${whyOf(error)}. No call was placed.`, fix);
  }
  let isSaved = false;
  return {
    save(text) {
      try {
        writeFileSync(path, text);
        isSaved = true;
        return null;
      } catch (error) {
        const message = `--save: ${whyOf(error)}. The call was made; the evidence is not kept.`;
        return wrong(message, 'What is known of the call is printed, and referee calls shows it.');
      }
    },
    [Symbol.dispose]() {
      if (!isSaved) rmSync(path, { force: true });
    },
  };
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
