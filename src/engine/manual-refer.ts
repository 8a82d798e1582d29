/**
 * A manual refer: an operator moves a caller, as a plan of one step. The call is checked here
 * first, and again by the machine when the event is committed.
 */
import { randomUUID } from 'node:crypto';
import type { Attempt, Call } from '../core/machine/call.ts';
import { commandId } from '../core/machine/command-id.ts';
import { whyNotMovable } from '../core/machine/movable.ts';
import type { ReferStep } from '../core/machine/plan.ts';
import type { RouteSet } from '../core/rules/rule.ts';
import { resolveManual } from '../core/rules/targets/target.ts';
import { RefereeError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Receiver } from './engine.ts';

export type Wanted = { target: string } | { sipAddress: string };

export type ManualRefer =
  | { result: 'no_such_call' }
  | { result: 'not_movable'; why: 'ended' | 'being_moved'; call: Call }
  | { result: 'unresolved'; why: 'unknown_target' | 'policy' | 'malformed'; problem: string }
  /**
   * It is on the timeline, but nothing was sent: a budget is used up, or the call cannot be
   * answered.
   */
  | { result: 'rejected'; asked: Asked; reason: string | null }
  | { result: 'started'; asked: Asked; attempt: Attempt; call: Call }
  /** The call must be answered first. */
  | { result: 'to_come'; asked: Asked; call: Call };

/** What was committed, with the id that its attempt has or will have. */
export interface Asked {
  eventId: string;
  attemptId: string;
  step: ReferStep;
}

export interface ManualReferDeps {
  store: Pick<Store, 'find'>;
  receiver: Receiver;
  routeSet: () => RouteSet;
  now: () => number;
}

/** Rejects as `Receiver.receive` does, and if the event became a dead letter. */
export async function referManually(
  callId: string,
  wanted: Wanted,
  { store, receiver, routeSet, now }: ManualReferDeps,
): Promise<ManualRefer> {
  const found = await store.find(callId);
  if (found === null) return { result: 'no_such_call' };
  const { call } = found;
  const why = whyNotMovable(call);
  if (why !== null) return { result: 'not_movable', why, call };
  const resolved = resolveManual(routeSet(), call.facts, wanted);
  if ('problem' in resolved) {
    return { result: 'unresolved', why: resolved.kind, problem: resolved.problem };
  }

  const eventId = `manual:${randomUUID()}`;
  // Its type differs from the event's, so that no other command of this event gets the same id.
  const attemptId = commandId(callId, 'manual.attempt', eventId, 0);
  const asked = { eventId, attemptId, step: resolved.step };
  const at = now();
  const received = await receiver.receive({
    source: 'manual',
    type: 'manual.refer',
    id: asked.eventId,
    callId,
    receivedAt: at,
    occurredAt: at,
    step: { ...resolved.step, attemptId },
  });
  switch (received.result) {
    case 'committed':
      return becameOf(asked, received.call);
    case 'refused':
      if (received.why === 'no_such_call') return { result: 'no_such_call' };
      return {
        result: 'not_movable',
        why: received.why === 'ended' ? 'ended' : 'being_moved',
        call,
      };
    default:
      throw new RefereeError('MANUAL_REFER', `the manual refer ended as ${received.result}`);
  }
}

function becameOf(asked: Asked, call: Call): ManualRefer {
  const attempt = call.attempts.find(({ id }) => id === asked.attemptId);
  if (attempt?.verdict === 'rejected') {
    return { result: 'rejected', asked, reason: attempt.reason };
  }
  if (attempt !== undefined) return { result: 'started', asked, attempt, call };
  return call.suspended === null
    ? { result: 'rejected', asked, reason: null }
    : { result: 'to_come', asked, call };
}
