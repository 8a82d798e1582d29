/**
 * The reason why each rule above the outcome did not match, in words. Most rules fail by the
 * dialled or the caller's number, which is known without trying the rule.
 */
import type { Moment, TraceLine } from '../machine/plan.ts';
import type { Check } from './match.ts';
import { EVENTS } from './rule-index.ts';
import type { Subject } from './subject.ts';

/**
 * Maximum lines of a stored trace, those nearest above the match; the command line asks for all.
 */
export const TRACE_LINES_MAX = 25;

export interface CompiledRule {
  name: string;
  check: Check;
  /** Bits of `EVENTS` at which the rule is tried. */
  events: number;
}

/** `refusals`: the answers of handlers that did not match, by the number of their rule. */
export function traceAbove(
  rules: readonly CompiledRule[],
  winner: number,
  subject: Subject,
  refusals: ReadonlyMap<number, string> | null,
  linesMax: number,
): TraceLine[] {
  const first = Math.max(0, winner - linesMax);
  const trace: TraceLine[] = [];
  if (first > 0) {
    const what = first === 1 ? 'one rule' : `${first} rules`;
    trace.push({
      rule: `(${what} above)`,
      matched: false,
      why: `did not match either; the trace keeps the ${linesMax} nearest above the outcome`,
    });
  }
  const now = 1 << eventNumber(subject.moment);
  for (const [nth, { name, check, events }] of rules.slice(first, winner).entries()) {
    const why =
      (events & now) === 0
        ? otherEvent(subject.moment, events)
        : (byAddress(check, subject) ??
          refusals?.get(first + nth) ??
          check.failed(subject) ??
          notIncoming(subject));
    trace.push({ rule: name, matched: false, why });
  }
  return trace;
}

/** Null if its first clause matches or is not about an address. */
function byAddress({ first }: Check, subject: Subject): string | null {
  if (first === null || subject.isHit(first.field, first.clause)) return null;
  return subject.word(first.field) + first.failure;
}

/** The reason if no written clause failed. */
function notIncoming({ facts }: Subject): string {
  return `direction: ${facts.direction ?? 'not known of this call, so it'} is not incoming, the default of a rule that names no direction`;
}

function otherEvent(moment: Moment, events: number): string {
  const wanted = EVENTS.filter((_, event) => (events & (1 << event)) !== 0);
  return `event: ${moment.event} is not ${wanted.join(' or ')}`;
}

export function eventNumber(moment: Moment): 0 | 1 | 2 {
  if (moment.event === 'call.initiated') return 0;
  return moment.event === 'call.answered' ? 1 : 2;
}
