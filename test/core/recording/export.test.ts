/** A line of an export is read back unchanged, and problems in a line are named. */
import { expect, test } from 'vitest';
import { BadRecording } from '../../../src/core/recording/checked.ts';
import { exportJson, readExport } from '../../../src/core/recording/export.ts';
import { foldCall } from '../../../src/core/recording/fold.ts';
import {
  becameOf,
  decisionOf,
  RECORDING_SCHEMA,
  type RecordedCall,
} from '../../../src/core/recording/recorded-call.ts';
import {
  ACCEPTED,
  CALL,
  type Driver,
  refer,
  referring,
  say,
  stamp,
} from '../../helpers/machine.ts';

function recordedOf(d: Driver): RecordedCall {
  return {
    callId: CALL,
    schema: RECORDING_SCHEMA,
    recording: 'complete',
    events: d.recorded,
    stored: d.call,
  };
}

/** The first target is busy, the second takes the caller. */
function story(): Driver {
  const d = referring(refer('a', { ifFailed: { busy: [say('One moment.'), refer('b')] } }));
  d.hook('call.refer.failed', { ...stamp(d), sipNotifyResponse: 486 });
  d.outcome(d.last('speak'), ACCEPTED);
  d.hook('call.speak.ended', { ...stamp(d), clientState: d.last('speak').clientState });
  d.accept(d.last('refer'));
  d.hook('call.refer.completed', { ...stamp(d), sipNotifyResponse: 200, clockSkewMs: -20 });
  d.hook('call.hangup', { hangupCause: 'normal_clearing', hangupSource: 'callee' });
  return d;
}

const lineOf = (call: RecordedCall, change: (line: Record<string, never>) => void = () => {}) => {
  const line = JSON.parse(JSON.stringify(exportJson(call)));
  change(line);
  return JSON.stringify(line);
};

test('what is written is read again, and gives the call that is stored', () => {
  const recorded = recordedOf(story());
  const read = readExport(lineOf(recorded));
  expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(JSON.stringify(recorded)));
  const folded = foldCall(read);
  expect(folded.differences).toEqual([]);
  expect(folded.asked.map(({ moment, facts }) => [moment.event, facts.from])).toEqual([
    ['call.initiated', '+14155550101'],
  ]);
  expect(becameOf(read.stored)).toEqual({ rule: 'test', attempts: ['a', 'b'], ends: 'referred' });
  expect(decisionOf(read)?.decision.rule).toBe('test');
});

test('a stored call that its events do not lead to is reported with what differs, and where', () => {
  const recorded = recordedOf(story());
  const [, last] = recorded.stored.attempts;
  const stored = {
    ...recorded.stored,
    ends: 'failed' as const,
    attempts: recorded.stored.attempts.map((each) =>
      each === last ? { ...each, verdict: 'busy' as const } : each,
    ),
  };
  const events = recorded.events.map((each, n) => (n === 2 ? { ...each, commands: ['x'] } : each));
  expect(foldCall({ events, stored }).differences).toMatchObject([
    { what: 'commands', event: { type: 'call.answered', number: 3 }, stored: ['x'] },
    { what: 'ends', event: null, stored: 'failed', folded: 'referred' },
    {
      what: 'attempts',
      stored: [
        { target: 'a', verdict: 'busy' },
        { target: 'b', verdict: 'busy' },
      ],
      folded: [
        { target: 'a', verdict: 'busy' },
        { target: 'b', verdict: 'completed' },
      ],
    },
  ]);
});

test('an event that is missing shows', () => {
  const recorded = recordedOf(story());
  const events = recorded.events.filter(({ event }) => event.type !== 'call.refer.failed');
  expect(foldCall({ ...recorded, events }).differences.length).toBeGreaterThan(0);
});

const BAD: [string, (line: Record<string, never>) => void, RegExp][] = [
  ['another program', (l) => set(l, 'format', 'other'), /format: this is no call that/],
  ['no format', (l) => set(l, 'format', undefined), /expected "referee.call", got nothing/],
  ['a newer release', (l) => set(l, 'version', 2), /version: it was written by a newer release/],
  ['an unknown field', (l) => set(l, 'more', 1), /"more" is not known here/],
  ['no events', (l) => set(l, 'events', undefined), /"events" is missing/],
  ['an event of no source', (l) => set(l, 'events.0.source', 'x'), /events\[0\]\.source: expected/],
  ['no time', (l) => set(l, 'events.1.now', null), /events\[1\]\.now: a number is expected/],
  [
    'a step that nobody knows',
    (l) => set(l, 'events.0.decisions.0.plan.0.do', 'fly'),
    /events\[0\]\.decisions\[0\]\.plan\[0\]\.do: expected one of refer/,
  ],
  [
    'a step without its address, in a branch',
    (l) => set(l, 'events.0.decisions.0.plan.0.ifFailed.busy.1.sipAddress', undefined),
    /plan\[0\]\.ifFailed\.busy\[1\]: "sipAddress" is missing/,
  ],
  ['a phase that is none', (l) => set(l, 'stored.phase', 'gone'), /stored\.phase: expected one of/],
  ['another call', (l) => set(l, 'stored.id', 'v3:x'), /stored\.id: it is of another call/],
  ['attempts that are none', (l) => set(l, 'stored.attempts', {}), /stored\.attempts: a list/],
];

test.each(BAD)('%s is refused with its place', (_, change, expected) => {
  expect(() => readExport(lineOf(recordedOf(story()), change))).toThrow(expected);
});

test('a line that was cut anywhere is refused', () => {
  const line = lineOf(recordedOf(story()));
  for (let length = 0; length < line.length; length += 97) {
    expect(() => readExport(line.slice(0, length))).toThrow(BadRecording);
  }
  expect(() => readExport(line.slice(0, -1))).toThrow(/not JSON/);
});

function set(line: object, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  const holder = names.reduce<Record<string, unknown>>(
    (each, name) => each[name] as Record<string, unknown>,
    line as Record<string, unknown>,
  );
  if (value === undefined) delete holder[last];
  else holder[last] = value;
}
