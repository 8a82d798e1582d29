import { describe, expect, test } from 'vitest';
import { aCall, anAttempt, anEntry, aUnit } from '../../helpers/documents.ts';
import { commit, count, load, run } from './scene.ts';

export function loadsContract(): void {
  describe('what a load brings', () => {
    test('second deliveries are seen, for loaded calls and others', async () => {
      const [a, b] = [`${run}-a`, `${run}-b`];
      await commit(aUnit(aCall(a), 0, { events: [anEntry('e')] }));
      await commit(aUnit(aCall(b), 0, { events: [anEntry('e', { type: 'call.hangup' })] }));
      const loaded = await load({
        callIds: [a],
        events: [
          { callId: a, key: 'call.initiated|e' },
          { callId: a, key: 'call.hangup|e' },
          { callId: b, key: 'call.hangup|e' },
          { callId: `${run}-nobody`, key: 'call.hangup|e' },
        ],
      });
      expect([...loaded.seen].sort()).toEqual([`${a}\ncall.initiated|e`, `${b}\ncall.hangup|e`]);
      expect([...loaded.calls.keys()]).toEqual([a]);
    });

    test('an attempt names its call, and a session brings all of its calls', async () => {
      const [a, b] = [`${run}-a`, `${run}-b`];
      const facts = { sessionId: `${run}-session` };
      const attempt = anAttempt(`${run}-attempt`, { kind: 'transfer' });
      await commit(
        aUnit(aCall(a, { facts, attempts: [attempt] }), 0),
        aUnit(aCall(b, { facts }), 0),
      );
      const byAttempt = await load({ attemptIds: [attempt.id, `${run}-unknown`] });
      expect([...byAttempt.attempts]).toEqual([[attempt.id, a]]);
      expect([...byAttempt.calls.keys()]).toEqual([a]);
      const bySession = await load({ sessionIds: [facts.sessionId] });
      expect([...bySession.calls.keys()].sort()).toEqual([a, b]);
    });

    test('budgets count what was sent since, in all and by caller, up to the limit', async () => {
      const since = 5_000_000_000_000 + count * 1_000_000;
      const caller = `+1${run}`;
      const other = `+2${run}`;
      const anonymous = aCall(`${run}-anonymous`, {
        facts: { from: null },
        attempts: [anAttempt(`${run}-n`, { startedAt: since })],
      });
      const attempts = [
        anAttempt(`${run}-1`, { startedAt: since }),
        anAttempt(`${run}-2`, { startedAt: since + 5, verdict: 'busy' }),
        anAttempt(`${run}-3`, { startedAt: since - 1 }),
        anAttempt(`${run}-4`, { startedAt: since + 5, unsent: true }),
        anAttempt(`${run}-5`, { startedAt: since + 5, kind: 'transfer' }),
        anAttempt(`${run}-6`, { startedAt: since + 5, verdict: 'rejected' }),
      ];
      const call = aCall(`${run}-call`, { facts: { from: caller }, attempts });
      await commit(aUnit(call, 0), aUnit(anonymous, 0));
      const loaded = await load({
        callIds: [call.id],
        budget: { callers: [other], limit: 100, since },
      });
      expect(loaded.budget?.all).toEqual({ refers: 3, transfers: 1 });
      expect(loaded.budget?.byCaller).toEqual(
        new Map([
          [other, { refers: 0, transfers: 0 }],
          [caller, { refers: 2, transfers: 1 }],
        ]),
      );
      const limited = await load({ budget: { callers: [caller], limit: 1, since } });
      expect(limited.budget?.all.refers).toBe(1);
      expect(limited.budget?.byCaller.get(caller)).toEqual({ refers: 1, transfers: 1 });
    });

    test('nor do budgets count attempts that a clock which was set back has put hours ahead', async () => {
      const since = 6_000_000_000_000 + count * 1_000_000_000;
      const caller = `+1${run}`;
      const hour = 3_600_000;
      const attempts = [
        anAttempt(`${run}-1`, { startedAt: since + 1.5 * hour }),
        anAttempt(`${run}-2`, { startedAt: since + 3 * hour }),
        anAttempt(`${run}-3`, { startedAt: since + 3 * hour, kind: 'transfer' }),
      ];
      await commit(aUnit(aCall(`${run}-ahead`, { facts: { from: caller }, attempts }), 0));
      const { budget } = await load({ budget: { callers: [caller], limit: 100, since } });
      expect(budget?.all).toEqual({ refers: 1, transfers: 0 });
      expect(budget?.byCaller.get(caller)).toEqual({ refers: 1, transfers: 0 });
    });
  });
}
