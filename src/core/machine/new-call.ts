/** A call of which nothing is known yet but its id. */
import type { Call, CallFacts } from './call.ts';

export function newCall(callId: string, now: number): Call {
  return {
    id: callId,
    facts: { ...NO_FACTS, callId, headers: [], tags: [] },
    createdAt: now,
    endedAt: null,
    heardAt: null,
    phase: 'new',
    ends: null,
    answered: false,
    answerRefused: false,
    answeredAgain: false,
    foreignState: null,
    stamped: false,
    parentId: null,
    decided: false,
    rule: null,
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
    suspended: null,
    outstanding: [],
  };
}

const NO_FACTS: Omit<CallFacts, 'callId' | 'headers' | 'tags'> = {
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
};
