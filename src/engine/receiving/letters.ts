/** Reads and writes the events of dead letters: JSON, in which a set is a list. */
import type { CallEvent } from '../../core/machine/event.ts';

export function keepable(event: CallEvent): unknown {
  if (!('recovered' in event) || event.recovered === undefined) return event;
  return { ...event, recovered: { living: [...event.recovered.living] } };
}

/** Null if the stored value is not an event. */
export function eventOfLetter(kept: unknown): CallEvent | null {
  if (typeof kept !== 'object' || kept === null) return null;
  const event = kept as CallEvent;
  const isEvent = [event.id, event.callId, event.type, event.source].every(
    (each) => typeof each === 'string',
  );
  if (!isEvent) return null;
  if (!('recovered' in event) || event.recovered === undefined) return event;
  const { living } = event.recovered as unknown as { living?: unknown };
  return { ...event, recovered: { living: new Set(Array.isArray(living) ? living : []) } };
}
