/** A recorded event as JSON. What is null is left out, and of a list of answers what is empty. */
import { type CallFacts, PHASES } from '../machine/call.ts';
import { LOOKUP_RESULTS, type Outcome } from '../machine/command.ts';
import type { CallEvent } from '../machine/event.ts';
import { noFacts } from '../machine/new-call.ts';
import { noAnswers } from './answers.ts';
import {
  type Check,
  type Fields,
  fieldsAt,
  flagAt,
  listOf,
  mapOf,
  nullOr,
  numberAt,
  oneOf,
  shapeAt,
  textAt,
} from './checked.ts';
import { leanDecision, leanStep } from './lean.ts';
import type { Answers, RecordedEvent } from './recorded-call.ts';
import { decisionAt, stepAt } from './step-checks.ts';

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

export function eventAt(value: unknown, path: string, callId: string): RecordedEvent {
  const source = sourceAt(fieldsAt(value, path).source, `${path}.source`);
  const { own, needed }: { own: Record<string, Check>; needed: string[] } = SOURCES[source];
  const checks = { ...COMMON, ...own };
  const fields = shapeAt(value, path, checks, [...COMMON_NEEDED, ...needed]);
  const { now, phase, commands, heardAt, decisions, overBudget, ...others } = fields;
  const { resting, refusesRefers, overrides, ...said } = others;
  const answers = { heardAt, decisions, overBudget, resting, refusesRefers, overrides };
  const event: Fields = { occurredAt: null, ...NULLS[source], ...said, callId };
  if (source === 'webhook') event.facts = { ...noFacts(callId), ...(said.facts as object) };
  if (said.recovered !== undefined) {
    event.recovered = { living: new Set(said.recovered === 'living' ? [callId] : []) };
  }
  return {
    // The checks above are those of the type.
    event: event as unknown as CallEvent,
    now: now as number,
    answers: { ...noAnswers(), ...withoutUndefined(answers) },
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

export const factsAt: Check = (value, path) => shapeAt(value, path, FACTS, []);

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

function withoutUndefined(fields: Fields): Partial<Answers> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const header: Check = (value, path) =>
  shapeAt(value, path, { name: textAt, value: textAt }, ['name', 'value']);

const FACTS: { [Name in Exclude<keyof CallFacts, 'callId'>]-?: Check } = {
  sessionId: textAt,
  legId: textAt,
  connectionId: textAt,
  from: textAt,
  to: textAt,
  direction: oneOf(['incoming', 'outgoing']),
  callerName: textAt,
  callerType: oneOf(['pstn', 'sip']),
  attestation: textAt,
  attestationValidated: flagAt,
  headers: listOf(header),
  tags: listOf(textAt),
  lookups: mapOf((value, path) =>
    shapeAt(value, path, { values: mapOf(textAt), failed: nullOr(textAt) }, ['values', 'failed']),
  ),
};

const lookup: Check = (value, path) =>
  shapeAt(value, path, { result: oneOf(LOOKUP_RESULTS), values: mapOf(textAt), ms: numberAt }, [
    'result',
    'values',
    'ms',
  ]);

const envelope: Check = (value, path) =>
  shapeAt(value, path, { id: textAt, foreignState: nullOr(textAt) }, ['id', 'foreignState']);
const costPart: Check = (value, path) =>
  shapeAt(value, path, { part: textAt, currency: textAt, amount: textAt }, [
    'part',
    'currency',
    'amount',
  ]);
const cost: Check = (value, path) =>
  shapeAt(value, path, { parts: listOf(costPart), problem: nullOr(textAt) }, ['parts', 'problem']);
/** The fields of every member of a union. */
type FieldsOf<Union> = Union extends object ? keyof Union : never;

const OUTCOME: Record<FieldsOf<Outcome>, Check> = {
  kind: oneOf(['accepted', 'rejected', 'retry', 'unknown']),
  status: nullOr(numberAt),
  alive: nullOr(flagAt),
  envelope: nullOr(envelope),
  bLeg: nullOr(textAt),
  code: nullOr(textAt),
  detail: textAt,
  callEnded: flagAt,
  notAnswered: flagAt,
  misconfigured: nullOr(textAt),
  afterMs: nullOr(numberAt),
  provenUnsent: flagAt,
  lookup,
};
const outcome: Check = (value, path) => shapeAt(value, path, OUTCOME, ['kind']);
/** What operators had forced, by name. */
const forcedBy = (state: 'open' | 'on' | 'rest'): Check => {
  const forced: Check = (value, path) =>
    shapeAt(
      value,
      path,
      {
        [state]: flagAt,
        untilMs: nullOr(numberAt),
        sinceMs: numberAt,
        reason: nullOr(textAt),
        by: nullOr(textAt),
      },
      [state, 'untilMs'],
    );
  return mapOf(forced);
};
const OVERRIDES = {
  schedules: forcedBy('open'),
  switches: forcedBy('on'),
  targets: forcedBy('rest'),
};
const overridesAt: Check = (value, path) => shapeAt(value, path, OVERRIDES, []);

const COMMON: Record<string, Check> = {
  source: textAt,
  id: textAt,
  type: textAt,
  receivedAt: numberAt,
  occurredAt: numberAt,
  now: numberAt,
  phase: oneOf(PHASES),
  commands: listOf(textAt),
  heardAt: numberAt,
  decisions: listOf(nullOr(decisionAt)),
  overBudget: listOf(nullOr(textAt)),
  resting: listOf(nullOr(textAt)),
  refusesRefers: listOf(nullOr(textAt)),
  overrides: overridesAt,
};
const COMMON_NEEDED = ['source', 'id', 'type', 'receivedAt', 'now', 'phase', 'commands'];
const recovered = oneOf(['living', 'gone']);

/** What is null where it is left out. */
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

/** The compiler asks after a field that somebody adds to an event. */
const SOURCES: {
  [Source in CallEvent['source']]: { own: Record<Own<Source>, Check>; needed: Own<Source>[] };
} = {
  webhook: {
    own: {
      facts: factsAt,
      clientState: textAt,
      envelope,
      sipNotifyResponse: numberAt,
      hangupCause: textAt,
      hangupSource: textAt,
      sipHangupCause: textAt,
      digits: textAt,
      status: textAt,
      cost,
      deliveryAttempt: numberAt,
      clockSkewMs: numberAt,
      parentId: textAt,
      recovered,
    },
    needed: ['facts'],
  },
  b_leg: {
    own: {
      bLegId: textAt,
      attemptId: textAt,
      hangupCause: textAt,
      sipHangupCause: textAt,
      cost,
      recovered,
    },
    needed: ['bLegId'],
  },
  outcome: {
    own: {
      commandId: textAt,
      legId: textAt,
      action: textAt,
      lookup: textAt,
      outcome,
      firstSentAt: numberAt,
    },
    needed: ['commandId', 'legId', 'action', 'outcome'],
  },
  deadline: { own: { name: textAt, n: numberAt, putOff: flagAt }, needed: ['name', 'n', 'putOff'] },
  manual: { own: { step: stepAt }, needed: ['step'] },
  operator: { own: { by: textAt, reason: textAt }, needed: [] },
  sighting: { own: { envelope }, needed: [] },
  acknowledged: { own: {}, needed: [] },
};

const sourceAt = oneOf(Object.keys(SOURCES) as CallEvent['source'][]);
