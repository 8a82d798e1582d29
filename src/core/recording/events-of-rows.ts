/**
 * Reads the rows of a timeline back as the events that the machine was given; the reverse of
 * `row.ts`.
 */
import type { Call, CallFacts, DeadlineName } from '../machine/call.ts';
import { encodeClientState } from '../machine/client-state.ts';
import type { Action, Outcome } from '../machine/command.ts';
import type { CallEvent } from '../machine/event.ts';
import { noFacts } from '../machine/new-call.ts';
import type { ReferStep } from '../machine/plan.ts';
import type { Detail } from './detail.ts';
import { fullDecision, fullStep } from './lean.ts';
import { RECORDING_SCHEMA, type RecordedCall, type RecordedEvent } from './recorded-call.ts';
import { FACTS, keptCost, type Learned, type Recorded, type Row } from './row.ts';

/** `rows`: the first ones, in order. `entries`: how many the call has had in all. */
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
        outcome: recordedOutcome(detail, recorded),
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

function recordedOutcome(detail: Detail, { outcome = {} }: Recorded): Outcome {
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
