/** The one door: everything that changes a call is a CallEvent. */
import type { CallFacts, DeadlineName } from './call.ts';
import type { Action, Outcome } from './command.ts';
import type { ReferStep } from './plan.ts';

interface EventBase {
  /** With `type` the key of a second delivery. Telnyx's `data.id`, or `outcome:…`, `deadline:…`, `manual:…`. */
  id: string;
  callId: string;
  /** Event type: Telnyx's own for webhooks. */
  type: string;
  /** When it reached us, by our clock; decisions use it. Milliseconds since the epoch. */
  receivedAt: number;
  /** Telnyx's `occurred_at`, milliseconds with a fraction; orders events. Null where absent or unreadable. */
  occurredAt: number | null;
}

/** A verified webhook about a call, in our words. Fields absent, null or odd in the payload are null. */
export interface WebhookEvent extends EventBase {
  source: 'webhook';
  facts: CallFacts;
  clientState: string | null;
  sipNotifyResponse: number | null;
  hangupCause: string | null;
  hangupSource: string | null;
  sipHangupCause: string | null;
  /** `digits` of a gather, `digit` of a DTMF event. */
  digits: string | null;
  /** `status` of gather, speak and playback endings. */
  status: string | null;
  /** `meta.attempt`: delivery attempts of Telnyx, from 1. */
  deliveryAttempt: number | null;
  /** What our clock is ahead of Telnyx's, as genuine webhooks show it; absent where that is not known. */
  clockSkewMs?: number;
  /** The caller's leg, where this is the B-leg of a transfer of ours; the engine finds out. */
  parentId?: string;
}

/** The same webhook seen from the caller's leg: an event of the B-leg of a transfer of ours. */
export interface BLegEvent extends EventBase {
  source: 'b_leg';
  bLegId: string;
  attemptId: string | null;
  hangupCause: string | null;
  sipHangupCause: string | null;
}

export interface OutcomeEvent extends EventBase {
  source: 'outcome';
  commandId: string;
  /** The leg in the request's path: the caller's, or the B-leg of a transfer. */
  legId: string;
  action: Action;
  outcome: Outcome;
  /** When the command first went out, by the store's clock; null if proven never. */
  firstSentAt: number | null;
}

export interface DeadlineEvent extends EventBase {
  source: 'deadline';
  name: DeadlineName;
  n: number;
  /** The sweeper found it late, or set shortly before a start or recovery: put it off once. */
  putOff: boolean;
}

/** An operator asks for a REFER by hand: a plan of one step. */
export interface ManualEvent extends EventBase {
  source: 'manual';
  step: ReferStep;
}

export type CallEvent = WebhookEvent | BLegEvent | OutcomeEvent | DeadlineEvent | ManualEvent;
