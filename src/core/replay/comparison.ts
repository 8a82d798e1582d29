/** Counts replayed calls one by one, in memory that does not grow with their number. */
import type { Ends } from '../machine/call.ts';
import { OTHERWISE } from '../machine/plan.ts';
import type { RecordedCall } from '../recording/recorded-call.ts';
import { APART, type Apart } from './apart.ts';
import { differs, type Replayed } from './replay.ts';

export interface Comparison {
  calls: number;
  same: number;
  differs: number;
  skipped: number;
  skipped_because: Record<Apart, number>;
  /** The most frequent change first. */
  changes: Change[];
  ends: Sides<Partial<Record<Ends, number>>>;
  moves: Sides<number>;
  /** How many calls reach a destination that was not tried on the recorded call. */
  assumed: Record<string, number>;
  /** Calls that differ, in the order in which they were read. */
  list: ListedCall[];
  /**
   * There were more calls or kinds of change than are kept; the rest was counted, but neither
   * listed nor named.
   */
  truncated: boolean;
}

export interface Sides<T> {
  before: T;
  after: T;
}

/** `otherwise` is named, as it is where the next routes are compared; no rule may have its name. */
export interface Change extends Sides<{ rule: string; target: string | null }> {
  calls: number;
  examples: string[];
}

type Story = Pick<Replayed, 'attempts' | 'ends'> & { rule: string };

export interface ListedCall extends Sides<Story> {
  call_control_id: string;
  from: string | null;
  to: string | null;
  at: string;
  assumed: string[];
}

const COMPARISON_LIMITS = { listMax: 10_000, changesMax: 1_000, examplesMax: 5 } as const;

export interface Comparing {
  skip(why: Apart): void;
  add(recorded: RecordedCall, sides: Sides<Replayed>): void;
  result(): Comparison;
}

export function compareCalls(
  limits: typeof COMPARISON_LIMITS | Limits = COMPARISON_LIMITS,
): Comparing {
  const changes = new Map<string, Change>();
  const assumed = new Map<string, number>();
  const total: Comparison = {
    calls: 0,
    same: 0,
    differs: 0,
    skipped: 0,
    skipped_because: Object.fromEntries(APART.map((why) => [why, 0])) as Record<Apart, number>,
    changes: [],
    ends: { before: {}, after: {} },
    moves: { before: 0, after: 0 },
    assumed: {},
    list: [],
    truncated: false,
  };
  return {
    skip(why) {
      total.calls += 1;
      total.skipped += 1;
      total.skipped_because[why] += 1;
    },
    add(recorded, { before, after }) {
      total.calls += 1;
      countSides(total, { before, after });
      if (!differs(before, after)) {
        total.same += 1;
        return;
      }
      total.differs += 1;
      countChange(recorded.callId, { before, after });
      for (const destination of assumedBy({ before, after })) countAssumed(destination);
      if (total.list.length < limits.listMax) total.list.push(listed(recorded, { before, after }));
      else total.truncated = true;
    },
    result: () => ({
      ...total,
      assumed: Object.fromEntries(assumed),
      changes: [...changes.values()].sort((one, other) => other.calls - one.calls),
    }),
  };

  function countAssumed(destination: string): void {
    const times = assumed.get(destination) ?? 0;
    if (times > 0 || assumed.size < limits.changesMax) assumed.set(destination, times + 1);
    else total.truncated = true;
  }

  function countChange(callId: string, { before, after }: Sides<Replayed>): void {
    const key = JSON.stringify([before.rule, before.target, after.rule, after.target]);
    let change = changes.get(key);
    if (change === undefined) {
      // Destinations made from callers' numbers may be as many as callers.
      if (changes.size >= limits.changesMax) {
        total.truncated = true;
        return;
      }
      change = {
        before: { rule: before.rule ?? OTHERWISE, target: before.target },
        after: { rule: after.rule ?? OTHERWISE, target: after.target },
        calls: 0,
        examples: [],
      };
      changes.set(key, change);
    }
    change.calls += 1;
    if (change.examples.length < limits.examplesMax) change.examples.push(callId);
  }
}

export type Limits = { [K in keyof typeof COMPARISON_LIMITS]: number };

function countSides({ ends, moves }: Comparison, { before, after }: Sides<Replayed>): void {
  for (const [side, { ends: end, moves: made }] of [
    ['before', before],
    ['after', after],
  ] as const) {
    // Null: the call was still live when it was recorded.
    if (end !== null) ends[side][end] = (ends[side][end] ?? 0) + 1;
    moves[side] += made;
  }
}

function listed({ callId, stored }: RecordedCall, { before, after }: Sides<Replayed>): ListedCall {
  const { facts, createdAt } = stored;
  return {
    call_control_id: callId,
    from: facts.from,
    to: facts.to,
    at: new Date(createdAt).toISOString(),
    before: storyOf(before),
    after: storyOf(after),
    assumed: assumedBy({ before, after }),
  };
}

function assumedBy({ before, after }: Sides<Replayed>): string[] {
  return [...new Set([...before.assumed, ...after.assumed])];
}

function storyOf({ rule, attempts, ends }: Replayed): Story {
  return { rule: rule ?? OTHERWISE, attempts, ends };
}
