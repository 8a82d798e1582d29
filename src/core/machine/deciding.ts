/** Asks the route set for a decision and stores it with the call. */
import { askLookup } from './ask-lookup.ts';
import { leaveUnmanaged } from './ending.ts';
import { type Decision, type Moment, OTHERWISE } from './plan.ts';
import { clearDeadline, note, type Turn } from './turn.ts';

/**
 * Decides on one moment after another until there is a plan to run (then it returns true) or a
 * lookup must be asked first. From then on plan, rule and route set belong to the call, and a
 * reload does not change them.
 */
export function decideOn(turn: Turn, moments: readonly Moment[]): boolean {
  for (const [index, moment] of moments.entries()) {
    const decision = turn.world.decide(turn.call.facts, moment, turn.call.routeSet);
    if (decision.lookup !== undefined) {
      askLookup(turn, decision.lookup, moments.slice(index));
      return false;
    }
    if (adopt(turn, moment, decision)) return true;
  }
  return false;
}

function adopt(turn: Turn, { event }: Moment, decision: Decision): boolean {
  const { call } = turn;
  for (const text of decision.warnings) turn.notices.push({ kind: 'handler_warning', text });
  const first = event === 'call.initiated';
  // A later event that no rule matches is not recorded, because it would replace the first trace.
  if (!first && decision.plan === null) return false;

  call.decided = true;
  call.policy = decision.policy;
  call.lastResort = decision.lastResort;
  call.routeSet = decision.routeSet;
  call.label = decision.label;
  turn.trace = decision.trace;
  if (decision.plan === null) {
    leaveUnmanaged(turn, decision.why);
    return false;
  }
  clearDeadline(turn, 'undecided', 'watch');
  call.rule = decision.rule;
  call.rows = decision.rows ?? [];
  call.plan = [{ steps: decision.plan }];
  call.lastResortRan = false;
  note(turn, `${decision.rule === null ? OTHERWISE : `rule “${decision.rule}”`}: ${decision.why}`);
  turn.notices.push({
    kind: 'decided',
    rule: decision.rule,
    routeSet: decision.routeSet,
    why: decision.why,
    trace: decision.trace,
  });
  return true;
}

/** The event of this turn, in the form that rules match. */
export function momentOf(turn: Turn, event: Moment['event'], digits: string | null = null): Moment {
  return { event, digits, at: turn.event.receivedAt };
}
