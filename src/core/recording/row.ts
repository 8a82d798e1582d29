/**
 * What a timeline row keeps so that its event can be run again: only what neither the row nor the
 * call says. A field that is absent has the value that nearly every event has. It is read back in
 * `events-of-rows.ts`.
 */
import type { Call, CallFacts, Phase } from '../machine/call.ts';
import type { Envelope } from '../machine/client-state.ts';
import { deadlineEventId } from '../machine/command-id.ts';
import type { ReportedCost } from '../machine/cost.ts';
import type { CallEvent, OutcomeEvent } from '../machine/event.ts';
import { isGone } from '../machine/gone.ts';
import { noFacts } from '../machine/new-call.ts';
import type { TraceLine } from '../machine/plan.ts';
import type { Overrides } from '../rules/override.ts';
import type { Detail } from './detail.ts';
import { type Lean, leanDecision, leanStep } from './lean.ts';
import { type Answers, RECORDING_SCHEMA } from './recorded-call.ts';

/** A row of the timeline. */
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
  /** Null: written by a release that recorded nothing. */
  recorded: Recorded | null;
}

export interface Recorded {
  /** Absent: 1. */
  schema?: number;
  /** From the event's arrival until it was processed. */
  waitedMs?: number;
  /**
   * By the store's clock; present if it differs from the event's own time by more than a second.
   */
  occurredAt?: number;
  /**
   * What the call learned from this webhook; for its first event, everything that no later one
   * says.
   */
  learned?: Learned[];
  /** The id in our envelope; also for an event of a B-leg. */
  envelope?: string;
  digits?: string;
  clockSkewMs?: number;
  /** The event was recovered after its leg had ended. */
  gone?: true;
  /** Absent if the call already has it. */
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

export type Learned = Exclude<keyof CallFacts, 'callId' | 'lookups'> | 'foreignState' | 'parentId';

/** An event as the machine was given it, and the answers that the machine asked for. */
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

/** Facts are added and never replaced, so what the final call knows was learned once. */
function learnedOf(before: Call, after: Call): Learned[] {
  const learned: Learned[] = [];
  for (const name of FACTS) {
    if (isUnknown(before.facts[name]) && !isUnknown(after.facts[name])) learned.push(name);
  }
  if (before.foreignState === null && after.foreignState !== null) learned.push('foreignState');
  if (before.parentId === null && after.parentId !== null) learned.push('parentId');
  return learned;
}

export const FACTS = Object.keys(noFacts('')).filter(
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

/** The costs that the call has from this event; the row need not repeat them. */
export function keptCost({ id }: { id: string }, legId: string, { costs }: Call): ReportedCost {
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
    // For a probe, false is an answer: the leg has ended.
    if (value === false && name !== 'alive') continue;
    // For `bLeg`, null means that the leg was looked for and does not exist.
    if (value === null && name !== 'bLeg') continue;
    recorded.outcome ??= {};
    recorded.outcome[name] = value;
  }
}

/** The fields of an outcome that the timeline shows. */
const SHOWN: ReadonlySet<string> = new Set(['kind', 'status', 'code', 'detail']);
