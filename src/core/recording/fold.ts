/**
 * Runs the recorded events of a call through the machine again and compares with what is stored.
 */
import type { Attempt, Call } from '../machine/call.ts';
import { type Transition, transition } from '../machine/transition.ts';
import { type Asked, sameAnswers } from './answers.ts';
import type { RecordedCall, RecordedEvent } from './recorded-call.ts';

export interface Difference {
  /** `phase`, `ends`, `attempts`, `commands`, or the name of another field of the call. */
  what: string;
  /** The event after which it differs; null: it was only noticed at the end. */
  event: { id: string; type: string; number: number } | null;
  stored: unknown;
  folded: unknown;
}

export interface Folded {
  /** Null if there are no events. */
  call: Call | null;
  /** Empty if the events lead to the stored call. */
  differences: Difference[];
  /** Every decision that the machine asked for, in order. */
  asked: Asked[];
}

/** Only a recording that is `complete` can be expected to match. */
export function foldCall(recorded: Pick<RecordedCall, 'events' | 'stored' | 'misfiled'>): Folded {
  const differences: Difference[] = [];
  const asked: Asked[] = [];
  let call: Call | null = null;
  for (const [index, each] of recorded.events.entries()) {
    const { event } = each;
    const at = { id: event.id, type: event.type, number: index + 1 };
    const world = sameAnswers(each, (one) => asked.push(one));
    const step = attempt(() => transition(call, event, world));
    if (typeof step === 'string' || step.refused !== null) {
      const folded = typeof step === 'string' ? step : step.refused;
      differences.push({ what: 'event', event: at, stored: 'applied', folded });
      continue;
    }
    call = step.call;
    differences.push(...differencesAfter(each, at, { call, commands: step.commands }));
  }
  differences.push(...differencesAtTheEnd(recorded.stored, call));
  for (const { what, column, document } of recorded.misfiled ?? []) {
    if (differences.some((each) => each.what === what && each.event === null)) continue;
    differences.push({ what, event: null, stored: column, folded: document });
  }
  return { call, differences, asked };
}

/**
 * If the machine can no longer process an event that it once processed, that is a difference too.
 */
function attempt(run: () => Transition): Transition | string {
  try {
    return run();
  } catch (error) {
    return `the machine threw: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function differencesAfter(
  recorded: RecordedEvent,
  event: Difference['event'],
  folded: { call: Call; commands: { id: string }[] },
): Difference[] {
  const differences: Difference[] = [];
  const commands = folded.commands.map(({ id }) => id);
  if (recorded.phase !== folded.call.phase) {
    differences.push({
      what: 'phase',
      event,
      stored: recorded.phase,
      folded: folded.call.phase,
    });
  }
  if (!isSame(recorded.commands, commands)) {
    differences.push({ what: 'commands', event, stored: recorded.commands, folded: commands });
  }
  return differences;
}

function differencesAtTheEnd(stored: Call, folded: Call | null): Difference[] {
  if (folded === null) {
    return [{ what: 'event', event: null, stored: stored.phase, folded: 'no event recorded' }];
  }
  const differences: Difference[] = [];
  const fields = new Set([...FIRST, ...Object.keys(stored), ...Object.keys(folded)]);
  for (const field of fields as Set<keyof Call>) {
    if (isSame(stored[field], folded[field])) continue;
    const [told, found] =
      field === 'attempts' && !isSame(briefly(stored.attempts), briefly(folded.attempts))
        ? [briefly(stored.attempts), briefly(folded.attempts)]
        : [stored[field], folded[field]];
    differences.push({ what: field, event: null, stored: told, folded: found });
  }
  return differences;
}

/** Differences that callers notice are named first. */
const FIRST = ['phase', 'ends', 'attempts'] as const satisfies (keyof Call)[];

function briefly(attempts: Attempt[]) {
  return attempts.map(({ id, kind, target, sipAddress, verdict }) => ({
    id,
    kind,
    target: target ?? sipAddress,
    verdict,
  }));
}

/** Compares as JSON, which is what is stored, ignoring the order of fields. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || canonical(one) === canonical(other);
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, each: unknown) =>
      typeof each === 'object' && each !== null && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
        : each,
    ) ?? 'null'
  );
}
