/**
 * Observations of targets that wait to be written. Answers of one target within a span are merged,
 * and the oldest observations are dropped, so a store that does not answer costs little memory.
 */
import { healthOf, type Observation, type RestState } from '../../core/rules/targets/rest.ts';

const WAITING_MAX = 2_000;
const SPAN_MS = 30_000;
const KEPT_MS = 5 * 60_000;

export class WaitingObservations {
  private all: Observation[] = [];

  add(seen: Observation): void {
    const alike = this.all.find(
      ({ target, evidence, at }) =>
        target === seen.target &&
        evidence === seen.evidence &&
        evidence !== 'failed' &&
        Math.floor(at / SPAN_MS) === Math.floor(seen.at / SPAN_MS),
    );
    if (alike === undefined) this.all.push({ ...seen });
    else {
      alike.count += 1;
      alike.at = Math.max(alike.at, seen.at);
      alike.startedAt = Math.max(alike.startedAt, seen.startedAt);
    }
    this.all = this.all.filter(({ at }) => at > seen.at - KEPT_MS).slice(-WAITING_MAX);
  }

  /** Without the answers of targets that have no failures: those mean nothing yet. */
  worthWriting(state: RestState): Observation[] {
    const failures = this.all.filter(({ evidence }) => evidence === 'failed');
    const failed = new Set(failures.map(({ target }) => target));
    return this.all.filter(
      ({ target }) => failed.has(target) || healthOf(state, target) !== undefined,
    );
  }

  /** Takes out those that are worth writing. */
  take(state: RestState): Observation[] {
    const taken = new Set(this.worthWriting(state));
    this.all = this.all.filter((seen) => !taken.has(seen));
    return [...taken];
  }

  putBack(taken: readonly Observation[]): void {
    this.all = [...taken, ...this.all].slice(-WAITING_MAX);
  }
}
