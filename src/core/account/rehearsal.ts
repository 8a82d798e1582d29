/** What one real call showed: its webhooks with every delivery, its commands, and how it ended. */

export interface DeliveryTry {
  /** Milliseconds since the epoch, as all times here. */
  startedAt: number | null;
  /** HTTP status of our answer; null if none arrived. */
  status: number | null;
  /** The signed time in seconds; null if the log does not show it. */
  timestamp: string | null;
  errors: string[];
}

export interface RehearsedWebhook {
  id: string;
  type: string;
  /** The leg that we dialled, the call that our server took, or a B-leg of it. */
  leg: 'calling' | 'called' | 'b_leg';
  occurredAt: number | null;
  /** Null if our server has no record of it. */
  receivedAt: number | null;
  sipNotifyResponse: number | null;
  hangupCause: string | null;
  /** Length of the `client_state` that came back with it, in base64. */
  clientStateChars: number | null;
  /** Oldest first; empty if the delivery log does not show it yet. */
  tries: DeliveryTry[];
}

export interface RehearsedCommand {
  id: string;
  action: string;
  /** When its answer arrived. */
  at: number;
  outcome: string;
  status: number | null;
  code: string | null;
}

export interface RehearsedAttempt {
  kind: 'refer' | 'transfer';
  target: string | null;
  verdict: string | null;
  sipNotifyResponse: number | null;
  reason: string | null;
  acceptedAt: number | null;
}

export interface Rehearsal {
  placedAt: number;
  /** In the order in which they occurred. */
  webhooks: RehearsedWebhook[];
  commands: RehearsedCommand[];
  attempts: RehearsedAttempt[];
  /** How the call of our server ended; null if it did not take the call or has not ended it yet. */
  ends: string | null;
  /** By Telnyx's clock or by ours, whichever is earlier. */
  answeredAt: number | null;
  /** `pstn` or `sip`, as Telnyx says. */
  callerType: string | null;
}

/** Deliveries after the first that we answered with 200. */
export function duplicatesOf({ tries }: RehearsedWebhook): number {
  const first = tries.findIndex(({ status }) => status === 200);
  return first === -1 ? 0 : tries.length - first - 1;
}

/** From the event to our record of it. The two clocks are Telnyx's and ours. */
export function delayMs({ occurredAt, receivedAt }: RehearsedWebhook): number | null {
  return occurredAt === null || receivedAt === null ? null : receivedAt - occurredAt;
}
