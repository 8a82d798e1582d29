/**
 * The simulator's records: what really happened to each caller, whatever was reported. The soak
 * test compares the service's records with these.
 */
import type { FaultKind } from './faults.ts';
import type { PlacedLegs } from './leg.ts';
import type { CommandBody } from './schema.ts';

/**
 * moved: the caller reached somebody at least once; released: the service hung up or rejected the
 * call; left: the caller hung up; dropped: the network ended the call; waiting: the caller is still
 * on the line.
 */
type Fate = 'moved' | 'released' | 'left' | 'dropped' | 'waiting';

export interface Move {
  kind: 'refer' | 'transfer';
  address: string;
  at: string;
  commandId: string | null;
}

export interface BookedAttempt {
  kind: 'refer' | 'transfer';
  address: string;
  commandId: string | null;
  at: string;
  /** What the far end did; null while it rings. */
  result: number | 'silent' | 'bye' | 'cancelled' | null;
  /** Whether the result was reported: false if there was no final NOTIFY. */
  reported: boolean;
}

export interface BookedRequest {
  at: string;
  method: string;
  action: string;
  body: CommandBody | null;
  /** Status of the answer; 0 if there was none. */
  status: number;
  /** Telnyx's error code if it was refused. */
  code: string | null;
  executed: boolean;
  /** A repeated command_id within 60 s: answered but not executed. */
  duplicate: boolean;
  fault: FaultKind | null;
}

interface BookedDelivery {
  url: string;
  attempt: number;
  /** HTTP status; 0 if there was no answer. */
  status: number;
  error: string | null;
}

export interface BookedWebhook {
  id: string;
  type: string;
  leg: string;
  occurredAt: string;
  clientState: string | null;
  faults: FaultKind[];
  deliveries: BookedDelivery[];
  /**
   * given_up: every attempt failed; lost: dropped by a fault; unfinished: the simulator stopped
   * first.
   */
  outcome: 'pending' | 'delivered' | 'given_up' | 'lost' | 'unfinished';
}

export interface CallBook {
  number: number;
  name: string | null;
  callControlId: string;
  callSessionId: string;
  from: string;
  to: string;
  placedAt: string;
  answeredAt: string | null;
  endedAt: string | null;
  fate: Fate;
  /** The cause with which the service rejected the call. */
  rejectedAs: 'CALL_REJECTED' | 'USER_BUSY' | null;
  /** Each time the caller reached somebody: more than one entry is a double move. */
  moved: Move[];
  attempts: BookedAttempt[];
  /** What the caller heard: spoken text, media, prompts of menus. */
  heard: string[];
  /** Whether any webhook of the caller's leg was answered 200. */
  heardOf: boolean;
  requests: BookedRequest[];
  webhooks: BookedWebhook[];
  /** Faults that occurred, in words; the same seed gives the same list for the same service. */
  faults: string[];
}

/** A service that retries or loops must not fill the simulator's memory. */
const REQUESTS_PER_CALL_MAX = 500;
const WEBHOOKS_PER_CALL_MAX = 1_000;
const DELIVERIES_PER_WEBHOOK_MAX = 40;
const FAULTS_PER_CALL_MAX = 500;
const STRAY_REQUESTS_MAX = 1_000;

export function bookRequest(list: BookedRequest[], request: BookedRequest): BookedRequest {
  return push(list, request, REQUESTS_PER_CALL_MAX);
}

export function bookStrayRequest(list: BookedRequest[], request: BookedRequest): BookedRequest {
  return push(list, request, STRAY_REQUESTS_MAX);
}

export function bookWebhook(book: CallBook, webhook: BookedWebhook): BookedWebhook {
  return push(book.webhooks, webhook, WEBHOOKS_PER_CALL_MAX);
}

export function bookDelivery(webhook: BookedWebhook, delivery: BookedDelivery): void {
  push(webhook.deliveries, delivery, DELIVERIES_PER_WEBHOOK_MAX);
}

export function bookFault(book: CallBook, text: string): void {
  push(book.faults, text, FAULTS_PER_CALL_MAX);
}

function push<T>(list: T[], item: T, most: number): T {
  if (list.length < most) list.push(item);
  return item;
}

/** The record of a call that was just placed. */
export function newBook(call: PlacedLegs, from: string, to: string): CallBook {
  return {
    number: call.number,
    name: call.script.name ?? null,
    callControlId: call.caller.callControlId,
    callSessionId: call.sessionId,
    from,
    to,
    placedAt: call.caller.startedAt,
    answeredAt: null,
    endedAt: null,
    fate: 'waiting',
    rejectedAs: null,
    moved: [],
    attempts: [],
    heard: [],
    heardOf: false,
    requests: [],
    webhooks: [],
    faults: [],
  };
}
