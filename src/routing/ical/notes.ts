/** Problems and warnings of one calendar; the same message for many events is reported once. */
import type { Problems } from '../problem.ts';
import type { Component } from './content.ts';
import { UnknownZone } from './zones.ts';

export class Notes {
  readonly #file: string;
  readonly #problems: Problems;
  readonly #warnings = new Map<
    string,
    { line: number; message: string; hint: string; more: number }
  >();

  constructor(file: string, problems: Problems) {
    this.#file = file;
    this.#problems = problems;
  }

  problem(line: number, message: string, hint = ''): void {
    this.#problems.problem({ file: this.#file, line, column: 1 }, message, hint);
  }

  /** The event is left out. */
  refuse({ line }: Component, error: unknown): void {
    const hint =
      error instanceof UnknownZone ? error.hint : 'export the calendar again, or remove the event';
    this.problem(line, `an event that cannot be read: ${messageOf(error)}`, hint);
  }

  /** Only the first warning of a kind is shown, with the number of the others. */
  warn(kind: string, line: number, message: string, hint: string): void {
    const known = this.#warnings.get(kind);
    if (known === undefined) this.#warnings.set(kind, { line, message, hint, more: 0 });
    else known.more += 1;
  }

  flush(): void {
    for (const { line, message, hint, more } of this.#warnings.values()) {
      const others = more === 0 ? '' : ` (and ${more} more)`;
      this.#problems.warning({ file: this.#file, line, column: 1 }, `${message}${others}`, hint);
    }
  }
}

export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0]?.slice(0, 200) ?? '';
}
