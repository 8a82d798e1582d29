/** What a subcommand may touch of the world, as an argument: tests pass their own. */
import { unicodeEscape } from '../core/rules/subject.ts';

export interface Io {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  /** Lines typed at a running command; default the process's own. */
  stdin?: NodeJS.ReadableStream;
  env: Record<string, string | undefined>;
  isTTY: boolean;
}

/** JSON in which nothing that a caller wrote steers a terminal: JSON.stringify escapes the C0 controls alone. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    unicodeEscape,
  );
}
