/**
 * Random plans and events of a call, for tests of properties that must hold whatever Telnyx and the
 * callers do.
 */
import fc from 'fast-check';
import type { Command } from '../../src/core/machine/command.ts';
import type { Step } from '../../src/core/machine/plan.ts';
import { EVENT_TYPES } from './event-types.ts';
import {
  ACCEPTED,
  ALIVE,
  bare,
  DEAD,
  type Driver,
  refer,
  rejected,
  say,
  transfer,
} from './machine.ts';

const MENU: Step = {
  do: 'menu',
  text: 'Press 1.',
  voice: 'v',
  language: null,
  digits: { '1': [refer('m')] },
  tries: 2,
  timeoutMs: 5_000,
};

export const step: fc.Arbitrary<Step> = fc.oneof(
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
        refer(name, { otherWay: bare(transfer('+14155550199')) }),
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

export const TYPES = [...EVENT_TYPES, 'call.never.heard.of'];

/**
 * One event. Its random numbers are mapped to the attempts and commands that exist at that moment.
 */
export const happening = fc.oneof(
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
        'dead',
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
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('operator' as const),
      act: fc.constantFrom('hangup' as const, 'next' as const),
      reason: fc.constantFrom(null, 'it hangs'),
    }),
  },
);
export type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

export function happen(d: Driver, h: Happening, n: number): void {
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
      if (command !== undefined) d.outcome(command, happenedOutcome(h.how, command));
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
    case 'operator':
      d.put({
        source: 'operator',
        id: `operator:${n}`,
        callId: d.call.id,
        type: `operator.${h.act}`,
        receivedAt: 0,
        occurredAt: null,
        by: 'anna',
        reason: h.reason,
      });
      return;
    default:
      h satisfies never;
  }
}

function happenedOutcome(how: string, command: Command) {
  if (how === 'unknown') return { kind: 'unknown', detail: 'x' } as const;
  if (how === 'retry') {
    return { kind: 'retry', status: 500, detail: 'x', afterMs: null, provenUnsent: false } as const;
  }
  if (how === 'dead') return command.action === 'probe' ? DEAD : ACCEPTED;
  if (how === 'accepted') return command.action === 'probe' ? ALIVE : ACCEPTED;
  return rejected(how === 'rejected' ? '10015' : how);
}
