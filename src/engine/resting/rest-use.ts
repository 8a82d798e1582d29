/**
 * Which targets rest, as one batch sees it: what the store says, and which callers the batch lets
 * through.
 */
import type { Overrides } from '../../core/rules/override.ts';
import { refusalOf } from '../../core/rules/targets/refer-refusals.ts';
import {
  healthOf,
  letThrough,
  type RestState,
  restWords,
  standingOf,
} from '../../core/rules/targets/rest.ts';

/** A caller who is let through to try a resting target. */
export interface RestTrial {
  target: string;
  callId: string;
}

export interface RestFacts {
  state: RestState;
  overrides: Overrides;
  now: number;
  /** False: the routes say that the target never rests. */
  rests(target: string): boolean;
  /** False: other replicas were first too often, so this batch lets nobody through. */
  mayTry: boolean;
}

export class RestUse {
  /** Callers who were let through; the store must agree before anything is committed. */
  readonly trials: RestTrial[] = [];
  private readonly facts: RestFacts;

  constructor(facts: RestFacts) {
    const { state } = facts;
    this.facts = { ...facts, state: { ...state, targets: { ...state.targets } } };
  }

  /** Null if the target may be tried. */
  resting(target: string, callId: string): string | null {
    const { state, overrides, now, rests, mayTry } = this.facts;
    const standing = standingOf(target, state, overrides, { now, callId, rests: rests(target) });
    if (standing === 'awake') return null;
    if (standing !== 'due') return standing.why;
    const health = healthOf(state, target);
    if (health === undefined || health.rest === null) return null;
    if (!mayTry) return restWords(target, health.rest);
    state.targets[target] = letThrough(health, callId, now);
    this.trials.push({ target, callId });
    return null;
  }

  refusesRefers(connectionId: string, target: string): string | null {
    const { state, now, rests } = this.facts;
    return rests(target) ? refusalOf(state, connectionId, target, now) : null;
  }
}
