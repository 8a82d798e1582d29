/** Everything that changes a call is a CallEvent. */
import type { CallFacts, DeadlineName } from './call.ts';
import type { ClientState, Envelope } from './client-state.ts';
import type { Action, Outcome } from './command.ts';
import type { ReportedCost } from './cost.ts';
import type { ReferStep } from './plan.ts';

interface EventBase {
  /**
   * Identifies repeats together with `type`: Telnyx's `data.id`, `outcome:…`, `deadline:…` or
   * `manual:…`.
   */
  id: string;
  callId: string;
  /** Event type: Telnyx's own for webhooks. */
  type: string;
  /**
   * When it arrived, in ms since the epoch, by our clock; of an outcome, by the store's. Decisions
   * use it.
   */
  receivedAt: number;
  /** Telnyx's `occurred_at` in ms with a fraction; orders events. Null if absent or unreadable. */
  occurredAt: number | null;
}

/** Marks a webhook that we missed and that was found in Telnyx's list of failed deliveries. */
export interface Recovered {
  /** call_control_ids of the legs that Telnyx lists as live. */
  living: ReadonlySet<string>;
}

/**
 * A verified webhook about a call. Fields that are absent, null or malformed in the payload are
 * null.
 */
export interface WebhookEvent extends EventBase, ClientState {
  source: 'webhook';
  facts: CallFacts;
  sipNotifyResponse: number | null;
  hangupCause: string | null;
  hangupSource: string | null;
  sipHangupCause: string | null;
  /** `digits` of a gather, `digit` of a DTMF event. */
  digits: string | null;
  /** `status` of gather, speak and playback endings. */
  status: string | null;
  /** Only of `call.cost`. */
  cost?: ReportedCost;
  /** `meta.attempt`: Telnyx's number of this delivery attempt, from 1. */
  deliveryAttempt: number | null;
  /** How far our clock is ahead of Telnyx's, measured on genuine webhooks; absent if unknown. */
  clockSkewMs?: number;
  /** The caller's leg if this is the B-leg of our transfer; set by the engine. */
  parentId?: string;
  /** Absent if Telnyx delivered the webhook itself. */
  recovered?: Recovered;
}

/** The webhook of a B-leg of our transfer, as an event of the caller's leg. */
export interface BLegEvent extends EventBase {
  source: 'b_leg';
  bLegId: string;
  attemptId: string | null;
  hangupCause: string | null;
  sipHangupCause: string | null;
  cost?: ReportedCost;
  recovered?: Recovered;
}

export interface OutcomeEvent extends EventBase {
  source: 'outcome';
  commandId: string;
  /** The leg in the request's path: the caller's, or the B-leg of a transfer. */
  legId: string;
  action: Action;
  /** The name of the lookup, if the command is one. */
  lookup?: string;
  outcome: Outcome;
  /**
   * When the command was first sent, by the store's clock; null if it is proven that it never was.
   */
  firstSentAt: number | null;
}

export interface DeadlineEvent extends EventBase {
  source: 'deadline';
  name: DeadlineName;
  n: number;
  /** It is overdue, or was set shortly before a start or recovery: postpone it once. */
  putOff: boolean;
}

/** An operator requests a manual refer: a plan of one step. */
export interface ManualEvent extends EventBase {
  source: 'manual';
  step: ReferStep;
}

/** Recovery saw the leg in the list of live legs, and read its client_state. */
export interface SightingEvent extends EventBase {
  source: 'sighting';
  envelope: Envelope | null;
}

/** An operator acknowledged a lost caller. */
export interface AcknowledgedEvent extends EventBase {
  source: 'acknowledged';
}

/** An operator acts on a live call, other than by a manual refer. */
export interface OperatorEvent extends EventBase {
  source: 'operator';
  type: 'operator.hangup' | 'operator.next';
  /** Who did it, and why. Shown to people; nothing depends on it. */
  by: string | null;
  reason: string | null;
}

export type CallEvent =
  | WebhookEvent
  | BLegEvent
  | OutcomeEvent
  | DeadlineEvent
  | ManualEvent
  | OperatorEvent
  | SightingEvent
  | AcknowledgedEvent;
