/**
 * The timeline of a call. It is append-only, and repeated deliveries of an event are recognized by
 * it.
 */
import type { Phase } from '../../core/machine/call.ts';
import type { CallEvent } from '../../core/machine/event.ts';
import type { TraceLine } from '../../core/machine/plan.ts';
import type { Recorded } from '../../core/recording/row.ts';

/** One entry: an event, what it changed and why, and what we did next. */
export interface TimelineEntry {
  /** `type|id` of the event, by which a repeated delivery is recognized. */
  key: string;
  id: string;
  source: CallEvent['source'];
  type: string;
  at: number;
  occurredAt: number | null;
  phaseBefore: Phase | null;
  phase: Phase;
  /** Sentences, in order. */
  notes: string[];
  /** Commands issued by this event. */
  commands: { id: string; action: string; attempt: string | null }[];
  /** The attempt that the event belongs to. */
  attempt: string | null;
  /** Details worth showing: sip_notify_response, hangup_cause, digits, outcome and the like. */
  detail: Record<string, string | number | boolean | null>;
  /** The trace of the decision, if one was made on this event. */
  trace: TraceLine[] | null;
  /**
   * What else is needed to run the event again; null in rows of a release that did not record it.
   */
  recorded: Recorded | null;
}
