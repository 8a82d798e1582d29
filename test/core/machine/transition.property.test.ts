/** Any interleaving, duplication and loss of a call's events: what must hold whatever Telnyx does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../../src/core/machine/call.ts';
import type { Command } from '../../../src/core/machine/command.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import { EVENT_TYPES } from '../../helpers/event-types.ts';
import {
  ACCEPTED,
  ALIVE,
  type Driver,
  decision,
  drive,
  refer,
  rejected,
  say,
  transfer,
  webhook,
} from '../../helpers/machine.ts';

const MENU: Step = {
  do: 'menu',
  text: 'Press 1.',
  voice: 'v',
  language: null,
  digits: { '1': [refer('m')] },
  tries: 2,
  timeoutMs: 5_000,
};

const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .constantFrom('a', 'b', 'c')
    .chain((name) =>
      fc.constantFrom<Step>(
        refer(name),
        refer(name, { ifFailed: { busy: [say('busy'), { do: 'continue' }] } }),
        refer(name, { ifFailed: { any: [refer('z')] } }),
        refer(name, { ifFailed: { no_verdict: [refer('y'), { do: 'continue' }] } }),
        refer(name, { byeWithoutVerdict: 'completed' }),
        refer(name, { problem: 'no value' }),
      ),
    ),
  fc.constantFrom<Step>(
    transfer('+14155550199'),
    say('One moment.'),
    MENU,
    { do: 'play', url: 'https://example.com/a.mp3' },
    { do: 'reject', cause: 'busy' },
    { do: 'hangup' },
    { do: 'ignore' },
  ),
);

const TYPES = [...EVENT_TYPES, 'call.never.heard.of'];

/** One thing that happens: numbers are folded onto what exists at that moment. */
const happening = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('hook' as const),
      type: fc.constantFrom(...TYPES),
      code: fc.constantFrom(null, 100, 180, 200, 404, 405, 486, 487, 503, 603, 999),
      state: fc.constantFrom('none', 'foreign', 'first', 'last', 'any'),
      pick: fc.nat(50),
      offset: fc.constantFrom(null, -60_000, 0, 60_000),
      status: fc.constantFrom(null, 'completed', 'call_hangup', 'valid', 'timeout'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('outcome' as const),
      how: fc.constantFrom(
        'accepted',
        'rejected',
        '90018',
        '90034',
        'unknown',
        'retry',
        'accepted',
      ),
      pick: fc.nat(50),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deadline' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(40_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('far' as const),
      type: fc.constantFrom('call.initiated', 'call.answered', 'call.bridged', 'call.hangup'),
      cause: fc.constantFrom(null, 'user_busy', 'timeout', 'odd'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('manual' as const) }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function happen(d: Driver, h: Happening, n: number): void {
  switch (h.kind) {
    case 'hook': {
      const states = d.commands.map((command) => command.clientState);
      const clientState =
        h.state === 'none'
          ? null
          : h.state === 'foreign'
            ? 'c29tZWJvZHk='
            : h.state === 'first'
              ? (states[0] ?? null)
              : h.state === 'last'
                ? (states.at(-1) ?? null)
                : (states[h.pick % Math.max(1, states.length)] ?? null);
      d.hook(h.type, {
        clientState,
        sipNotifyResponse: h.code,
        status: h.status,
        digits: '1',
        occurredAt: h.offset === null ? null : d.now + h.offset,
      });
      return;
    }
    case 'outcome': {
      const command = d.commands[h.pick % Math.max(1, d.commands.length)];
      if (command !== undefined) d.outcome(command, outcomeOf(h.how, command));
      return;
    }
    case 'deadline':
      if (d.call.deadlines.length > 0) d.fall();
      return;
    case 'wait':
      d.now += h.ms;
      return;
    case 'far':
      d.put({
        source: 'b_leg',
        id: `far-${n}`,
        callId: d.call.id,
        type: h.type,
        receivedAt: 0,
        occurredAt: null,
        bLegId: 'v3:far',
        attemptId: null,
        hangupCause: h.cause,
        sipHangupCause: null,
      });
      return;
    case 'manual':
      d.put({
        source: 'manual',
        id: `manual:${n}`,
        callId: d.call.id,
        type: 'manual.refer',
        receivedAt: 0,
        occurredAt: null,
        step: refer('by-hand'),
      });
      return;
    default:
      h satisfies never;
  }
}

function outcomeOf(how: string, command: Command) {
  if (how === 'unknown') return { kind: 'unknown', detail: 'x' } as const;
  if (how === 'retry') {
    return { kind: 'retry', status: 500, detail: 'x', afterMs: null, provenUnsent: false } as const;
  }
  if (how === 'accepted') return command.action === 'probe' ? ALIVE : ACCEPTED;
  return rejected(how === 'rejected' ? '10015' : how);
}

const isMove = (command: Command) => command.action === 'refer' || command.action === 'transfer';

/** Checked after every single event. */
function check(d: Driver, before: Call | null, issued: Command[], completedSeen: boolean): void {
  const { call } = d;
  const moves = issued.filter(isMove);
  if (before !== null && (before.phase === 'ended' || before.phase === 'referred')) {
    expect(moves, 'no move after the end').toEqual([]);
  }
  if (call.phase === 'ended' || completedSeen) expect(moves, 'no move with the end').toEqual([]);
  expect(moves.length, 'one move at a time').toBeLessThanOrEqual(1);
  const perAttempt = Map.groupBy(d.commands.filter(isMove), (command) => command.attemptId);
  for (const [attempt, commands] of perAttempt) {
    expect(commands.length, `commands of attempt ${attempt}`).toBe(1);
  }
  // A second open attempt exists only while a completed one leaves it its last 30 s.
  const open = call.attempts.filter(({ verdict }) => verdict === null);
  expect(open.length, 'attempts whose end is not known').toBeLessThanOrEqual(1);
  if (call.phase === 'ended') expect(call.ends).not.toBeNull();
  else {
    expect(call.ends).toBeNull();
    expect(call.deadlines.length, `deadlines in ${call.phase}`).toBeGreaterThan(0);
  }
  if (call.phase === 'ended' || call.phase === 'referred') {
    expect(call.running).toBeNull();
    expect(call.plan).toEqual([]);
  }
}

const RUNS = Number(process.env.PROPERTY_RUNS ?? 2_000);
/** Some 15 s on two idle cores; a machine that is busy with something else has four times that. */
const PROPERTY_TIMEOUT_MS = 60_000 + RUNS * 60;

describe('whatever happens', { timeout: PROPERTY_TIMEOUT_MS }, () => {
  it('no call is lost, none is moved twice, and every one ends', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 4 }),
        fc.array(happening, { maxLength: 25 }),
        fc.boolean(),
        fc.array(fc.constantFrom(...TYPES), { maxLength: 2 }),
        fc.constantFrom('incoming' as const, 'incoming' as const, 'outgoing' as const),
        fc.boolean(),
        (plan, happenings, holds, early, direction, webhooksCome) => {
          const d = drive(
            decision(plan, {
              policy: {
                patienceMs: 60_000,
                whileMoving: holds ? say('Please hold.') : null,
                refersPerCall: 3,
                transfersPerCall: 2,
              },
            }),
          );
          if (!webhooksCome) d.heardAt = null;
          let completedSeen = false;
          let before: Call | null = null;
          const then = (run: () => void, completed: boolean) => {
            const from = d.commands.length;
            run();
            completedSeen ||= completed;
            check(d, before, d.commands.slice(from), completedSeen);
            before = d.call;
          };
          for (const type of early) then(() => d.hook(type), false);
          const { facts } = webhook('call.initiated');
          then(() => d.hook('call.initiated', { facts: { ...facts, direction } }), false);
          happenings.forEach((h, n) => {
            // Only a REFER of ours refers: anybody else's is noted and changes nothing.
            const ours = d.call.attempts.some(({ kind, unsent }) => kind === 'refer' && !unsent);
            const completed = h.kind === 'hook' && h.type === 'call.refer.completed';
            then(() => happen(d, h, n), completed && ours);
          });
          // Nothing more ever arrives: only deadlines fall.
          for (let falls = 0; d.call.phase !== 'ended'; falls++) {
            expect(falls, `still ${d.call.phase}`).toBeLessThan(1_000);
            then(() => d.fall(), false);
          }
          for (const attempt of d.call.attempts) expect(attempt.verdict).not.toBeNull();
          if (completedSeen) expect(d.call.ends).toBe('referred');
          // What an early call.initiated said of the direction stays: incoming.
          if (direction === 'outgoing' && !early.includes('call.initiated')) {
            expect(d.count('answer') + d.count('reject'), 'only of incoming legs').toBe(0);
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('a transition leaves the call it was given as it was', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), fc.array(happening), (plan, happenings) => {
        const d = drive(decision(plan));
        d.hook('call.initiated');
        happenings.forEach((h, n) => {
          const given = d.call;
          const text = JSON.stringify(given);
          happen(d, h, n);
          expect(JSON.stringify(given)).toBe(text);
        });
      }),
      { numRuns: RUNS / 4 },
    );
  });
});
