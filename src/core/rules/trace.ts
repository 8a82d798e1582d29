/**
 * The reason why each rule above the outcome did not match, in words. Most rules fail by the
 * dialled or the caller's number, which is known without trying the rule, so their texts are kept
 * in arrays. That makes 25 lines out of 2,000 rules cheap.
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

/** By the number of the rule. */
export interface TraceIndex {
  names: string[];
  events: Uint8Array;
  checks: Check[];
  /** From `Check.first`; clause -1 if there is none. */
  clauses: Int32Array;
  isTo: Uint8Array;
  failures: string[];
}

export function indexTrace(rules: readonly CompiledRule[]): TraceIndex {
  return {
    names: rules.map(({ name }) => name),
    events: Uint8Array.from(rules, ({ events }) => events),
    checks: rules.map(({ check }) => check),
    clauses: Int32Array.from(rules, ({ check }) => check.first?.clause ?? -1),
    isTo: Uint8Array.from(rules, ({ check }) => (check.first?.field === 'to' ? 1 : 0)),
    failures: rules.map(({ check }) => check.first?.failure ?? ''),
  };
}

/** `refusals`: the answers of handlers that did not match, by the number of their rule. */
export function traceAbove(
  index: TraceIndex,
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
  for (let number = first; number < winner; number += 1) {
    const events = index.events[number] ?? 0;
    const why =
      (events & now) === 0
        ? otherEvent(subject.moment, events)
        : (byAddress(index, number, subject) ??
          refusals?.get(number) ??
          index.checks[number]?.failed(subject) ??
          notIncoming(subject));
    trace.push({ rule: index.names[number] ?? '', matched: false, why });
  }
  return trace;
}

/** Null if its first clause matches or is not about an address. */
function byAddress(index: TraceIndex, number: number, subject: Subject): string | null {
  const clause = index.clauses[number] ?? -1;
  if (clause < 0) return null;
  const field = index.isTo[number] === 1 ? 'to' : 'from';
  if (subject.isHit(field, clause)) return null;
  return subject.word(field) + index.failures[number];
}

/** The reason if no written clause failed. */
function notIncoming({ facts }: Subject): string {
  return `direction: ${facts.direction ?? 'not known of this call, so it'} is not incoming, which a rule means that names no direction`;
}

function otherEvent(moment: Moment, events: number): string {
  const wanted = EVENTS.filter((_, event) => (events & (1 << event)) !== 0);
  return `event: ${moment.event} is not ${wanted.join(' or ')}`;
}

export function eventNumber(moment: Moment): 0 | 1 | 2 {
  if (moment.event === 'call.initiated') return 0;
  return moment.event === 'call.answered' ? 1 : 2;
}
