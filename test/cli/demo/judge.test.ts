import { expect, test } from 'vitest';
import type { ApiCall } from '../../../src/cli/demo/call.ts';
import { disagreements } from '../../../src/cli/demo/judge.ts';
import type { CallBook } from '../../../src/simulator/books.ts';
import { type PlayedCall, SCRIPTS } from '../../../src/simulator/scripts.ts';

const played = SCRIPTS[0] as PlayedCall;

const call: ApiCall = {
  call_control_id: 'v3:a',
  from: '+14155550201',
  to: '+14155550100',
  phase: 'ended',
  ends: 'referred',
  rule: 'support',
  created_at: '2026-03-02T15:00:00.000Z',
  ended_at: '2026-03-02T15:00:02.000Z',
  attempts: [
    {
      id: 'a1',
      kind: 'refer',
      target: 'support-us',
      sip_address: 'sip:support@pbx-us.example.com',
      verdict: 'completed',
      started_at: '2026-03-02T15:00:01.000Z',
    },
  ],
  timeline: [],
};

const move = { kind: 'refer' as const, address: 'sip:a@b.example', at: '', commandId: 'a1' };
const book = { fate: 'moved', moved: [move], webhooks: [] } as unknown as CallBook;

test('a call that ended as its script says, in both accounts, has no disagreement', () => {
  expect(disagreements(played, call, book)).toEqual([]);
});

test.each<[string, ApiCall | null, Partial<CallBook>, RegExp]>([
  ['is unknown to the server', null, {}, /does not know the call/],
  ['ended otherwise', { ...call, ends: 'failed' }, {}, /ends failed, not referred/],
  ['took another rule', { ...call, rule: null }, {}, /rule is otherwise, not support/],
  ['made no attempt', { ...call, attempts: [] }, {}, /attempts are none/],
  ['was moved twice', call, { moved: [move, move] }, /moved 2 times/],
  ['still waits', call, { fate: 'waiting' }, /left in silence/],
  ['was not moved in truth', call, { fate: 'released' }, /released, not moved/],
])('a call that %s is a disagreement', (_what, told, truth, expected) => {
  expect(disagreements(played, told, { ...book, ...truth }).join()).toMatch(expected);
});
