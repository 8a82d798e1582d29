/** Whatever happens to a call, replaying its stored events gives the stored call. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readClientState } from '../../../src/core/machine/client-state.ts';
import type { Outcome } from '../../../src/core/machine/command.ts';
import type { Decision } from '../../../src/core/machine/plan.ts';
import { recordedCallOf } from '../../../src/core/recording/events-of-rows.ts';
import { exportJson, readExport } from '../../../src/core/recording/export.ts';
import { foldCall } from '../../../src/core/recording/fold.ts';
import type { RecordedCall, RecordedEvent } from '../../../src/core/recording/recorded-call.ts';
import { packCall, unpackCall } from '../../../src/store/rows/call-document.ts';
import { packEntry, unpackEntry } from '../../../src/store/rows/timeline-entry.ts';
import { type Happening, happen, happening, step, TYPES } from '../../helpers/happenings.ts';
import {
  DEAD,
  type Driver,
  decision,
  drive,
  rejected,
  say,
  webhook,
} from '../../helpers/machine.ts';
import { runs } from '../../helpers/search-length.ts';

const RUNS = runs(400);
const TIMEOUT_MS = 60_000 + RUNS * 60;

const COST = {
  parts: [
    { part: 'sip-trunking', currency: 'USD', amount: '0.0042' },
    { part: 'call-control', currency: 'USD', amount: '0.002' },
  ],
  problem: null,
};

const accepted = { kind: 'accepted', status: 200, alive: null } as const;

/** Events that only matter to recordings, besides those of any call. */
const further = fc.oneof(
  happening,
  fc.record({
    kind: fc.constant('cost' as const),
    of: fc.constantFrom('call', 'leg'),
    problem: fc.constantFrom(null, 'one amount is not a number'),
    parts: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({
    kind: fc.constant('recovered' as const),
    type: fc.constantFrom(...TYPES),
    lives: fc.boolean(),
    ago: fc.nat(90_000),
  }),
  fc.record({
    kind: fc.constant('more is known' as const),
    type: fc.constantFrom(...TYPES),
    state: fc.constantFrom(null, 'c29tZWJvZHk=', 'b3RoZXI='),
    attestation: fc.constantFrom(null, 'A'),
    headers: fc.constantFrom([], [{ name: 'X-One', value: '1' }]).map((list) => [...list]),
    skew: fc.constantFrom(0, -3, 70_000),
    parent: fc.constantFrom(undefined, undefined, 'v3:caller'),
  }),
  fc.record({
    kind: fc.constant('found' as const),
    answer: fc.constantFrom<Outcome>(
      DEAD,
      { ...accepted, alive: true, envelope: { id: 'x', foreignState: null } },
      { ...accepted, bLeg: null },
      { ...accepted, bLeg: 'v3:far' },
      rejected(null, { callEnded: true, misconfigured: 'TELNYX_API_KEY' }),
      { kind: 'retry', status: null, detail: 'cut', afterMs: 5, provenUnsent: true },
    ),
    pick: fc.nat(50),
    sent: fc.boolean(),
  }),
  fc.constant({ kind: 'sighting' as const }),
  fc.constant({ kind: 'acknowledged' as const }),
);
type Further = typeof further extends fc.Arbitrary<infer T> ? T : never;

test('the rows of any story give its call again, and so does its export', {
  timeout: TIMEOUT_MS,
}, () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 4 }),
      fc.array(further, { maxLength: 25 }),
      fc.record({
        holds: fc.boolean(),
        heard: fc.boolean(),
        waitsMs: fc.constantFrom(0, 3, 1_200),
        direction: fc.constantFrom('incoming' as const, 'incoming' as const, 'outgoing' as const),
        decides: fc.constantFrom('at once', 'at once', 'when answered', 'never'),
        over: fc.constantFrom(0, 2),
        rests: fc.constantFrom(0, 0, 2, 3),
        refuses: fc.boolean(),
      }),
      (plan, happenings, setting) => {
        const d = drive((event) => decided(plan, event, setting));
        if (!setting.heard) d.heardAt = null;
        d.waitsMs = setting.waitsMs;
        let asked = 0;
        if (setting.over > 0) {
          d.overBudget = () => (++asked % setting.over === 0 ? 'policy refers.per_hour' : null);
        }
        let rested = 0;
        if (setting.rests > 0) {
          d.resting = (target) => (++rested % setting.rests === 0 ? `${target} rests` : null);
        }
        if (setting.refuses) d.refusesRefers = (_, target) => `${target} refuses REFERs`;
        const { facts } = webhook('call.initiated');
        d.hook('call.initiated', { facts: { ...facts, direction: setting.direction } });
        happenings.forEach((each, n) => {
          befall(d, each, n);
        });
        const read = readBack(d);
        expect(read.recording).toBe('complete');
        expect(read.events.map(told)).toEqual(d.recorded.map(told));
        expect(foldCall(read).differences).toEqual([]);
        const again = readExport(JSON.stringify(exportJson(read)));
        expect(foldCall(again).differences).toEqual([]);
      },
    ),
    { numRuns: RUNS },
  );
});

test('a call with an unrecorded row, or without all of its rows, is counted separately', () => {
  const d = drive(decision([say('Hello.')]));
  d.hook('call.initiated');
  d.accept(d.last('answer'));
  const [first, second] = d.timeline;
  if (first === undefined || second === undefined) throw new Error('two events were put');
  const of = (...given: Parameters<typeof recordedCallOf>) => recordedCallOf(...given).recording;
  expect(of(d.call, [first, second], 2)).toBe('complete');
  expect(of(d.call, [first, second], 501)).toBe('cut');
  expect(of(d.call, [first, { ...second, recorded: null }], 2)).toBe('older');
  expect(of(d.call, [first, { ...second, recorded: { schema: 99 } }], 2)).toBe('newer');
});

/** An event without the fields that are only recorded if the call used them. */
function told({ event, answers, ...rest }: RecordedEvent) {
  const { clockSkewMs, ...own } = { clockSkewMs: 0, ...event };
  const { facts, clientState, envelope, parentId, cost, ...said } = {
    facts: null,
    clientState: null,
    envelope: null,
    parentId: null,
    cost: undefined,
    ...own,
  };
  const { heardAt, overBudget, decisions } = answers;
  return {
    ...rest,
    said,
    clockSkewMs,
    named: envelope?.id ?? null,
    amounts: cost?.parts ?? [],
    heardAt,
    overBudget: overBudget.filter((why) => why !== null),
    plans: decisions.flatMap((each) => (each === null ? [] : [each.plan, each.policy, each.rule])),
  };
}

function readBack(d: Driver): RecordedCall {
  const rows = d.timeline.map((entry) => unpackEntry(packEntry(entry)));
  return recordedCallOf(unpackCall(packCall(d.call)), rows, rows.length);
}

function decided(
  plan: Decision['plan'],
  event: string,
  { decides, holds }: { decides: string; holds: boolean },
): Decision {
  const policy = {
    patienceMs: 60_000,
    whileMoving: holds ? say('Please hold.') : null,
    refersPerCall: 3,
    transfersPerCall: 2,
  };
  const now = decides === 'at once' || (decides === 'when answered' && event !== 'call.initiated');
  return decision(now ? plan : null, { policy, rule: now ? event : null, warnings: ['x'] });
}

function befall(d: Driver, each: Further, n: number): void {
  switch (each.kind) {
    case 'cost': {
      const cost = { parts: COST.parts.slice(0, each.parts), problem: each.problem };
      if (each.of === 'call') d.hook('call.cost', { cost });
      else d.put({ ...farCost(d, n), cost });
      return;
    }
    case 'recovered':
      d.hook(each.type, {
        occurredAt: d.now - each.ago,
        recovered: { living: new Set(each.lives ? [d.call.id] : []) },
      });
      return;
    case 'more is known': {
      const { facts } = webhook(each.type);
      const { attestation, headers, skew, parent, state } = each;
      d.hook(each.type, {
        facts: { ...facts, direction: 'incoming', attestation, headers, callerName: 'Ann' },
        clientState: state,
        clockSkewMs: skew,
        occurredAt: d.now - 10.25,
        ...(parent === undefined ? {} : { parentId: parent }),
      });
      return;
    }
    case 'found': {
      const command = d.commands[each.pick % Math.max(1, d.commands.length)];
      if (command === undefined) return;
      const out = bare(d, `command.${each.answer.kind}`, n);
      d.put({
        ...out,
        source: 'outcome',
        commandId: command.id,
        legId: command.legId,
        action: command.action,
        outcome: each.answer,
        firstSentAt: each.sent ? d.now - 7 : null,
      });
      return;
    }
    case 'sighting': {
      const state = d.commands.at(-1)?.clientState ?? null;
      d.put({ ...bare(d, 'sighting', n), source: 'sighting', ...envelopeOf(state) });
      return;
    }
    case 'acknowledged':
      d.put({ ...bare(d, 'lost.acknowledged', n), source: 'acknowledged' });
      return;
    default:
      happen(d, each satisfies Happening, n);
  }
}

const envelopeOf = (state: string | null) => ({ envelope: readClientState(state).envelope });

function bare(d: Driver, type: string, n: number) {
  return { id: `${type}:${n}`, callId: d.call.id, type, receivedAt: 0, occurredAt: null };
}

function farCost(d: Driver, n: number) {
  return {
    ...bare(d, 'call.cost', n),
    source: 'b_leg' as const,
    bLegId: 'v3:far',
    attemptId: null,
    hangupCause: null,
    sipHangupCause: null,
  };
}

test('a probe that found the leg gone ends the call again', () => {
  const d = drive(decision([say('Hello.')]));
  d.hook('call.initiated');
  d.accept(d.last('answer'));
  d.fall('step');
  d.outcome(d.last('probe'), DEAD);
  expect(d.call.phase).toBe('ended');
  const recorded = recordedCallOf(d.call, d.timeline, d.timeline.length);
  expect(foldCall(recorded).call?.phase).toBe('ended');
});
