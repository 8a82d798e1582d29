/**
 * What a timeline row keeps so that its event can be run again: only what neither the row nor the
 * call says. A field that is absent has the value that nearly every event has.
 */
import type { Call, CallFacts, DeadlineName, Phase } from '../machine/call.ts';
import { type Envelope, encodeClientState } from '../machine/client-state.ts';
import type { Action, Outcome } from '../machine/command.ts';
import { deadlineEventId } from '../machine/command-id.ts';
import type { ReportedCost } from '../machine/cost.ts';
import type { CallEvent, OutcomeEvent } from '../machine/event.ts';
import { isGone } from '../machine/gone.ts';
import { noFacts } from '../machine/new-call.ts';
import type { ReferStep, TraceLine } from '../machine/plan.ts';
import type { Overrides } from '../rules/override.ts';
import type { Detail } from './detail.ts';
import { fullDecision, fullStep, type Lean, leanDecision, leanStep } from './lean.ts';
import {
  type Answers,
  RECORDING_SCHEMA,
  type RecordedCall,
  type RecordedEvent,
} from './recorded-call.ts';

/** A row as the timeline has it. */
export interface Row {
  id: string;
  source: CallEvent['source'];
  type: string;
  at: number;
  occurredAt: number | null;
  phase: Phase;
  commands: { id: string }[];
  attempt: string | null;
  detail: Detail;
  trace: TraceLine[] | null;
  /** Null: the release that wrote it recorded nothing. */
  recorded: Recorded | null;
}

export interface Recorded {
  /** Absent: 1. */
  schema?: number;
  /** From the event's arrival until it was processed. */
  waitedMs?: number;
  /** By the store's clock, where that and the event's differ by more than a second. */
  occurredAt?: number;
  /** What the call learned from the webhook; of its first event all that no later one says. */
  learned?: Learned[];
  /** The id in our envelope, of a B-leg's event too. */
  envelope?: string;
  digits?: string;
  clockSkewMs?: number;
  /** Recovered, of a leg that no longer lived. */
  gone?: true;
  /** Absent: what the call has of it. */
  cost?: ReportedCost;
  legId?: string;
  /** From the first request until the outcome was processed; absent: never sent. */
  sentAgoMs?: number;
  outcome?: Lean;
  n?: number;
  step?: Lean;
  probed?: Envelope;
  heardAt?: number;
  decisions?: (Lean | null)[];
  overBudget?: (string | null)[];
  resting?: (string | null)[];
  refusesRefers?: (string | null)[];
  overrides?: Overrides;
}

type Learned = Exclude<keyof CallFacts, 'callId' | 'lookups'> | 'foreignState' | 'parentId';

/** An event as the machine was given it, and what that asked its world for. */
export interface Given {
  event: CallEvent;
  now: number;
  answers: Answers;
}

export function recordedOf(
  row: Pick<Row, 'occurredAt' | 'trace'>,
  before: Call | null,
  after: Call,
  { event, now, answers }: Given,
): Recorded {
  const recorded: Recorded = ownFields(event, before, after, now);
  if (RECORDING_SCHEMA > 1) recorded.schema = RECORDING_SCHEMA;
  if (event.receivedAt !== now) recorded.waitedMs = now - event.receivedAt;
  if (event.occurredAt !== row.occurredAt && event.occurredAt !== null) {
    recorded.occurredAt = event.occurredAt;
  }
  const { heardAt } = answers;
  if (heardAt !== null) recorded.heardAt = heardAt;
  const decisions = untilTheLast(answers.decisions);
  if (decisions.length > 0) {
    recorded.decisions = decisions.map((each) => (each === null ? null : leanDecision(each)));
    if (Object.keys(answers.overrides).length > 0) recorded.overrides = answers.overrides;
  }
  const overBudget = untilTheLast(answers.overBudget);
  if (overBudget.length > 0) recorded.overBudget = overBudget;
  const resting = untilTheLast(answers.resting);
  if (resting.length > 0) recorded.resting = resting;
  const refusesRefers = untilTheLast(answers.refusesRefers);
  if (refusesRefers.length > 0) recorded.refusesRefers = refusesRefers;
  return recorded;
}

function untilTheLast<T>(answers: (T | null)[]): (T | null)[] {
  return answers.slice(0, answers.findLastIndex((answer) => answer !== null) + 1);
}

/** Written field by field: this runs for every event that is stored. */
function ownFields(event: CallEvent, before: Call | null, after: Call, now: number): Recorded {
  const recorded: Recorded = {};
  switch (event.source) {
    case 'webhook': {
      const { envelope, digits, clockSkewMs = 0 } = event;
      const learned = before === null ? NOTHING : learnedOf(before, after);
      if (learned.length > 0) recorded.learned = learned;
      if (envelope !== null) recorded.envelope = envelope.id;
      if (digits !== null) recorded.digits = digits;
      if (clockSkewMs !== 0) recorded.clockSkewMs = clockSkewMs;
      if (isGone(event)) recorded.gone = true;
      noteCost(recorded, event, event.callId, after);
      return recorded;
    }
    case 'b_leg':
      if (event.attemptId !== null) recorded.envelope = event.attemptId;
      if (isGone(event)) recorded.gone = true;
      noteCost(recorded, event, event.bLegId, after);
      return recorded;
    case 'outcome':
      noteOutcome(recorded, event, now);
      return recorded;
    case 'deadline':
      if (event.id !== deadlineEventId(event.callId, event.name, event.n)) recorded.n = event.n;
      return recorded;
    case 'manual':
      recorded.step = leanStep(event.step);
      return recorded;
    case 'operator':
      return recorded;
    case 'sighting':
      if (event.envelope !== null) recorded.probed = event.envelope;
      return recorded;
    case 'acknowledged':
      return recorded;
    default:
      return event satisfies never;
  }
}

const NOTHING: Learned[] = [];

/** Facts are added, never replaced: what the call knows at last is what it learned here. */
function learnedOf(before: Call, after: Call): Learned[] {
  const learned: Learned[] = [];
  for (const name of FACTS) {
    if (isUnknown(before.facts[name]) && !isUnknown(after.facts[name])) learned.push(name);
  }
  if (before.foreignState === null && after.foreignState !== null) learned.push('foreignState');
  if (before.parentId === null && after.parentId !== null) learned.push('parentId');
  return learned;
}

const FACTS = Object.keys(noFacts('')).filter(
  (name): name is Exclude<keyof CallFacts, 'callId' | 'lookups'> => name !== 'callId',
);

function isUnknown(fact: CallFacts[Exclude<keyof CallFacts, 'lookups'>]): boolean {
  return fact === null || fact === false || (Array.isArray(fact) && fact.length === 0);
}

function noteCost(
  recorded: Recorded,
  event: { id: string; cost?: ReportedCost },
  legId: string,
  call: Call,
): void {
  const { cost } = event;
  if (cost === undefined) return;
  const isKept = JSON.stringify(cost) === JSON.stringify(keptCost(event, legId, call));
  if (!isKept) recorded.cost = cost;
}

function keptCost({ id }: { id: string }, legId: string, { costs }: Call): ReportedCost {
  const own = costs.filter((each) => each.eventId === id && each.legId === legId);
  return {
    parts: own.map(({ part, currency, amount }) => ({ part, currency, amount })),
    problem: null,
  };
}

function noteOutcome(recorded: Recorded, event: OutcomeEvent, now: number): void {
  const { callId, legId, firstSentAt, outcome } = event;
  if (legId !== callId) recorded.legId = legId;
  if (firstSentAt !== null) recorded.sentAgoMs = now - firstSentAt;
  for (const [name, value] of Object.entries(outcome)) {
    if (SHOWN.has(name) || value === undefined) continue;
    // Of a probe, false is an answer: the leg has gone.
    if (value === false && name !== 'alive') continue;
    // Asked for and found: no such leg. Elsewhere null says nothing.
    if (value === null && name !== 'bLeg') continue;
    recorded.outcome ??= {};
    recorded.outcome[name] = value;
  }
}

/** Of an outcome, what the timeline shows. */
const SHOWN: ReadonlySet<string> = new Set(['kind', 'status', 'code', 'detail']);

/** `rows`: in order, from the first on. `entries`: how many the call has had. */
export function recordedCallOf(call: Call, rows: readonly Row[], entries: number): RecordedCall {
  const schemas = rows.map(({ recorded }) => (recorded === null ? 0 : (recorded.schema ?? 1)));
  const oldest = Math.min(RECORDING_SCHEMA, ...schemas);
  const newest = Math.max(RECORDING_SCHEMA, ...schemas);
  const common = { callId: call.id, stored: call };
  if (newest > RECORDING_SCHEMA) {
    return { ...common, schema: newest, recording: 'newer', events: [] };
  }
  if (oldest < RECORDING_SCHEMA) {
    return { ...common, schema: oldest, recording: 'older', events: [] };
  }
  const later = new Set(rows.slice(1).flatMap(({ recorded }) => recorded?.learned ?? []));
  const first = LEARNABLE.filter((name) => !later.has(name));
  return {
    ...common,
    schema: RECORDING_SCHEMA,
    recording: entries > rows.length ? 'cut' : 'complete',
    events: rows.map((row, n) => eventOf(row, call, n === 0 ? first : null)),
  };
}

const LEARNABLE: readonly Learned[] = [...FACTS, 'foreignState', 'parentId'];

function eventOf(row: Row, call: Call, first: readonly Learned[] | null): RecordedEvent {
  const recorded = row.recorded ?? {};
  const { decisions = [], overBudget = [], heardAt = null, overrides = {} } = recorded;
  const { resting = [], refusesRefers = [] } = recorded;
  const last = decisions.findLastIndex((each) => each !== null);
  return {
    event: { ...baseOf(row, call.id), ...ownOf(row, call, recorded, first) } as CallEvent,
    now: row.at,
    answers: {
      heardAt,
      decisions: decisions.map((each, n) =>
        each === null ? null : fullDecision(each, n === last ? (row.trace ?? []) : []),
      ),
      overBudget,
      resting,
      refusesRefers,
      overrides,
    },
    phase: row.phase,
    commands: row.commands.map(({ id }) => id),
  };
}

function baseOf({ id, type, at, occurredAt, source, recorded }: Row, callId: string) {
  return {
    source,
    id,
    callId,
    type,
    receivedAt: at - (recorded?.waitedMs ?? 0),
    occurredAt: recorded?.occurredAt ?? occurredAt,
  };
}

type Base = 'source' | 'id' | 'callId' | 'type' | 'receivedAt' | 'occurredAt';
type Own<Source> = Omit<Extract<CallEvent, { source: Source }>, Base>;

function ownOf(
  row: Row,
  call: Call,
  recorded: Recorded,
  first: readonly Learned[] | null,
): Own<CallEvent['source']> {
  const { detail } = row;
  const text = (name: string) => (detail[name] ?? null) as string | null;
  const number = (name: string) => (detail[name] ?? null) as number | null;
  switch (row.source) {
    case 'webhook': {
      const { digits = null, clockSkewMs } = recorded;
      return {
        ...learnedFields(call, recorded, first ?? recorded.learned ?? []),
        sipNotifyResponse: number('sip_notify_response'),
        hangupCause: text('hangup_cause'),
        hangupSource: text('hangup_source'),
        sipHangupCause: text('sip_hangup_cause'),
        digits,
        status: text('status'),
        deliveryAttempt: number('delivery_attempt') ?? 1,
        ...(clockSkewMs === undefined ? {} : { clockSkewMs }),
        ...costAndRecovery(row, call, recorded, call.id),
      } satisfies Own<'webhook'>;
    }
    case 'b_leg':
      return {
        bLegId: text('b_leg') ?? '',
        attemptId: recorded.envelope ?? null,
        hangupCause: text('hangup_cause'),
        sipHangupCause: text('sip_hangup_cause'),
        ...costAndRecovery(row, call, recorded, text('b_leg') ?? ''),
      } satisfies Own<'b_leg'>;
    case 'outcome':
      return {
        commandId: text('command') ?? '',
        legId: recorded.legId ?? call.id,
        action: text('action') as Action,
        ...(text('lookup') === null ? {} : { lookup: text('lookup') ?? '' }),
        outcome: outcomeOf(detail, recorded),
        firstSentAt: recorded.sentAgoMs === undefined ? null : row.at - recorded.sentAgoMs,
      } satisfies Own<'outcome'>;
    case 'deadline':
      return {
        name: text('deadline') as DeadlineName,
        n: recorded.n ?? Number(row.id.slice(row.id.lastIndexOf(':') + 1)),
        putOff: detail.put_off === true,
      } satisfies Own<'deadline'>;
    case 'manual':
      return { step: fullStep(recorded.step ?? {}) as ReferStep } satisfies Own<'manual'>;
    case 'operator':
      return { by: text('by'), reason: text('reason') } satisfies Own<'operator'>;
    case 'sighting':
      return { envelope: recorded.probed ?? null } satisfies Own<'sighting'>;
    case 'acknowledged':
      return {};
    default:
      return row.source satisfies never;
  }
}

function learnedFields(call: Call, { envelope: id }: Recorded, learned: readonly Learned[]) {
  const facts = noFacts(call.id);
  for (const name of learned) {
    if (name in facts) Object.assign(facts, { [name]: call.facts[name as keyof CallFacts] });
  }
  const foreignState = learned.includes('foreignState') ? call.foreignState : null;
  const parentId = learned.includes('parentId') ? call.parentId : null;
  return {
    facts,
    clientState: id === undefined ? foreignState : encodeClientState(id, foreignState),
    envelope: id === undefined ? null : { id, foreignState },
    ...(parentId === null ? {} : { parentId }),
  };
}

function costAndRecovery(row: Row, call: Call, { cost, gone }: Recorded, legId: string) {
  const isCost = row.type === 'call.cost';
  return {
    ...(isCost ? { cost: cost ?? keptCost(row, legId, call) } : {}),
    ...(row.detail.recovered === true
      ? { recovered: { living: new Set(gone === true ? [] : [call.id]) } }
      : {}),
  };
}

function outcomeOf(detail: Detail, { outcome = {} }: Recorded): Outcome {
  const { outcome: kind, status = null, code = null, detail: words = '' } = detail;
  switch (kind as Outcome['kind']) {
    case 'accepted':
      return { kind: 'accepted', status, alive: null, ...outcome } as Outcome;
    case 'rejected':
      return {
        kind: 'rejected',
        status,
        code,
        detail: words,
        callEnded: false,
        notAnswered: false,
        misconfigured: null,
        ...outcome,
      } as Outcome;
    case 'retry':
      return {
        kind: 'retry',
        status,
        detail: words,
        afterMs: null,
        provenUnsent: false,
        ...outcome,
      } as Outcome;
    case 'unknown':
      return { kind: 'unknown', detail: words, ...outcome } as Outcome;
  }
}
