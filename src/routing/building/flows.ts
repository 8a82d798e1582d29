/**
 * `flows`: named lists of steps. When the set is built, each `run` is replaced by the flow's steps,
 * so that everything that reads steps, including the machine, needs to know nothing of flows.
 */
import { branchesOf } from '../../core/machine/plan.ts';
import type { RouteStep } from '../../core/rules/rule.ts';
import { LIMITS } from '../limits.ts';
import { quoted } from '../numbers/number.ts';
import type { Place, Problems } from '../problem.ts';

export class Flows {
  readonly #written = new Map<string, () => RouteStep[]>();
  readonly #built = new Map<string, RouteStep[]>();
  /** The flows being built; each one runs the next. */
  readonly #open: string[] = [];
  readonly #sizes = new WeakMap<RouteStep, number>();

  add(name: string, build: () => RouteStep[]): void {
    this.#written.set(name, build);
  }

  /**
   * Builds also the flows that nothing runs, to report their problems. Yields regularly, see
   * slices.ts.
   */
  *buildAll(): Generator<void, void> {
    for (const name of this.#written.keys()) {
      yield;
      this.#steps(name);
    }
    // The set does not keep the files and nodes that the flows were read from.
    this.#written.clear();
  }

  /**
   * The steps that `run: name` stands for; none, and a problem, if the flow leads back to itself.
   */
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

  /** The number of steps in a list, including its branches. */
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

  /**
   * Each step is counted only once and remembered: flows that run each other twice would otherwise
   * take exponential time.
   */
  #sizeOfStep(step: RouteStep): number {
    const known = this.#sizes.get(step);
    if (known !== undefined) return known;
    const size = 1 + branchesOf<RouteStep>(step).reduce((sum, way) => sum + this.sizeOf(way), 0);
    this.#sizes.set(step, Math.min(size, LIMITS.flowSteps + 1));
    return size;
  }
}
