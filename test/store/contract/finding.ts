import { beforeAll, describe, expect, test } from 'vitest';
import { CALLER_OUTCOMES, outcomeOfCall } from '../../../src/core/machine/caller-outcome.ts';
import { HOURLY_SUMS } from '../../../src/store/contract/calls.ts';
import type { CallFilter } from '../../../src/store/contract/list.ts';
import { aCall, anAttempt, aUnit } from '../../helpers/documents.ts';
import { store } from './scene.ts';

const ENDED = { tally: new Map([[HOURLY_SUMS, { waits: 0 }]]) };
/**
 * Numbers, rules and targets that only this file uses, because the whole suite shares the database.
 */
const BERLIN = '+4930901820';
const PARIS = '+33155667788';

export function findingContract(): void {
  describe('finding', () => {
    const over = { phase: 'ended', endedAt: Date.now() } as const;
    const calls = [
      aCall('v3:Finding-A1b2C3d4E5', {
        ...over,
        ends: 'referred',
        rule: 'Find-Sales desk',
        attempts: [anAttempt('find-1', { target: 'find-tower', verdict: 'completed' })],
        facts: { from: '+491712345678', to: BERLIN },
      }),
      aCall('v3:Finding-F6g7H8i9J0', {
        ...over,
        ends: 'hung_up',
        facts: { from: '+491712349999', to: BERLIN },
      }),
      aCall('v3:Finding-K1l2M3n4O5', {
        ...over,
        ends: 'hung_up',
        attempts: [anAttempt('find-3', { target: 'find-tower', verdict: 'busy' })],
        facts: { from: 'sip:Anna.Find@pbx.example.com;transport=tls', to: PARIS },
      }),
      aCall('v3:Finding-P6q7R8s9T0', {
        ...over,
        ends: 'ignored',
        facts: { from: PARIS, to: '+390655443322', direction: 'outgoing' },
      }),
      aCall('v3:Finding-leg', {
        ...over,
        ends: 'ignored',
        parentId: 'v3:Finding-A1b2C3d4E5',
        facts: { from: BERLIN, to: '+491712345678', direction: 'outgoing' },
      }),
      aCall('v3:Finding-Z0y1X2w3V4', {
        ...over,
        ends: 'ignored',
        facts: { from: '+353862000045', to: '+14152220100' },
      }),
      aCall('v3:Finding-live', { phase: 'referring', facts: { from: '+491719876543', to: PARIS } }),
    ].map((call, n) => ({ ...call, createdAt: 9e12 + n }));
    const short = (id: string) => id.replace('v3:Finding-', '').slice(0, 4);

    async function found(q: string, more: Partial<CallFilter> = {}, numbers: string[] = []) {
      const page = await store.list({ q: { text: q, numbers }, limit: 50, ...more });
      return page.calls.map(({ id }) => short(id));
    }

    beforeAll(async () => {
      await store.commit(
        calls.map((call) => aUnit(call, 0, call.phase === 'ended' ? ENDED : {})),
        null,
      );
    });

    const EVERY_Q: [string, string[]][] = [
      ['2345678', ['A1b2']],
      ['2349', ['F6g7']],
      ['171234', ['F6g7', 'A1b2']],
      ['+49 171 9876', ['live']],
      ['0171 2345678', ['A1b2']],
      ['0049 171-2345678', ['A1b2']],
      ['+49 (0)171/234.56-78', ['A1b2']],
      ['+49(0)17123', ['F6g7', 'A1b2']],
      ['(0)171 2345678', ['A1b2']],
      ['0049 (0)171 2345678', ['A1b2']],
      ['tel:+49-171-2345678;ext=1', ['A1b2']],
      // A zero that is part of the number, although it is in brackets.
      ['+39 (0)6 55443322', ['P6q7']],
      ['030 901820', ['F6g7', 'A1b2']],
      ['0655443322', ['P6q7']],
      ['5566', ['live', 'P6q7', 'K1l2']],
      // Digits of a number may begin like an international or a national one.
      ['0045', ['Z0y1']],
      ['000045', ['Z0y1']],
      ['00 353 862000045', ['Z0y1']],
      ['anna.find', ['K1l2']],
      ['find-sales', ['A1b2']],
      ['FIND-TOWER', ['K1l2', 'A1b2']],
      ['v3:Finding-A1b2C3d4E5', ['A1b2']],
      ['Finding-A1b2', ['A1b2']],
      ['v3:Finding-li', ['live']],
      ['99991', []],
      ['nobody is called so', []],
    ];

    test.each(['before they are folded', 'after'])(
      'by any part of what they are known by, %s',
      async (when) => {
        if (when === 'after') while ((await store.fold(100)) > 0);
        for (const [q, expected] of EVERY_Q) {
          expect([q, await found(q)]).toEqual([q, expected]);
        }
      },
    );

    test('a label leads to the calls of its numbers, beside what it is part of', async () => {
      expect(await found('Berlin main', {}, [BERLIN])).toEqual(['F6g7', 'A1b2']);
    });

    test('legs are found where they are asked for', async () => {
      expect(await found('2345678', { legs: 'all' })).toEqual(['leg', 'A1b2']);
    });

    test('together with every other filter', async () => {
      const since = calls[0]?.createdAt ?? 0;
      expect(await found('171234', { outcome: 'reached' })).toEqual(['A1b2']);
      expect(await found('171234', { outcome: 'not_reached' })).toEqual([]);
      expect(await found('171234', { since: since + 1 })).toEqual(['F6g7']);
      expect(await found('171234', { until: since + 1 })).toEqual(['A1b2']);
      expect(await found('5566', { number: PARIS })).toEqual(['live', 'P6q7', 'K1l2']);
      expect(await found('5566', { direction: 'outgoing' })).toEqual(['P6q7']);
      expect(await found('5566', { phase: 'referring' })).toEqual(['live']);
      expect(await found('find-tower', { verdict: 'busy' })).toEqual(['K1l2']);
    });

    test('page by page without gap or repetition', async () => {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({
          q: { text: '5566', numbers: [] },
          limit: 1,
          ...(cursor === undefined ? {} : { cursor }),
        });
        seen.push(...page.calls.map(({ id }) => short(id)));
        cursor = page.next ?? undefined;
      } while (cursor !== undefined);
      expect(seen).toEqual(['live', 'P6q7', 'K1l2']);
    });

    test('by outcome and by our number, whichever side it is on', async () => {
      const since = calls[0]?.createdAt ?? 0;
      for (const outcome of CALLER_OUTCOMES) {
        const own = calls.filter((call) => outcomeOfCall(call) === outcome).toReversed();
        const page = await store.list({ outcome, since, limit: 50 });
        expect([outcome, page.calls.map(({ id }) => id)]).toEqual([
          outcome,
          own.map(({ id }) => id),
        ]);
      }
      const ours = await store.list({ number: PARIS, limit: 50 });
      expect(ours.calls.map(({ id }) => short(id))).toEqual(['live', 'P6q7', 'K1l2']);
      const outgoing = await store.list({ direction: 'outgoing', since, limit: 50 });
      expect(outgoing.calls.map(({ id }) => short(id))).toEqual(['P6q7']);
    });

    test('what nobody has a call of any more is found no more', async () => {
      const gone = aCall('v3:Finding-gone', {
        phase: 'ended',
        ends: 'failed',
        endedAt: 3,
        createdAt: 2,
        facts: { from: '+81355550199', to: BERLIN },
      });
      await store.commit([aUnit(gone, 0, ENDED)], null);
      while ((await store.fold(100)) > 0);
      expect(await found('813555')).toEqual(['gone']);
      while ((await store.prune(4, 100)) > 0);
      expect(await found('813555')).toEqual([]);
      expect(await found('030901820')).toEqual(['F6g7', 'A1b2']);
    });

    test('by addresses with emojis, wherever a piece or the end of one cuts them', async () => {
      const long = `sip:emoji-${'a'.repeat(57)}😀@example.com`;
      const parties = ['sip:😀xy😁xy😂@example.com', long, 'sip:emoji\0\ud800@example.com'];
      const strange = parties.map((from, n) =>
        aCall(`v3:Finding-emo${n}`, {
          ...over,
          ends: 'ignored',
          createdAt: 7e12 + n,
          facts: { from },
        }),
      );
      await store.commit(
        strange.map((call) => aUnit(call, 0, ENDED)),
        null,
      );
      while ((await store.fold(100)) > 0);
      expect(await found('😁xy😂')).toEqual(['emo0']);
      expect(await found('emoji-aaaa')).toEqual(['emo1']);
      expect(await found('emoji')).toEqual(['emo2', 'emo1']);
    });

    test('a number with many parties is found among the newest calls', async () => {
      const many = Array.from({ length: 3_100 }, (_, n) =>
        aCall(`many ${n}`, {
          ...over,
          ends: 'referred',
          createdAt: 8e12 + n,
          facts: { from: `+4420${String(7_000_000_0 + n)}`, to: `${PARIS}99` },
        }),
      );
      for (let n = 0; n < many.length; n += 500) {
        const units = many.slice(n, n + 500).map((call) => aUnit(call, 0, ENDED));
        await store.commit(units, null);
      }
      while ((await store.fold(500)) > 0);
      const first = await store.list({ q: { text: '442070', numbers: [] }, limit: 500 });
      expect(first.calls).toHaveLength(500);
      expect(first.calls[0]?.id).toBe('many 3099');
      let { next } = first;
      let seen = first.calls.length;
      while (next !== null) {
        const page = await store.list({
          q: { text: '442070', numbers: [] },
          limit: 500,
          cursor: next,
        });
        seen += page.calls.length;
        next = page.next;
      }
      expect(seen).toBe(3_100);
    });
  });
}
