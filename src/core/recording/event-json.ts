/** A recorded event as JSON. Null fields and empty lists of answers are left out. */
import { type CallFacts, PHASES } from '../machine/call.ts';
import { LOOKUP_RESULTS, type Outcome } from '../machine/command.ts';
import type { CallEvent } from '../machine/event.ts';
import { noFacts } from '../machine/new-call.ts';
import type { Decision } from '../machine/plan.ts';
import {
  type Check,
  checkAt,
  type Fields,
  isFields,
  isFlag,
  isNumber,
  isText,
  listOf,
  mapOf,
  nullOr,
  oneOf,
  shapeOf,
} from './checked.ts';
import { fullDecision, fullStep, leanDecision, leanStep } from './lean.ts';
import type { Answers, RecordedEvent } from './recorded-call.ts';
import { isDecision, isStep } from './step-checks.ts';

export function eventJson({ event, now, answers, phase, commands }: RecordedEvent): Fields {
  const { callId, ...said } = event;
  const own: Fields = { ...said };
  if ('facts' in event) own.facts = factsJson(event.facts);
  if ('step' in event) own.step = leanStep(event.step);
  if ('recovered' in event && event.recovered !== undefined) {
    own.recovered = event.recovered.living.has(callId) ? 'living' : 'gone';
  }
  return { ...withoutNulls(own), now, ...answersJson(answers), phase, commands };
}

/** Throws BadRecording. */
export const isEventJson: Check = (value) => {
  isFields(value);
  checkAt('source', isSource, value.source);
  EVENT_CHECKS[value.source as CallEvent['source']](value);
};

/** For values that `isEventJson` has accepted. */
export function eventOf(fields: Fields, callId: string): RecordedEvent {
  const { now, phase, commands, heardAt, decisions, overBudget } = fields;
  const { resting, refusesRefers, overrides } = fields;
  const source = fields.source as CallEvent['source'];
  const event: Fields = { occurredAt: null, ...NULLS[source], callId };
  for (const name in fields) if (!(name in AROUND)) event[name] = fields[name];
  if (source === 'webhook') event.facts = { ...noFacts(callId), ...(event.facts as object) };
  if (source === 'manual') event.step = fullStep(event.step as Fields);
  if (event.recovered !== undefined) {
    event.recovered = { living: new Set(event.recovered === 'living' ? [callId] : []) };
  }
  return {
    // The checks correspond to the types.
    event: event as unknown as CallEvent,
    now: now as number,
    answers: {
      heardAt: (heardAt ?? null) as Answers['heardAt'],
      decisions: ((decisions ?? []) as (Fields | null)[]).map(decisionOf),
      overBudget: (overBudget ?? []) as Answers['overBudget'],
      resting: (resting ?? []) as Answers['resting'],
      refusesRefers: (refusesRefers ?? []) as Answers['refusesRefers'],
      overrides: (overrides ?? {}) as Answers['overrides'],
    },
    phase: phase as RecordedEvent['phase'],
    commands: commands as string[],
  };
}

export function factsJson({ callId: _, ...facts }: CallFacts): Fields {
  return Object.fromEntries(
    Object.entries(facts).filter(
      ([, value]) => value !== null && value !== false && !(Array.isArray(value) && !value.length),
    ),
  );
}

function decisionOf(lean: Fields | null): Decision | null {
  if (lean === null) return null;
  const { trace, ...decision } = lean;
  return fullDecision(decision, (trace ?? []) as Decision['trace']);
}

function answersJson(answers: Answers): Fields {
  const { heardAt, decisions, overBudget, resting, refusesRefers, overrides } = answers;
  const asked = decisions.map((each) =>
    each === null ? null : { ...leanDecision(each), trace: each.trace },
  );
  return {
    ...(heardAt === null ? {} : { heardAt }),
    ...(asked.length === 0 ? {} : { decisions: asked }),
    ...(overBudget.length === 0 ? {} : { overBudget }),
    ...(resting.length === 0 ? {} : { resting }),
    ...(refusesRefers.length === 0 ? {} : { refusesRefers }),
    ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
  };
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

const header = shapeOf({ name: isText, value: isText }, ['name', 'value']);

const FACTS: { [Name in Exclude<keyof CallFacts, 'callId'>]-?: Check } = {
  sessionId: isText,
  legId: isText,
  connectionId: isText,
  from: isText,
  to: isText,
  direction: oneOf(['incoming', 'outgoing']),
  callerName: isText,
  callerType: oneOf(['pstn', 'sip']),
  attestation: isText,
  attestationValidated: isFlag,
  headers: listOf(header),
  tags: listOf(isText),
  lookups: mapOf(shapeOf({ values: mapOf(isText), failed: nullOr(isText) }, ['values', 'failed'])),
};
export const isFactsJson = shapeOf(FACTS, []);

const lookup = shapeOf({ result: oneOf(LOOKUP_RESULTS), values: mapOf(isText), ms: isNumber }, [
  'result',
  'values',
  'ms',
]);
const envelope = shapeOf({ id: isText, foreignState: nullOr(isText) }, ['id', 'foreignState']);
const costPart = shapeOf({ part: isText, currency: isText, amount: isText }, [
  'part',
  'currency',
  'amount',
]);
const cost = shapeOf({ parts: listOf(costPart), problem: nullOr(isText) }, ['parts', 'problem']);
/** The fields of every member of a union. */
type FieldsOf<Union> = Union extends object ? keyof Union : never;

const OUTCOME: Record<FieldsOf<Outcome>, Check> = {
  kind: oneOf(['accepted', 'rejected', 'retry', 'unknown']),
  status: nullOr(isNumber),
  alive: nullOr(isFlag),
  envelope: nullOr(envelope),
  bLeg: nullOr(isText),
  code: nullOr(isText),
  detail: isText,
  callEnded: isFlag,
  notAnswered: isFlag,
  misconfigured: nullOr(isText),
  afterMs: nullOr(isNumber),
  provenUnsent: isFlag,
  lookup,
};
const outcome = shapeOf(OUTCOME, ['kind']);
/** Overrides, by name. */
const areOverrides = (state: 'open' | 'on' | 'rest'): Check =>
  mapOf(
    shapeOf(
      {
        [state]: isFlag,
        untilMs: nullOr(isNumber),
        sinceMs: isNumber,
        reason: nullOr(isText),
        by: nullOr(isText),
      },
      [state, 'untilMs'],
    ),
  );
const overrides = shapeOf(
  { schedules: areOverrides('open'), switches: areOverrides('on'), targets: areOverrides('rest') },
  [],
);

/** What is recorded beside an event. */
const AROUND: Record<string, Check> = {
  now: isNumber,
  phase: oneOf(PHASES),
  commands: listOf(isText),
  heardAt: isNumber,
  decisions: listOf(nullOr(isDecision)),
  overBudget: listOf(nullOr(isText)),
  resting: listOf(nullOr(isText)),
  refusesRefers: listOf(nullOr(isText)),
  overrides,
};
const COMMON: Record<string, Check> = {
  source: isText,
  id: isText,
  type: isText,
  receivedAt: isNumber,
  occurredAt: isNumber,
  ...AROUND,
};
const COMMON_NEEDED = ['source', 'id', 'type', 'receivedAt', 'now', 'phase', 'commands'];
const recovered = oneOf(['living', 'gone']);

/** The fields that are null when they are left out. */
const NULLS: { [Source in CallEvent['source']]: Fields } = {
  webhook: {
    clientState: null,
    envelope: null,
    sipNotifyResponse: null,
    hangupCause: null,
    hangupSource: null,
    sipHangupCause: null,
    digits: null,
    status: null,
    deliveryAttempt: null,
  },
  b_leg: { attemptId: null, hangupCause: null, sipHangupCause: null },
  outcome: { firstSentAt: null },
  deadline: {},
  manual: {},
  operator: { by: null, reason: null },
  sighting: { envelope: null },
  acknowledged: {},
};

type Own<Source> = Exclude<
  keyof Extract<CallEvent, { source: Source }>,
  'source' | 'id' | 'callId' | 'type' | 'receivedAt' | 'occurredAt'
>;

/** If somebody adds a field to an event, this does not compile until the field is here. */
const SOURCES: {
  [Source in CallEvent['source']]: { own: Record<Own<Source>, Check>; needed: Own<Source>[] };
} = {
  webhook: {
    own: {
      facts: isFactsJson,
      clientState: isText,
      envelope,
      sipNotifyResponse: isNumber,
      hangupCause: isText,
      hangupSource: isText,
      sipHangupCause: isText,
      digits: isText,
      status: isText,
      cost,
      deliveryAttempt: isNumber,
      clockSkewMs: isNumber,
      parentId: isText,
      recovered,
    },
    needed: ['facts'],
  },
  b_leg: {
    own: {
      bLegId: isText,
      attemptId: isText,
      hangupCause: isText,
      sipHangupCause: isText,
      cost,
      recovered,
    },
    needed: ['bLegId'],
  },
  outcome: {
    own: {
      commandId: isText,
      legId: isText,
      action: isText,
      lookup: isText,
      outcome,
      firstSentAt: isNumber,
    },
    needed: ['commandId', 'legId', 'action', 'outcome'],
  },
  deadline: { own: { name: isText, n: isNumber, putOff: isFlag }, needed: ['name', 'n', 'putOff'] },
  manual: { own: { step: isStep }, needed: ['step'] },
  operator: { own: { by: isText, reason: isText }, needed: [] },
  sighting: { own: { envelope }, needed: [] },
  acknowledged: { own: {}, needed: [] },
};

const isSource = oneOf(Object.keys(SOURCES));
const EVENT_CHECKS = Object.fromEntries(
  Object.entries(SOURCES).map(([source, { own, needed }]) => [
    source,
    shapeOf({ ...COMMON, ...own }, [...COMMON_NEEDED, ...needed]),
  ]),
) as Record<CallEvent['source'], Check>;
