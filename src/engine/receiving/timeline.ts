/** Describes one event as an entry of the call's timeline. */
import type { Call } from '../../core/machine/call.ts';
import type { CallEvent } from '../../core/machine/event.ts';
import type { Transition } from '../../core/machine/transition.ts';
import { detailOf } from '../../core/recording/detail.ts';
import { type Given, recordedOf } from '../../core/recording/row.ts';
import { seenKey } from '../../store/contract/calls.ts';
import type { TimelineEntry } from '../../store/contract/timeline.ts';

/**
 * The key that identifies repeats: event id and type. A B-leg's event has its own key on the
 * caller's call.
 */
function eventKey(event: CallEvent): string {
  const key = `${event.type}|${event.id}`;
  return event.source === 'b_leg' ? `b-leg|${key}` : key;
}

/** An event as a load asks for it. */
export function eventRef(event: CallEvent): { callId: string; key: string } {
  return { callId: event.callId, key: eventKey(event) };
}

/** The same for all deliveries of an event, and for nothing else; as in `Loaded.seen`. */
export function deliveryKey(event: CallEvent): string {
  return seenKey(eventRef(event));
}

/**
 * `event`: as it arrived. `given`: as the machine processed it, with the answers that the machine
 * was given.
 */
export function timelineEntry(
  event: CallEvent,
  before: Call | null,
  step: Transition,
  given: Given,
): TimelineEntry {
  const entry = {
    key: eventKey(event),
    id: event.id,
    source: event.source,
    type: event.type,
    at: given.now,
    occurredAt: event.occurredAt,
    phaseBefore: before?.phase ?? null,
    phase: step.call.phase,
    notes: step.notes,
    commands: step.commands.map(({ id, action, attemptId }) => ({
      id,
      action,
      attempt: attemptId,
    })),
    attempt: step.attemptId,
    detail: detailOf(event),
    trace: step.trace,
  };
  return { ...entry, recorded: recordedOf(entry, before, step.call, given) };
}
