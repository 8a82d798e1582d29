/**
 * `flows`: steps that have a name. A `run` is replaced by them when the set is built, so that whatever looks
 * at steps, the machine included, knows only steps.
 */
import { branchesOf } from '../core/machine/plan.ts';
import type { RouteStep } from '../core/rules/rule.ts';
import { LIMITS } from './limits.ts';
import { quoted } from './number.ts';
import type { Place, Problems } from './problem.ts';

export class Flows {
  readonly #written = new Map<string, () => RouteStep[]>();
  readonly #built = new Map<string, RouteStep[]>();
  /** Those that are being built: each runs the next. */
  readonly #open: string[] = [];
  readonly #sizes = new WeakMap<RouteStep, number>();

  add(name: string, build: () => RouteStep[]): void {
    this.#written.set(name, build);
  }

  /** Also those that nothing runs, for their problems. Yields where it may be interrupted. */
  *buildAll(): Generator<void, void> {
    for (const name of this.#written.keys()) {
      yield;
      this.#steps(name);
    }
    // What they were read from, file and nodes, is not kept with the set.
    this.#written.clear();
  }

  /** What `run: name` stands for; none, and a problem, where it leads back to itself. */
  run(name: string, at: Place, problems: Problems): RouteStep[] {
    const from = this.#open.indexOf(name);
    if (from < 0) return this.#steps(name);
    const way = [...this.#open.slice(from), name].map(quoted).join(' runs ');
    problems.problem(
      at,
      `the flow ${quoted(name)} runs itself: ${way}`,
      'remove one of these steps',
    );
    return [];
  }

  /** How many steps a list has, with those of its branches. */
  sizeOf(steps: readonly RouteStep[]): number {
    return steps.reduce((sum, step) => sum + this.#sizeOfStep(step), 0);
  }

  #steps(name: string): RouteStep[] {
    const known = this.#built.get(name);
    if (known !== undefined) return known;
    this.#open.push(name);
    const steps = this.#written.get(name)?.() ?? [];
    this.#open.pop();
    this.#built.set(name, steps);
    return steps;
  }

  /** Counted once a step: flows that run each other twice would otherwise take for ever. */
  #sizeOfStep(step: RouteStep): number {
    const known = this.#sizes.get(step);
    if (known !== undefined) return known;
    const size = 1 + branchesOf<RouteStep>(step).reduce((sum, way) => sum + this.sizeOf(way), 0);
    this.#sizes.set(step, Math.min(size, LIMITS.flowSteps + 1));
    return size;
  }
}
