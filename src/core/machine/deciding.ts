/** Asks the route set for a decision and stores it with the call. */
import { leaveUnmanaged } from './ending.ts';
import type { Moment } from './plan.ts';
import { clearDeadline, note, type Turn } from './turn.ts';

/**
 * Decides on the event, at its stored receive time. Returns true if there is a plan to run. From
 * now on plan, rule and route set belong to the call, and a reload does not change them.
 */
export function decideNow(turn: Turn, event: Moment['event'], digits: string | null): boolean {
  const { call } = turn;
  const moment = { event, digits, at: turn.event.receivedAt };
  const decision = turn.world.decide(call.facts, moment, call.routeSet);
  for (const text of decision.warnings) turn.notices.push({ kind: 'handler_warning', text });
  const first = event === 'call.initiated';
  // A later event that no rule matches is not recorded, because it would replace the first trace.
  if (!first && decision.plan === null) return false;

  call.decided = true;
  call.policy = decision.policy;
  call.lastResort = decision.lastResort;
  call.routeSet = decision.routeSet;
  turn.trace = decision.trace;
  if (decision.plan === null) {
    leaveUnmanaged(turn, decision.why);
    return false;
  }
  clearDeadline(turn, 'undecided', 'watch');
  call.rule = decision.rule;
  call.plan = [{ steps: decision.plan }];
  call.lastResortRan = false;
  note(
    turn,
    `${decision.rule === null ? 'otherwise' : `rule “${decision.rule}”`}: ${decision.why}`,
  );
  turn.notices.push({
    kind: 'decided',
    rule: decision.rule,
    routeSet: decision.routeSet,
    why: decision.why,
    trace: decision.trace,
  });
  return true;
}
