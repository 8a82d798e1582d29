/** The timeline of a call: append-only, and what a second delivery of an event is known by. */
import type { Phase } from '../../core/machine/call.ts';
import type { CallEvent } from '../../core/machine/event.ts';
import type { TraceLine } from '../../core/machine/plan.ts';
import type { Recorded } from '../../core/recording/row.ts';

/** One line of a call's story: an event, what it changed, why, and what we did next. */
export interface TimelineEntry {
  /** `type|id` of the event: what a second delivery is known by. */
  key: string;
  id: string;
  source: CallEvent['source'];
  type: string;
  at: number;
  occurredAt: number | null;
  phaseBefore: Phase | null;
  phase: Phase;
  /** In words, in order. */
  notes: string[];
  /** Commands issued by this event. */
  commands: { id: string; action: string; attempt: string | null }[];
  /** The attempt that the event belongs to. */
  attempt: string | null;
  /** Details worth showing: sip_notify_response, hangup_cause, digits, outcome and the like. */
  detail: Record<string, string | number | boolean | null>;
  /** The decision's trace, on the event that was decided on. */
  trace: TraceLine[] | null;
  /** What else it takes to run the event again; null in rows of a release that recorded nothing. */
  recorded: Recorded | null;
}
