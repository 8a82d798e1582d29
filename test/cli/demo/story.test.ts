import { expect, test } from 'vitest';
import type { ApiAttempt, ApiCall, ApiEntry } from '../../../src/cli/demo/call.ts';
import { storyLine } from '../../../src/cli/demo/story.ts';

const AT = '2026-03-02T15:00:01.000Z';

function anAttempt(id: string): ApiAttempt {
  return {
    id,
    kind: 'refer',
    target: `target ${id}`,
    sip_address: `sip:${id}@pbx.example.com`,
    verdict: 'busy',
    started_at: AT,
  };
}

function anEntry(given: Partial<ApiEntry>): ApiEntry {
  return {
    id: 'e',
    source: 'webhook',
    type: 'call.refer.failed',
    at: AT,
    phase_before: 'referring',
    phase: 'referring',
    notes: [],
    commands: [],
    attempt: null,
    detail: {},
    ...given,
  };
}

function told(entry: Partial<ApiEntry>): string | undefined {
  const call: ApiCall = {
    call_control_id: 'v3:one',
    from: null,
    to: null,
    phase: 'referring',
    ends: null,
    rule: null,
    created_at: AT,
    ended_at: null,
    attempts: [anAttempt('a'), anAttempt('b')],
    timeline: [],
  };
  return storyLine(anEntry(entry), call)?.what;
}

test.each<[Partial<ApiEntry>, string]>([
  [{ attempt: 'a', detail: { sip_notify_response: 486 } }, 'target a refuses (486)'],
  [{ attempt: 'b', detail: { sip_notify_response: 486 } }, 'target b refuses (486)'],
  [{ source: 'b_leg', type: 'call.hangup', attempt: 'a', detail: {} }, 'target a hangs up'],
  [
    { source: 'deadline', type: 'deadline', attempt: 'a', detail: { deadline: 'attempt' } },
    'target a reported no result in time',
  ],
])(
  'of attempts at the same moment the story shows the one that the event names: %j',
  (entry, words) => {
    expect(told(entry)).toBe(words);
  },
);

test.each([
  ['valid', 'the caller pressed a key'],
  ['invalid', 'the caller pressed keys that are not in the menu'],
  ['timeout', 'the caller pressed no key in time'],
  ['call_hangup', 'the caller hung up in the menu'],
  ['cancelled', 'the menu was interrupted'],
])('a gather that ended as %s: %s', (status, words) => {
  expect(told({ type: 'call.gather.ended', detail: { status } })).toBe(words);
});

test('what was cut off was not spoken to the end', () => {
  expect(told({ type: 'call.speak.ended', detail: { status: 'completed' } })).toBe(
    'the prompt was played to the end',
  );
  expect(told({ type: 'call.speak.ended', detail: { status: 'call_hangup' } })).toBe(
    'the prompt was interrupted',
  );
});
