/** The I/O of a subcommand, passed as an argument so that tests can pass their own. */
import { unicodeEscape } from '../../core/rules/subject.ts';

export interface Io {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  /** Lines typed into a running command; default: the process's stdin. */
  stdin?: NodeJS.ReadableStream;
  env: Record<string, string | undefined>;
  isTTY: boolean;
}

/** JSON that is safe on a terminal: JSON.stringify only escapes the C0 control characters. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    unicodeEscape,
  );
}
