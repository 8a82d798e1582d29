/** Reads what a handler throws. Reading it may itself throw. */
import type { Place } from '../problem.ts';

export function codeOf(error: unknown): unknown {
  try {
    return typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  } catch {
    return null;
  }
}

export function messageOf(error: unknown): string {
  try {
    const message = String((error as Error | null)?.message ?? error);
    return (
      message
        .replace(/ \(\d+:\d+\)$/, '')
        .split('\n', 1)[0]
        ?.slice(0, 200) ?? ''
    );
  } catch {
    return 'it threw something unreadable';
  }
}

/**
 * acorn gives the place in `loc`; the type stripper and V8 give it at the top of the stack:
 * `file:line`, lines, a caret. `prefix` is what we put before the first line.
 */
export function placeOfError(file: string, error: unknown, prefix = ''): Place {
  try {
    const { loc, stack } = error as { loc?: { line: number; column: number }; stack?: string };
    if (loc !== undefined) return { file, line: loc.line, column: loc.column + 1 };
    const line = Number(/^[^\n]*?:(\d+)\n/.exec(String(stack))?.[1]);
    const caret = /\n([ \t]*)\^+\n/.exec(String(stack))?.[1]?.length ?? 0;
    const shift = line === 1 ? prefix.length : 0;
    if (line >= 1) return { file, line, column: Math.max(0, caret - shift) + 1 };
  } catch {
    // Reading a thrown value may throw.
  }
  return { file, line: 1, column: 1 };
}
