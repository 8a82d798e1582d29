/**
 * A call as it is stored: JSON without what nearly every call has. A document is written with each
 * event of its call, so what it leaves out is neither built, stored nor read.
 *
 * The defaults belong to the document and not to `newCall`: a stored call must stay as it is when
 * new calls start with other values. If a field is added to a call, the compiler asks for its
 * default.
 */
import type { Attempt, Call, CallFacts, Direction } from '../../core/machine/call.ts';
import { NewerRow } from '../../errors.ts';

type AlwaysSaid = 'id' | 'facts' | 'createdAt' | 'phase';
type AttemptAlwaysSaid =
  | 'id'
  | 'kind'
  | 'sipAddress'
  | 'startedAt'
  | 'sentAt'
  | 'byeWithoutVerdict';

/** Made for each call that is read: lists must not be shared. */
const callDefaults = () =>
  ({
    endedAt: null,
    endHeardLateMs: 0,
    endedByCaller: false,
    acknowledgedAt: null,
    heardAt: null,
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
  }) satisfies Omit<Call, AlwaysSaid>;

/** Without `callId`, which is the call's own id. */
const factsDefaults = () =>
  ({
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
  }) satisfies Omit<CallFacts, 'callId' | 'lookups'>;

const ATTEMPT_DEFAULTS = {
  target: null,
  requestEndedAt: null,
  acceptedAt: null,
  progress: false,
  verdict: null,
  endedAt: null,
  endHeardLateMs: 0,
  final: false,
  finalUnclear: false,
  sipNotifyResponse: null,
  reason: null,
  unsent: false,
  takenBackAt: null,
  movesOnAnyway: false,
  bLeg: null,
  bLegAnswered: false,
  bLegHangup: null,
  bLegEnded: false,
  manual: false,
} satisfies Omit<Attempt, AttemptAlwaysSaid>;

const CALL_DEFAULTS = callDefaults();
const FACTS_DEFAULTS = { ...factsDefaults(), callId: undefined };

/** Begins with the id, so that it can be found without reading the document as JSON. */
export function packCall(call: Call): string {
  return JSON.stringify({
    id: call.id,
    ...without(call, CALL_DEFAULTS),
    facts: without({ ...call.facts, callId: undefined }, FACTS_DEFAULTS),
    attempts:
      call.attempts.length === 0
        ? undefined
        : call.attempts.map((attempt) => without(attempt, ATTEMPT_DEFAULTS)),
  });
}

export function unpackCall(document: string): Call {
  const { facts, attempts = [], ...said } = JSON.parse(document) as Stored;
  return {
    ...callDefaults(),
    ...said,
    facts: { callId: said.id, ...factsDefaults(), ...facts },
    attempts: attempts.map((attempt) => ({ ...ATTEMPT_DEFAULTS, ...attempt })),
  };
}

type Stored = Partial<Omit<Call, AlwaysSaid | 'attempts'>> &
  Pick<Call, Exclude<AlwaysSaid, 'facts'>> & {
    facts: Partial<CallFacts>;
    attempts?: (Partial<Attempt> & Pick<Attempt, AttemptAlwaysSaid>)[];
  };

/** The fields of `said` that differ from `defaults`. */
function without<Said extends object>(said: Said, defaults: Partial<Said>): Partial<Said> {
  const rest: Partial<Said> = {};
  for (const name in said) {
    const value = said[name];
    const isEmpty = Array.isArray(value) && value.length === 0;
    if (isEmpty ? defaults[name] === undefined : value !== defaults[name]) rest[name] = value;
  }
  return rest;
}

/**
 * Checked before the document is parsed, because a document of newer code may have another shape.
 */
export function refuseNewer(code: number, codeVersion: number, document: string): void {
  if (code > codeVersion) {
    const { id } = JSON.parse(document) as { id: unknown };
    throw new NewerRow(
      `call ${id}: its row was written by code version ${code}, this is version ${codeVersion}; it is left to newer code`,
    );
  }
}

/**
 * Appears in the document of a call that an operator has acknowledged. A column of its own would be
 * written with every commit, and few calls are ever missed.
 */
export const ACKNOWLEDGED_MARK = '"acknowledgedAt":';

/**
 * Appears in the document of a call in this direction. Quotes in a caller's text are escaped, so it
 * cannot be forged.
 */
export function directionMark(direction: Direction): string {
  return `"direction":"${direction}"`;
}
