/**
 * A call as it is stored: JSON without what every new call has. A document is written with each event of
 * its call, so what it does not say is neither made, nor stored, nor read again.
 *
 * Each field stands here by name, once on the way in and once on the way out: objects of one shape are what
 * V8 is quickest with, and the compiler asks after a field that somebody adds to a call. What is left out
 * belongs to the document, hence not to `newCall`: a stored call stays as it is when new ones begin otherwise.
 */
import type { Attempt, Call, CallFacts } from '../../core/machine/call.ts';

type Packed<T> = { [Field in keyof T]: T[Field] | undefined };

export function packCall(call: Call): string {
  return JSON.stringify({
    id: call.id,
    facts: packFacts(call.facts),
    createdAt: call.createdAt,
    endedAt: call.endedAt ?? undefined,
    endedByCaller: call.endedByCaller || undefined,
    heardAt: call.heardAt ?? undefined,
    phase: call.phase,
    ends: call.ends ?? undefined,
    answered: call.answered || undefined,
    answerRefused: call.answerRefused || undefined,
    answeredAgain: call.answeredAgain || undefined,
    foreignState: call.foreignState ?? undefined,
    stamped: call.stamped || undefined,
    parentId: call.parentId ?? undefined,
    decided: call.decided || undefined,
    rule: call.rule ?? undefined,
    routeSet: call.routeSet ?? undefined,
    policy: call.policy ?? undefined,
    plan: some(call.plan),
    lastResort: some(call.lastResort),
    lastResortRan: call.lastResortRan || undefined,
    running: call.running ?? undefined,
    attempts: some(call.attempts)?.map(packAttempt),
    voices: some(call.voices),
    deadlines: some(call.deadlines),
    deadlineCount: call.deadlineCount || undefined,
    patienceOver: call.patienceOver || undefined,
    movingUnsafe: call.movingUnsafe || undefined,
    probe: call.probe ?? undefined,
    unseen: call.unseen || undefined,
    releases: call.releases || undefined,
    releasedAs: call.releasedAs ?? undefined,
    suspended: call.suspended ?? undefined,
    outstanding: some(call.outstanding),
    parked: some(call.parked),
  } satisfies Packed<Omit<Call, 'facts' | 'attempts'>> & { facts: object; attempts: unknown });
}

/** Without `callId`, which is the call's own id. */
function packFacts(facts: CallFacts) {
  return {
    sessionId: facts.sessionId ?? undefined,
    legId: facts.legId ?? undefined,
    connectionId: facts.connectionId ?? undefined,
    from: facts.from ?? undefined,
    to: facts.to ?? undefined,
    direction: facts.direction ?? undefined,
    callerName: facts.callerName ?? undefined,
    callerType: facts.callerType ?? undefined,
    attestation: facts.attestation ?? undefined,
    attestationValidated: facts.attestationValidated || undefined,
    headers: some(facts.headers),
    tags: some(facts.tags),
  } satisfies Packed<Omit<CallFacts, 'callId'>>;
}

function packAttempt(attempt: Attempt) {
  return {
    id: attempt.id,
    kind: attempt.kind,
    target: attempt.target ?? undefined,
    sipAddress: attempt.sipAddress,
    startedAt: attempt.startedAt,
    sentAt: attempt.sentAt,
    requestEndedAt: attempt.requestEndedAt ?? undefined,
    acceptedAt: attempt.acceptedAt ?? undefined,
    progress: attempt.progress || undefined,
    verdict: attempt.verdict ?? undefined,
    endedAt: attempt.endedAt ?? undefined,
    final: attempt.final || undefined,
    sipNotifyResponse: attempt.sipNotifyResponse ?? undefined,
    reason: attempt.reason ?? undefined,
    byeWithoutVerdict: attempt.byeWithoutVerdict,
    unsent: attempt.unsent || undefined,
    takenBackAt: attempt.takenBackAt ?? undefined,
    movesOnAnyway: attempt.movesOnAnyway || undefined,
    bLeg: attempt.bLeg ?? undefined,
    bLegAnswered: attempt.bLegAnswered || undefined,
    bLegHangup: attempt.bLegHangup ?? undefined,
    bLegEnded: attempt.bLegEnded || undefined,
    manual: attempt.manual || undefined,
  } satisfies Packed<Attempt>;
}

/** Also of documents that say everything, as code version 1 wrote them. */
export function unpackCall(document: string): Call {
  const packed = JSON.parse(document) as Omit<Partial<Call>, 'facts' | 'attempts'> &
    Pick<Call, 'id' | 'createdAt' | 'phase'> & {
      facts: Partial<CallFacts>;
      attempts?: PackedAttempt[];
    };
  return {
    id: packed.id,
    facts: unpackFacts(packed.id, packed.facts),
    createdAt: packed.createdAt,
    endedAt: packed.endedAt ?? null,
    endedByCaller: packed.endedByCaller ?? false,
    heardAt: packed.heardAt ?? null,
    phase: packed.phase,
    ends: packed.ends ?? null,
    answered: packed.answered ?? false,
    answerRefused: packed.answerRefused ?? false,
    answeredAgain: packed.answeredAgain ?? false,
    foreignState: packed.foreignState ?? null,
    stamped: packed.stamped ?? false,
    parentId: packed.parentId ?? null,
    decided: packed.decided ?? false,
    rule: packed.rule ?? null,
    routeSet: packed.routeSet ?? null,
    policy: packed.policy ?? null,
    plan: packed.plan ?? [],
    lastResort: packed.lastResort ?? [],
    lastResortRan: packed.lastResortRan ?? false,
    running: packed.running ?? null,
    attempts: packed.attempts?.map(unpackAttempt) ?? [],
    voices: packed.voices ?? [],
    deadlines: packed.deadlines ?? [],
    deadlineCount: packed.deadlineCount ?? 0,
    patienceOver: packed.patienceOver ?? false,
    movingUnsafe: packed.movingUnsafe ?? false,
    probe: packed.probe ?? null,
    unseen: packed.unseen ?? 0,
    releases: packed.releases ?? 0,
    releasedAs: packed.releasedAs ?? null,
    suspended: packed.suspended ?? null,
    outstanding: packed.outstanding ?? [],
    parked: packed.parked ?? [],
  };
}

function unpackFacts(callId: string, packed: Partial<CallFacts>): CallFacts {
  return {
    callId,
    sessionId: packed.sessionId ?? null,
    legId: packed.legId ?? null,
    connectionId: packed.connectionId ?? null,
    from: packed.from ?? null,
    to: packed.to ?? null,
    direction: packed.direction ?? null,
    callerName: packed.callerName ?? null,
    callerType: packed.callerType ?? null,
    attestation: packed.attestation ?? null,
    attestationValidated: packed.attestationValidated ?? false,
    headers: packed.headers ?? [],
    tags: packed.tags ?? [],
  };
}

type PackedAttempt = Partial<Attempt> &
  Pick<Attempt, 'id' | 'kind' | 'sipAddress' | 'startedAt' | 'sentAt' | 'byeWithoutVerdict'>;

function unpackAttempt(packed: PackedAttempt): Attempt {
  return {
    id: packed.id,
    kind: packed.kind,
    target: packed.target ?? null,
    sipAddress: packed.sipAddress,
    startedAt: packed.startedAt,
    sentAt: packed.sentAt,
    requestEndedAt: packed.requestEndedAt ?? null,
    acceptedAt: packed.acceptedAt ?? null,
    progress: packed.progress ?? false,
    verdict: packed.verdict ?? null,
    endedAt: packed.endedAt ?? null,
    final: packed.final ?? false,
    sipNotifyResponse: packed.sipNotifyResponse ?? null,
    reason: packed.reason ?? null,
    byeWithoutVerdict: packed.byeWithoutVerdict,
    unsent: packed.unsent ?? false,
    takenBackAt: packed.takenBackAt ?? null,
    movesOnAnyway: packed.movesOnAnyway ?? false,
    bLeg: packed.bLeg ?? null,
    bLegAnswered: packed.bLegAnswered ?? false,
    bLegHangup: packed.bLegHangup ?? null,
    bLegEnded: packed.bLegEnded ?? false,
    manual: packed.manual ?? false,
  };
}

/** Undefined where there is none. */
function some<T>(list: T[]): T[] | undefined {
  return list.length === 0 ? undefined : list;
}
