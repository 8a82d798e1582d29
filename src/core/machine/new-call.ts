/** A call of which only the id is known. */
import type { Call, CallFacts } from './call.ts';
import type { CallEvent } from './event.ts';
import { heardOfAt, isGone } from './gone.ts';
import { heardLateMs } from './heard-late.ts';
import { RINGING_MS_MAX } from './limits.ts';

/**
 * When the caller came. Of one who has hung up Telnyx says it. Where Telnyx had to repeat the first
 * webhook that we hear, as while no server ran, they have been there since the event occurred.
 */
export function cameAt(event: CallEvent, now: number): number {
  if (isGone(event)) return heardOfAt(event, now);
  if (event.source !== 'webhook') return now;
  // Whoever still waits is decided as if the webhook that was recovered had come now.
  if (event.recovered !== undefined) return now;
  return now - heardLateMs(event, now, now - RINGING_MS_MAX + 1);
}

export function newCall(callId: string, now: number): Call {
  return {
    id: callId,
    facts: noFacts(callId),
    createdAt: now,
    endedAt: null,
    endHeardLateMs: 0,
    endedByCaller: false,
    acknowledgedAt: null,
    heardAt: null,
    phase: 'new',
    ends: null,
    answered: false,
    answerAssumed: false,
    answerRefused: false,
    answeredAgain: false,
    foreignState: null,
    stamped: false,
    parentId: null,
    decided: false,
    asking: null,
    rule: null,
    rows: [],
    label: null,
    routeSet: null,
    policy: null,
    plan: [],
    lastResort: [],
    lastResortRan: false,
    running: null,
    attempts: [],
    voices: [],
    deadlines: [],
    deadlineCount: 0,
    patienceOver: false,
    movingUnsafe: false,
    probe: null,
    unseen: 0,
    releases: 0,
    releasedAs: null,
    releasedByOperator: false,
    suspended: null,
    outstanding: [],
    parked: [],
    costs: [],
  };
}

/**
 * Nothing is known of the leg except its id. The lists are created for each call, because they must
 * not be shared.
 */
export function noFacts(callId: string): CallFacts {
  return {
    callId,
    sessionId: null,
    legId: null,
    connectionId: null,
    from: null,
    to: null,
    direction: null,
    callerName: null,
    callerType: null,
    attestation: null,
    attestationValidated: false,
    headers: [],
    tags: [],
  };
}
