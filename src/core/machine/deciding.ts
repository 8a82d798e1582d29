/** Asking the route set, and pinning its answer on the call. */
import { leaveUnmanaged } from './ending.ts';
import type { Moment } from './plan.ts';
import { clearDeadline, note, type Turn } from './turn.ts';

/**
 * Decides on what just happened, at the receive time stored with the event. True where there is a
 * plan to run. A reload never changes it: plan, rule and route set are the call's from now on.
 */
export function decideNow(turn: Turn, event: Moment['event'], digits: string | null): boolean {
  const { call } = turn;
  const moment = { event, digits, at: turn.event.receivedAt };
  const decision = turn.world.decide(call.facts, moment);
  for (const text of decision.warnings) turn.notices.push({ kind: 'handler_warning', text });
  const first = event === 'call.initiated';
  // A later event that no rule wants is no decision: it would only bury the first one's trace.
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
