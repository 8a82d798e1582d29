/** Problems and warnings of one calendar; the same message for many events is reported once. */
import type { Problems } from '../problem.ts';

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
