/** Reports problems at a node's place in the file. */
import type { Node } from 'yaml';
import { type Source, startOf } from '../files/source.ts';
import type { Problems } from '../problem.ts';

const SHOWN_CHARS_MAX = 200;

export class NodeReport {
  readonly source: Source;
  readonly #problems: Problems;

  constructor(source: Source, problems: Problems) {
    this.source = source;
    this.#problems = problems;
  }

  at(node: Node | null, message: string, hint: string): void {
    this.atOffset(startOf(node), message, hint);
  }

  atOffset(offset: number, message: string, hint: string): void {
    this.#problems.problem(this.source.at(offset), message, hint);
  }

  /** The node's text as written in the file. */
  textOf({ range }: Node): string {
    return range ? this.source.text.slice(range[0], range[1]).slice(0, SHOWN_CHARS_MAX) : '';
  }
}
