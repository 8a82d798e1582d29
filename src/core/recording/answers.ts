/**
 * Wraps the world around a transition: one that records its answers, and one that gives recorded
 * answers again.
 */
import type { CallFacts } from '../machine/call.ts';
import { PATIENCE_MS } from '../machine/limits.ts';
import type { Decision, Moment } from '../machine/plan.ts';
import type { World } from '../machine/transition.ts';
import type { Overrides } from '../rules/override.ts';
import type { Answers, RecordedEvent } from './recorded-call.ts';

function noAnswers(): Answers {
  return {
    heardAt: null,
    decisions: [],
    overBudget: [],
    resting: [],
    refusesRefers: [],
    overrides: {},
  };
}

/** `answers` is filled while a transition runs in the returned world. */
export function noteAnswers(
  world: World,
  overrides: Overrides,
): { world: World; answers: Answers } {
  const answers = noAnswers();
  return {
    answers,
    world: {
      now: world.now,
      // A method: V8 keeps the function of a getter in a literal, and with it all that the event
      // touched, until the next full collection.
      heardAt() {
        answers.heardAt = world.heardAt();
        return answers.heardAt;
      },
      decide(facts, moment, routeSet) {
        const decision = world.decide(facts, moment, routeSet);
        const isUnmatched =
          decision.plan === null &&
          decision.lookup === undefined &&
          moment.event !== 'call.initiated';
        answers.decisions.push(isUnmatched ? null : decision);
        if (!isUnmatched) answers.overrides = overrides;
        return decision;
      },
      overBudget(kind, caller, freed) {
        const why = world.overBudget(kind, caller, freed);
        answers.overBudget.push(why);
        return why;
      },
      resting(target) {
        const why = world.resting(target);
        answers.resting.push(why);
        return why;
      },
      refusesRefers(connectionId, target) {
        const why = world.refusesRefers(connectionId, target);
        answers.refusesRefers.push(why);
        return why;
      },
    },
  };
}

/** A decision that the machine asked for while a recorded event was run again. */
export interface Asked {
  /** What was known of the call at that moment. */
  facts: CallFacts;
  moment: Moment;
  /** Null: a later event that no rule matched. */
  decision: Decision | null;
  event: RecordedEvent;
}

/** Gives the recorded answers; `asked` is called with each decision. */
export function sameAnswers(recorded: RecordedEvent, asked: (asked: Asked) => void): World {
  const { now, answers } = recorded;
  const { heardAt, overBudget, resting, refusesRefers } = answers;
  let decisions = 0;
  let budgets = 0;
  let rests = 0;
  let refusals = 0;
  return {
    now,
    heardAt: () => heardAt,
    decide(facts, moment) {
      const decision = answers.decisions[decisions++] ?? null;
      asked({ facts: { ...facts }, moment, decision, event: recorded });
      return decision ?? UNMATCHED;
    },
    overBudget: () => overBudget[budgets++] ?? null,
    resting: () => resting[rests++] ?? null,
    refusesRefers: () => refusesRefers[refusals++] ?? null,
  };
}

const UNMATCHED: Decision = {
  rule: null,
  label: null,
  routeSet: '',
  plan: null,
  lastResort: [],
  policy: {
    patienceMs: PATIENCE_MS,
    whileMoving: null,
    refersPerCall: null,
    transfersPerCall: null,
  },
  trace: [],
  why: 'no rule matched this event',
  warnings: [],
};
