/** What every store must do. `open` opens the same database again each time; it is empty at the first. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Call } from '../../src/core/machine/call.ts';
import type { Outcome } from '../../src/core/machine/command.ts';
import { NewerRow, StoreUnavailable } from '../../src/errors.ts';
import { CODE_VERSION } from '../../src/store/migrate.ts';
import { TIMELINE_ENTRIES_MAX } from '../../src/store/rows/rows.ts';
import type { CallFilter, ChangeFeed, Claim, CommitUnit, Store } from '../../src/store/store.ts';
import { aCall, aChange, aCommand, anAttempt, anEntry, aUnit, keys } from '../helpers/documents.ts';
import { PATIENT } from '../helpers/waiting.ts';

export interface Opened {
  open(options?: { codeVersion?: number }): Promise<Store & ChangeFeed>;
  /** Ends what the database needs. */
  end(): Promise<void>;
}

const LONG: Claim = { owner: 'replica-a', leaseMs: 60_000 };
const SHORT: Claim = { owner: 'replica-a', leaseMs: 40 };
const ACCEPTED: Outcome = { kind: 'accepted', status: 200, alive: null };
const CUT = {
  kind: 'retry',
  status: null,
  detail: 'connection cut',
  afterMs: null,
  provenUnsent: false,
} satisfies Outcome;

export function storeContract(name: string, prepare: () => Promise<Opened>): void {
  describe(name, () => {
    let opened: Opened;
    let store: Store & ChangeFeed;
    let count = 0;
    /** Ids of this test alone: the database is shared by all of the suite. */
    let run = '';

    beforeAll(async () => {
      opened = await prepare();
      store = await opened.open();
    });
    afterAll(async () => {
      await store.close();
      await opened.end();
    });
    beforeEach(async () => {
      count += 1;
      run = `t${count}`;
      // Nothing that another test left in the outbox or due may come up here.
      await store.releaseLeases(null);
      for (const { command } of await store.claim(LONG, 10_000)) {
        const found = await store.find(command.callId);
        if (!found) continue;
        const settle = [{ commandId: command.id, outcome: ACCEPTED, retryAt: null }];
        await store.commit(
          [aUnit({ ...found.call, deadlines: [] }, found.version, { settle })],
          null,
        );
      }
    });

    const load = (given: Parameters<typeof keys>[0]) => store.load(keys(given));
    const commit = (...units: CommitUnit[]) => store.commit(units, null);
    const versionOf = async (id: string) => (await store.find(id))?.version;

    /** Stores a call with one command; gives its ids. */
    async function withCommand(action: 'answer' | 'hangup' = 'answer', claim: Claim | null = null) {
      const callId = `${run}-call`;
      const commandId = `${run}-${action}`;
      const found = await store.find(callId);
      const unit = aUnit(found?.call ?? aCall(callId), found?.version ?? 0, {
        commands: [aCommand(commandId, callId, action)],
      });
      return { callId, commandId, ...(await store.commit([unit], claim)) };
    }

    async function settle(commandId: string, outcome: Outcome, retryAt: number | null) {
      return change({ settle: [{ commandId, outcome, retryAt }] });
    }

    async function change(given: Parameters<typeof aChange>[2]) {
      const found = await store.find(`${run}-call`);
      if (!found) throw new Error('no call');
      return commit(aUnit(found.call, found.version, given));
    }

    async function claimIds(claim: Claim = LONG) {
      return (await store.claim(claim, 100)).map(({ command }) => command.id);
    }

    describe('calls', () => {
      test('a call that was never stored is not there', async () => {
        const loaded = await load({ callIds: [`${run}-nobody`] });
        expect(loaded.calls.size).toBe(0);
        expect(Math.abs(loaded.now - Date.now())).toBeLessThan(5_000);
        expect(loaded.budget).toBeNull();
        expect(await store.find(`${run}-nobody`)).toBeNull();
        expect(await store.timeline(`${run}-nobody`)).toEqual([]);
      });

      test('a document comes back as it was stored, and each commit raises its version', async () => {
        const id = `v3:${run}${'x'.repeat(150)}`;
        const call = aCall(id, {
          facts: { callerName: 'Zoë "\u0000" 🙂 \\u0000', headers: [{ name: 'X-A', value: "'" }] },
          deadlines: [{ name: 'undecided', dueAt: 9e12, setAt: 1, n: 1, putOff: false }],
        });
        expect((await commit(aUnit(call, 0))).results).toEqual(['committed']);
        expect((await load({ callIds: [id] })).calls.get(id)).toEqual({ call, version: 1 });
        const later: Call = { ...call, phase: 'answering', rule: 'support', ends: 'referred' };
        expect((await commit(aUnit(later, 1))).results).toEqual(['committed']);
        expect((await load({ callIds: [id] })).calls.get(id)).toEqual({ call: later, version: 2 });
        expect(await store.find(id)).toEqual({ call: later, version: 2 });
      });

      test('odd characters in what the outside world writes are stored, not refused', async () => {
        const odd = 'a\u0000b\ud800"\'\\';
        const id = `${run}${odd}`;
        const call = aCall(id, {
          facts: { from: odd, to: odd, sessionId: odd },
          rule: odd,
          attempts: [anAttempt(`${run}-a${odd}`, { target: odd })],
        });
        const entry = anEntry(`${run}${odd}`, { notes: [odd], detail: { x: odd } });
        const result = await store.commit(
          [aUnit(call, 0, { events: [entry], commands: [aCommand(`${run}${odd}`, id)] })],
          null,
        );
        expect(result.results).toEqual(['committed']);
        expect((await store.timeline(id))[0]?.notes).toHaveLength(1);
        const loaded = await load({ callIds: [id], events: [{ callId: id, key: entry.key }] });
        expect(loaded.seen.size).toBe(1);
        expect((await store.list({ from: odd, limit: 10 })).calls).toHaveLength(1);
        expect((await store.list({ target: odd, limit: 10 })).calls).toHaveLength(1);
      });

      test('of calls committed together each gets its own, also where it has none or looks like what a list is written with', async () => {
        const texts = ['{a,"b"}', '\u001f', ',\n}{', 'NULL', ''];
        const units = texts.map((text, n) => {
          const id = `${run}-${n}${text}`;
          const entries = Array.from({ length: n % 4 }, (_, i) =>
            anEntry(`${id}-${i}`, { notes: [text], detail: { text } }),
          );
          const call = aCall(id, {
            facts: { callerName: text, from: `${id}-from` },
            attempts: entries.map((_, i) => anAttempt(`${id}-a${i}`, { target: text })),
          });
          const commands = entries.map((_, i) => aCommand(`${id}-c${i}`, id));
          return { call, entries, commands };
        });
        const { results, claimed } = await store.commit(
          units.map(({ call, entries, commands }) => aUnit(call, 0, { events: entries, commands })),
          LONG,
        );
        expect(results).toEqual(units.map(() => 'committed'));
        expect(claimed.map(({ command }) => command)).toEqual(
          units.flatMap(({ commands }) => commands),
        );
        for (const { call, entries } of units) {
          expect(await store.find(call.id)).toEqual({ call, version: 1 });
          expect(await store.timeline(call.id)).toEqual(entries);
          const found = await store.list({ from: `${call.id}-from`, limit: 10 });
          expect(found.calls).toEqual([call]);
        }
      });

      test('a stale version is a conflict, and nothing of its unit is kept', async () => {
        const id = `${run}-call`;
        await commit(aUnit(aCall(id), 0));
        await commit(aUnit(aCall(id, { phase: 'answering' }), 1));
        const late = aUnit(aCall(id, { phase: 'ended', attempts: [anAttempt(`${run}-a`)] }), 1, {
          events: [anEntry(`${run}-e`)],
          commands: [aCommand(`${run}-c`, id)],
        });
        const other = aUnit(aCall(`${run}-other`), 0, { events: [anEntry(`${run}-o`)] });
        expect((await commit(late, other)).results).toEqual(['conflict', 'committed']);
        expect((await store.find(id))?.call.phase).toBe('answering');
        expect(await store.timeline(id)).toEqual([]);
        expect(await claimIds()).toEqual([]);
        expect((await load({ attemptIds: [`${run}-a`] })).attempts.size).toBe(0);
        expect(await store.timeline(`${run}-other`)).toHaveLength(1);
      });

      test('version 0 means that the call must not exist', async () => {
        const id = `${run}-call`;
        await commit(aUnit(aCall(id), 0));
        const again = aUnit(aCall(id, { phase: 'ended' }), 0, { events: [anEntry(run)] });
        expect((await commit(again)).results).toEqual(['conflict']);
        expect((await commit(aUnit(aCall(`${run}-gone`), 3))).results).toEqual(['conflict']);
        expect((await store.find(id))?.call.phase).toBe('new');
        expect(await store.timeline(id)).toEqual([]);
      });

      test('an event key that is taken is a conflict, and nothing of its unit is kept', async () => {
        const id = `${run}-call`;
        await commit(aUnit(aCall(id), 0, { events: [anEntry(`${run}-e`)] }));
        const again = aUnit(aCall(id, { phase: 'ended' }), 1, {
          events: [anEntry(`${run}-new`), anEntry(`${run}-e`)],
          commands: [aCommand(`${run}-c`, id)],
        });
        const other = aUnit(aCall(`${run}-other`), 0, {
          commands: [aCommand(`${run}-other-c`, `${run}-other`)],
        });
        const result = await store.commit([other, again], LONG);
        expect(result.results).toEqual(['committed', 'conflict']);
        expect(result.claimed.map(({ command }) => command.id)).toEqual([`${run}-other-c`]);
        expect(await store.find(id)).toMatchObject({ version: 1, call: { phase: 'new' } });
        expect(await store.timeline(id)).toHaveLength(1);
      });

      test('a unit of two calls is kept whole or not at all', async () => {
        const [parent, far] = [`${run}-parent`, `${run}-far`];
        const both = (version: number, phase: Call['phase']): CommitUnit => ({
          changes: [
            aChange(aCall(parent, { phase }), version, { events: [anEntry(`${run}${phase}p`)] }),
            aChange(aCall(far, { phase }), version, { events: [anEntry(`${run}${phase}f`)] }),
          ],
        });
        expect((await commit(both(0, 'new'))).results).toEqual(['committed']);
        await commit(aUnit(aCall(far, { phase: 'bridged' }), 1));
        expect((await commit(both(1, 'ended'))).results).toEqual(['conflict']);
        expect(await store.find(parent)).toMatchObject({ version: 1, call: { phase: 'new' } });
        expect(await store.timeline(parent)).toHaveLength(1);
        expect((await store.find(far))?.call.phase).toBe('bridged');
        expect(await store.timeline(far)).toHaveLength(1);
      });

      test('a call in two units of one commit: the second is a conflict', async () => {
        const id = `${run}-call`;
        const first = aUnit(aCall(id, { phase: 'answering' }), 0, { events: [anEntry(`${run}1`)] });
        const second = aUnit(aCall(id, { phase: 'ended' }), 1, { events: [anEntry(`${run}2`)] });
        expect((await commit(first, second)).results).toEqual(['committed', 'conflict']);
        expect(await store.find(id)).toMatchObject({ version: 1, call: { phase: 'answering' } });
        expect(await store.timeline(id)).toHaveLength(1);
      });

      test('a batch of a few hundred calls is one commit', async () => {
        const ids = Array.from({ length: 300 }, (_, i) => `${run}-${i}`);
        const events = (id: string) => [anEntry(`${id}-a`), anEntry(`${id}-b`)];
        const units = ids.map((id) =>
          aUnit(aCall(id, { attempts: [anAttempt(`${id}-t`)] }), 0, {
            events: events(id),
            commands: [aCommand(`${id}-c`, id)],
          }),
        );
        const { results, claimed } = await store.commit(units, LONG);
        expect(results.every((result) => result === 'committed')).toBe(true);
        expect(claimed.map(({ command }) => command.callId)).toEqual(ids);
        const loaded = await load({
          callIds: ids,
          attemptIds: ids.map((id) => `${id}-t`),
          events: ids.map((callId) => ({ callId, key: `call.initiated|${callId}-b` })),
        });
        expect([loaded.calls.size, loaded.attempts.size, loaded.seen.size]).toEqual([
          300, 300, 300,
        ]);
        const done = ids.map((id) =>
          aUnit(aCall(id), 1, {
            settle: [{ commandId: `${id}-c`, outcome: ACCEPTED, retryAt: null }],
          }),
        );
        expect(new Set((await store.commit(done, null)).results)).toEqual(new Set(['committed']));
        expect((await store.outbox()).pending).toBe(0);
      });

      test('an empty commit is no error', async () => {
        expect(await store.commit([], LONG)).toEqual({ results: [], claimed: [] });
      });
    });

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
    });

    describe('the timeline', () => {
      test('keeps every detail, in the order of the commits', async () => {
        const id = `${run}-call`;
        const full = anEntry(`${run}-1`, {
          source: 'outcome',
          type: 'outcome.refer',
          at: 2_000,
          occurredAt: 1_999.25,
          phaseBefore: 'new',
          phase: 'referring',
          notes: ['a', 'b'],
          commands: [{ id: 'c', action: 'refer', attempt: 'a' }],
          detail: { hangup_cause: 'user_busy', sip: 486, alive: true, none: null },
          trace: [{ rule: 'support', matched: true, why: 'to is +1' }],
        });
        const odd = anEntry(`${run}-2`, { key: 'another key', at: 1 });
        await commit(aUnit(aCall(id), 0, { events: [full] }));
        await commit(aUnit(aCall(id), 1, { events: [odd, anEntry(`${run}-3`)] }));
        expect(await store.timeline(id)).toEqual([full, odd, anEntry(`${run}-3`)]);
      });

      test('is bounded, and events past the bound are still known', async () => {
        const id = `${run}-call`;
        const events = Array.from({ length: TIMELINE_ENTRIES_MAX - 1 }, (_, i) => anEntry(`${i}`));
        await commit(aUnit(aCall(id), 0, { events }));
        await commit(aUnit(aCall(id), 1, { events: [anEntry('last'), anEntry('past')] }));
        await commit(aUnit(aCall(id), 2, { events: [anEntry('far past')] }));
        const timeline = await store.timeline(id);
        expect(timeline).toHaveLength(TIMELINE_ENTRIES_MAX);
        expect(timeline.at(-1)?.id).toBe('last');
        const key = 'call.initiated|far past';
        expect((await load({ events: [{ callId: id, key }] })).seen.size).toBe(1);
        const again = await commit(aUnit(aCall(id), 3, { events: [anEntry('far past')] }));
        expect(again.results).toEqual(['conflict']);
      });
    });

    describe('commands', () => {
      test('new ones come back claimed, hangup first, and nobody else gets them', async () => {
        const id = `${run}-call`;
        const commands = [
          aCommand(`${run}-1`, id),
          aCommand(`${run}-2`, id, 'hangup'),
          aCommand(`${run}-3`, id),
        ];
        const { claimed } = await store.commit([aUnit(aCall(id), 0, { commands })], LONG);
        expect(claimed.map(({ command }) => command.id)).toEqual([
          `${run}-2`,
          `${run}-1`,
          `${run}-3`,
        ]);
        for (const one of claimed) {
          expect(one).toMatchObject({ tries: 1, firstSentAt: one.now, createdAt: one.now });
          expect(one.leaseUntil).toBe(one.now + LONG.leaseMs);
        }
        expect(claimed[0]?.command).toEqual(commands[1]);
        expect(await claimIds({ owner: 'replica-b', leaseMs: 60_000 })).toEqual([]);
      });

      test('one that was stored without a claim is claimed once, hangup first, then the oldest', async () => {
        await withCommand('answer');
        await withCommand('hangup');
        expect(await store.outbox()).toMatchObject({ pending: 2 });
        const claimed = await store.claim(LONG, 100);
        expect(claimed.map(({ command }) => command.id)).toEqual([
          `${run}-hangup`,
          `${run}-answer`,
        ]);
        expect(claimed[0]).toMatchObject({ tries: 1, command: { action: 'hangup' } });
        expect(claimed[0]?.firstSentAt).toBe(claimed[0]?.now);
        expect(await claimIds()).toEqual([]);
      });

      test('a claim takes no more than its limit', async () => {
        await withCommand('answer');
        await withCommand('hangup');
        expect(await store.claim(LONG, 1)).toHaveLength(1);
        expect(await store.claim(LONG, 1)).toHaveLength(1);
        expect(await store.claim(LONG, 1)).toHaveLength(0);
      });

      test('a lease that ran out is claimed again: one try more, the same first time', async () => {
        const { claimed } = await withCommand('answer', SHORT);
        const [again] = await vi.waitUntil(async () => {
          const found = await store.claim(LONG, 10);
          return found.length > 0 ? found : null;
        }, PATIENT);
        expect(again).toMatchObject({
          tries: 2,
          firstSentAt: claimed[0]?.firstSentAt,
          createdAt: claimed[0]?.createdAt,
        });
        expect(again?.now).toBeGreaterThanOrEqual(claimed[0]?.leaseUntil ?? 0);
      });

      test('settled is settled: never claimed again, leases or not', async () => {
        const { commandId } = await withCommand('answer', LONG);
        expect(await store.outbox()).toMatchObject({ pending: 1 });
        await settle(commandId, ACCEPTED, null);
        await store.releaseLeases(null);
        expect(await claimIds()).toEqual([]);
        expect(await store.outbox()).toEqual({ pending: 0, oldestMs: 0 });
      });

      test('a settlement of a unit that lost its race did not happen', async () => {
        const { callId, commandId } = await withCommand('answer', LONG);
        const settle = [{ commandId, outcome: ACCEPTED, retryAt: null }];
        const stale = await commit(aUnit(aCall(callId), 7, { settle, cancel: [commandId] }));
        expect(stale.results).toEqual(['conflict']);
        await store.releaseLeases(null);
        expect(await claimIds()).toEqual([commandId]);
      });

      test('a retry waits for its time and keeps when it first went out', async () => {
        const { commandId, claimed } = await withCommand('answer', LONG);
        await settle(commandId, CUT, (await load({})).now + 60_000);
        expect(await claimIds()).toEqual([]);
        await settle(commandId, CUT, (await load({})).now + 30);
        const [again] = await vi.waitUntil(async () => {
          const found = await store.claim(LONG, 10);
          return found.length > 0 ? found : null;
        }, PATIENT);
        expect(again).toMatchObject({ tries: 2, firstSentAt: claimed[0]?.firstSentAt });
      });

      test('a retry that was proven unsent starts its window anew', async () => {
        const { commandId, claimed } = await withCommand('answer', LONG);
        const first = claimed[0]?.firstSentAt ?? 0;
        await vi.waitUntil(async () => (await load({})).now > first + 5, PATIENT);
        await settle(commandId, { ...CUT, provenUnsent: true }, (await load({})).now);
        const [again] = await vi.waitUntil(async () => {
          const found = await store.claim(LONG, 10);
          return found.length > 0 ? found : null;
        }, PATIENT);
        expect(again?.tries).toBe(2);
        expect(again?.firstSentAt).toBe(again?.now);
        expect(again?.firstSentAt).toBeGreaterThan(first);
      });

      test('what was not sent is taken back', async () => {
        const { commandId } = await withCommand('answer');
        await change({ cancel: [commandId] });
        expect(await claimIds()).toEqual([]);
        expect((await store.outbox()).pending).toBe(0);
      });

      test('what waits for another try is taken back', async () => {
        const { commandId } = await withCommand('answer', LONG);
        await settle(commandId, CUT, 0);
        await change({ cancel: [commandId] });
        expect(await claimIds()).toEqual([]);
      });

      test('what is in the air stays there, but is never tried again', async () => {
        const { commandId } = await withCommand('answer', LONG);
        await change({ cancel: [commandId] });
        await settle(commandId, CUT, 0);
        await store.releaseLeases(null);
        expect(await claimIds()).toEqual([]);
        expect((await store.outbox()).pending).toBe(0);
      });

      test('what is in the air when it is cancelled is not claimed after its lease', async () => {
        const { commandId, claimed } = await withCommand('answer', SHORT);
        await change({ cancel: [commandId] });
        await vi.waitUntil(
          async () => (await load({})).now > (claimed[0]?.leaseUntil ?? 0),
          PATIENT,
        );
        expect(await claimIds()).toEqual([]);
      });

      test('leases are given back by owner, or all of them', async () => {
        const { commandId } = await withCommand('answer', LONG);
        await store.releaseLeases('replica-b');
        expect(await claimIds()).toEqual([]);
        await store.releaseLeases('replica-a');
        const [again] = await store.claim(LONG, 10);
        expect(again).toMatchObject({ command: { id: commandId }, tries: 2 });
        await store.releaseLeases(null);
        expect(await claimIds()).toEqual([commandId]);
      });

      test('the health of the outbox tells how many wait and since when', async () => {
        await withCommand('answer');
        await vi.waitUntil(async () => (await store.outbox()).oldestMs > 5, PATIENT);
        expect((await store.outbox()).pending).toBe(1);
      });

      test('each pending command is claimed by exactly one of many', async () => {
        const id = `${run}-call`;
        const commands = Array.from({ length: 60 }, (_, i) => aCommand(`${run}-${i}`, id));
        await commit(aUnit(aCall(id), 0, { commands }));
        const claims = await Promise.all(
          Array.from({ length: 12 }, (_, i) => store.claim({ owner: `${i}`, leaseMs: 60_000 }, 10)),
        );
        const ids = claims.flat().map(({ command }) => command.id);
        const rest = await claimIds();
        expect(new Set([...ids, ...rest]).size).toBe(60);
        expect(ids.length + rest.length).toBe(60);
        await change({
          settle: commands.map(({ id }) => ({ commandId: id, outcome: ACCEPTED, retryAt: null })),
        });
      });
    });

    describe('deadlines', () => {
      const deadline = (n: number, dueAt: number) =>
        ({ name: 'attempt', dueAt, setAt: 1, n, putOff: n === 2 }) as const;

      test('every due one of a call comes out, the earliest first', async () => {
        const { now } = await load({});
        const [a, b] = [`${run}-a`, `${run}-b`];
        await commit(
          aUnit(aCall(a, { deadlines: [deadline(2, now - 10), deadline(1, now - 30)] }), 0),
          aUnit(aCall(b, { deadlines: [deadline(3, now - 20), deadline(4, now + 60_000)] }), 0),
        );
        const { due } = await store.due(1_000);
        const mine = due.filter(({ callId }) => callId === a || callId === b);
        expect(mine.map(({ n }) => n)).toEqual([1, 3, 2]);
        expect(mine[2]).toEqual({
          callId: a,
          name: 'attempt',
          n: 2,
          dueAt: now - 10,
          setAt: 1,
          putOff: true,
        });
        expect((await store.due(1)).due).toHaveLength(1);
        await commit(
          aUnit(aCall(a), 1),
          aUnit(aCall(b, { deadlines: [deadline(4, now + 60_000)] }), 1),
        );
        const later = await store.due(1_000);
        expect(later.due.filter(({ callId }) => callId === a || callId === b)).toEqual([]);
        await commit(aUnit(aCall(b), 2));
      });
    });

    describe('lists', () => {
      async function stored(): Promise<string> {
        const mark = `${run}-to`;
        const call = (n: number, given: Parameters<typeof aCall>[1]) =>
          aCall(`${run}-${n}`, {
            createdAt: n * 10,
            ...given,
            facts: { to: mark, ...given?.facts },
          });
        await commit(
          aUnit(call(1, { rule: `${run} r`, phase: 'ended', ends: 'referred' }), 0),
          aUnit(call(2, { facts: { from: `${run}-x`, sessionId: `${run}-s` } }), 0),
          aUnit(
            call(3, {
              attempts: [
                anAttempt(`${run}3`, { target: `${run}t`, verdict: 'busy' }),
                anAttempt(`${run}3b`, { target: `${run}t` }),
              ],
            }),
            0,
          ),
          aUnit(
            call(4, {
              attempts: [
                anAttempt(`${run}4`, { target: `${run}t`, verdict: 'declined' }),
                anAttempt(`${run}4b`, { target: 'else', verdict: 'busy' }),
              ],
            }),
            0,
          ),
          aUnit(call(5, { phase: 'ended', ends: 'abandoned' }), 0),
        );
        return mark;
      }
      const listed = async (filter: Omit<CallFilter, 'limit'>) =>
        (await store.list({ limit: 100, ...filter })).calls.map(({ createdAt }) => createdAt / 10);

      test('newest first, by every filter and by several at once', async () => {
        const to = await stored();
        expect(await listed({ to })).toEqual([5, 4, 3, 2, 1]);
        expect(await listed({ rule: `${run} r` })).toEqual([1]);
        expect(await listed({ from: `${run}-x` })).toEqual([2]);
        expect(await listed({ sessionId: `${run}-s` })).toEqual([2]);
        expect(await listed({ to, phase: 'ended' })).toEqual([5, 1]);
        expect(await listed({ to, ends: 'abandoned' })).toEqual([5]);
        expect(await listed({ to, ends: 'abandoned', rule: `${run} r` })).toEqual([]);
        expect(await listed({ target: `${run}t` })).toEqual([4, 3]);
        expect(await listed({ target: `${run}t`, verdict: 'busy' })).toEqual([3]);
        expect(await listed({ to, verdict: 'busy' })).toEqual([4, 3]);
        expect(await listed({ to, since: 30 })).toEqual([5, 4, 3]);
        expect(await listed({ target: `${run}t`, since: 31, phase: 'new' })).toEqual([4]);
        expect((await store.list({ verdict: 'busy', limit: 100 })).calls.length).toBeGreaterThan(1);
        expect((await store.list({ ends: 'abandoned', limit: 100 })).calls).not.toEqual([]);
        expect((await store.list({ phase: 'ended', limit: 100 })).calls).not.toEqual([]);
        expect((await store.list({ since: 0, limit: 3 })).calls).toHaveLength(3);
      });

      test('pages follow each other without gap or repetition, whatever comes in between', async () => {
        const to = `${run}-to`;
        const make = (n: number) =>
          aUnit(aCall(`${run}-${n}`, { createdAt: n >> 1, facts: { to } }), 0);
        for (let n = 0; n < 9; n += 1) await commit(make(n));
        const seen: string[] = [];
        let cursor: string | undefined;
        for (let page = 0; page < 10; page += 1) {
          const { calls, next } = await store.list({ to, limit: 2, ...(cursor ? { cursor } : {}) });
          seen.push(...calls.map(({ id }) => id));
          await commit(make(100 + page));
          if (next === null) break;
          cursor = next;
        }
        expect(seen).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => `${run}-${n}`));
      });

      test('lost callers are those of whom no operator took note', async () => {
        const lost = [1, 2].map((n) => aCall(`lost ${n}`, { phase: 'ended', ends: 'missed' }));
        const noted = aCall('noted', { phase: 'ended', ends: 'missed', acknowledgedAt: 5 });
        // What a caller writes is not what an operator did.
        for (const { facts } of lost)
          facts.headers = [{ name: 'acknowledgedAt', value: '"acknowledgedAt":' }];
        await store.commit(
          [...lost, noted].map((call) => aUnit(call, 0)),
          null,
        );
        const open = await store.list({ ends: 'missed', unacknowledged: true, limit: 10 });
        expect(open.calls.map(({ id }) => id).toSorted()).toEqual(['lost 1', 'lost 2']);
        expect((await store.list({ ends: 'missed', limit: 10 })).calls).toHaveLength(3);
      });

      test('a cursor of somebody else is refused with words', async () => {
        await expect(store.list({ limit: 1, cursor: 'nonsense' })).rejects.toThrow(
          /cursor: expected/,
        );
      });

      test('a filter follows what the call becomes', async () => {
        const id = `${run}-call`;
        const attempt = anAttempt(`${run}-a`, { target: `${run}t` });
        await commit(aUnit(aCall(id, { attempts: [attempt] }), 0));
        await load({ callIds: [id] });
        const over: Call = aCall(id, {
          phase: 'ended',
          ends: 'referred',
          endedAt: 5_000,
          rule: `${run}-rule`,
          facts: { from: `${run}-from`, sessionId: `${run}-s` },
          attempts: [{ ...attempt, verdict: 'completed' }],
        });
        await commit(aUnit(over, 1));
        for (const filter of [
          { target: `${run}t`, verdict: 'completed' },
          { rule: `${run}-rule`, ends: 'referred' },
          { from: `${run}-from`, phase: 'ended' },
          { sessionId: `${run}-s` },
        ] as const) {
          expect((await store.list({ ...filter, limit: 5 })).calls).toEqual([over]);
        }
      });
    });

    describe('legs of callers', () => {
      const to = () => `${run}-to`;
      const leg = (n: number, parentId: string | null, given: Parameters<typeof aCall>[1] = {}) =>
        aCall(`${run}-${n}`, {
          createdAt: n * 10,
          parentId,
          ...given,
          facts: { to: to(), sessionId: `${run}-s`, ...given.facts },
        });
      const ids = async (filter: Omit<CallFilter, 'limit'>) =>
        (await store.list({ limit: 100, ...filter })).calls.map(({ createdAt }) => createdAt / 10);

      test('are listed when they are asked for, by every filter; otherwise callers are', async () => {
        const parent = `${run}-1`;
        const over = { phase: 'ended', ends: 'ignored' } as const;
        await commit(
          aUnit(leg(1, null, { phase: 'bridged' }), 0),
          aUnit(leg(2, parent, { ...over, facts: { from: `${run}-company` } }), 0),
          aUnit(leg(3, null, { ...over }), 0),
          aUnit(leg(4, parent, { phase: 'unmanaged' }), 0),
        );
        for (const filter of [{ to: to() }, { sessionId: `${run}-s` }]) {
          expect(await ids(filter)).toEqual([3, 1]);
          expect(await ids({ ...filter, legs: 'all' })).toEqual([4, 3, 2, 1]);
        }
        expect(await ids({ to: to(), ends: 'ignored' })).toEqual([3]);
        expect(await ids({ to: to(), ends: 'ignored', legs: 'all' })).toEqual([3, 2]);
        expect(await ids({ to: to(), phase: 'unmanaged' })).toEqual([]);
        expect(await ids({ from: `${run}-company` })).toEqual([]);
        expect(await ids({ from: `${run}-company`, legs: 'all' })).toEqual([2]);
        expect(await ids({ parentId: parent })).toEqual([4, 2]);
        expect(await ids({ parentId: `${run}-3` })).toEqual([]);
        expect(await ids({ to: to(), since: 20, until: 40, legs: 'all' })).toEqual([3, 2]);
        expect(await ids({ to: to(), until: 30 })).toEqual([1]);
      });

      test('a leg that is known as one only later is a leg from then on', async () => {
        const call = leg(1, null);
        await commit(aUnit(call, 0));
        await load({ callIds: [call.id] });
        expect(await ids({ to: to() })).toEqual([1]);
        await commit(aUnit({ ...call, parentId: `${run}-caller` }, 1));
        expect(await ids({ to: to() })).toEqual([]);
        expect(await ids({ parentId: `${run}-caller` })).toEqual([1]);
      });

      test('pages of callers and legs follow each other without gap or repetition', async () => {
        const made = Array.from({ length: 9 }, (_, n) =>
          aUnit(leg(n, n % 3 === 0 ? `${run}-caller` : null, { createdAt: n >> 2 }), 0),
        );
        for (const unit of made) await commit(unit);
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.list({
            to: to(),
            legs: 'all',
            limit: 2,
            ...(cursor ? { cursor } : {}),
          });
          seen.push(...page.calls.map(({ id }) => id));
          cursor = page.next ?? undefined;
        } while (cursor !== undefined);
        expect(seen).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => `${run}-${n}`));
      });

      test('statistics count callers', async () => {
        const count = async () => {
          const { calls, live, attempts } = await store.activity(0, 100_000);
          const sum = (groups: { count: number }[]) => groups.reduce((n, g) => n + g.count, 0);
          return { calls: sum(calls), live: sum(live), attempts: sum(attempts) };
        };
        const before = await count();
        await commit(
          aUnit(leg(1, null, { attempts: [anAttempt(`${run}-a`)] }), 0),
          aUnit(leg(2, `${run}-1`, { attempts: [anAttempt(`${run}-b`)] }), 0),
        );
        expect(await count()).toEqual({
          calls: before.calls + 1,
          live: before.live + 1,
          attempts: before.attempts + 1,
        });
      });
    });

    describe('what calls cost', () => {
      const cost = (amount: string, currency = 'USD', part = 'call-control') => ({
        legId: `${run}-leg`,
        eventId: `${run}-event`,
        part,
        currency,
        amount,
      });
      const mine = async (name: string) =>
        (await store.activity(0, 100_000)).costs
          .filter(({ rule }) => rule === `${run}-${name}`)
          .toSorted((a, b) =>
            `${a.target} ${a.currency}`.localeCompare(`${b.target} ${b.currency}`),
          );

      test('is summed exactly, by rule, target and currency', async () => {
        const rule = `${run}-rule`;
        const attempts = [anAttempt(`${run}-1`, { target: 'good', verdict: 'completed' })];
        const literal = [anAttempt(`${run}-2`, { target: null })];
        await commit(
          aUnit(aCall(`${run}-a`, { rule, attempts, costs: [cost('0.1')] }), 0),
          aUnit(aCall(`${run}-b`, { rule, attempts, costs: [cost('0.2'), cost('5', 'EUR')] }), 0),
          aUnit(aCall(`${run}-c`, { rule, attempts: literal, costs: [cost('-0.30')] }), 0),
          aUnit(aCall(`${run}-d`, { rule, costs: [cost('0.0001')] }), 0),
          aUnit(aCall(`${run}-e`, { rule, attempts }), 0),
        );
        expect(await mine('rule')).toEqual([
          { rule, target: 'good', currency: 'EUR', amount: '5' },
          { rule, target: 'good', currency: 'USD', amount: '0.3' },
          { rule, target: null, currency: 'USD', amount: '-0.30' },
          { rule, currency: 'USD', amount: '0.0001' },
        ]);
      });

      test('is there when it comes after the end, and not of a B-leg by itself', async () => {
        const rule = `${run}-late`;
        const call = aCall(`${run}-call`, { rule, phase: 'ended', ends: 'failed', endedAt: 2_000 });
        const leg = aCall(`${run}-leg`, { rule, parentId: call.id, costs: [cost('9')] });
        await commit(aUnit(call, 0), aUnit(leg, 0));
        expect(await mine('late')).toEqual([]);
        const later = { ...call, costs: [cost('0.0020'), cost('0.1022', 'USD', 'sip-trunking')] };
        await commit(aUnit(later, 1));
        expect(await mine('late')).toEqual([{ rule, currency: 'USD', amount: '0.1042' }]);
        expect((await store.find(call.id))?.call).toEqual(later);
      });
    });

    describe('what is counted once', () => {
      const mine = async () =>
        (await store.takeUncounted(1_000)).filter(({ item }) => item.startsWith(run));
      const waiting = (item: string, waits = 1) => new Map([[item, { waits }]]);

      test('waits for its time, and comes out once with the call as it is then', async () => {
        const call = aCall(`${run}-call`);
        await commit(
          aUnit(call, 0, { tally: new Map([...waiting(`${run}-a`), ...waiting(call.id)]) }),
          aUnit(aCall(`${run}-later`), 0, { tally: waiting(`${run}-later`, 9e12) }),
        );
        const later: Call = { ...call, ends: 'referred' };
        await commit(aUnit(later, 1));
        const taken = await mine();
        expect(taken.toSorted((a, b) => a.item.localeCompare(b.item))).toEqual([
          { item: `${run}-a`, call: later },
          { item: call.id, call: later },
        ]);
        expect(await mine()).toEqual([]);
      });

      test('what became final before is told to its commit, and never comes out', async () => {
        const id = `${run}-\u0000call`;
        await commit(aUnit(aCall(id), 0, { tally: waiting(id) }));
        const final = { tally: new Map([[id, 'final' as const]]) };
        expect((await commit(aUnit(aCall(id), 1, final))).counted).toEqual([id]);
        expect((await commit(aUnit(aCall(id), 2, final))).counted).toBeUndefined();
        expect(await mine()).toEqual([]);
      });

      test('what was taken out is not told to a commit again', async () => {
        const id = `${run}-call`;
        await commit(aUnit(aCall(id), 0, { tally: waiting(id) }));
        expect(await mine()).toHaveLength(1);
        const final = { tally: new Map([[id, 'final' as const]]) };
        expect((await commit(aUnit(aCall(id), 1, final))).counted).toBeUndefined();
      });

      test('a unit that lost its race counted nothing', async () => {
        const id = `${run}-call`;
        const tally = new Map([[id, 'final' as const]]);
        await commit(aUnit(aCall(id), 0, { tally: waiting(id) }));
        expect((await commit(aUnit(aCall(id), 7, { tally }))).counted).toBeUndefined();
        const entry = anEntry('e');
        await commit(aUnit(aCall(id), 1, { events: [entry] }));
        const lost = await commit(aUnit(aCall(id), 2, { events: [entry], tally }));
        expect([lost.results, lost.counted]).toEqual([['conflict'], undefined]);
        expect(await mine()).toHaveLength(1);
      });

      test('of many that take at once exactly one gets each', async () => {
        const ids = Array.from({ length: 20 }, (_, n) => `${run}-${n}`);
        await commit(...ids.map((id) => aUnit(aCall(id), 0, { tally: waiting(id) })));
        const taken = await Promise.all(Array.from({ length: 5 }, mine));
        expect(
          taken
            .flat()
            .map(({ item }) => item)
            .toSorted(),
        ).toEqual(ids.toSorted());
      });
    });

    describe('what changed', () => {
      /** A change is told once every transaction that began before it is over: soon, not at once. */
      async function told(cursor: string, count: number, limit: number) {
        const pieces: string[][] = [];
        let after = cursor;
        await vi.waitUntil(async () => {
          const changes = await store.changes(after, limit);
          expect(changes.missed).toBe(false);
          const mine = changes.callIds.filter((id) => id.startsWith(`${run}-`));
          if (mine.length > 0) pieces.push(mine);
          after = changes.cursor;
          return pieces.flat().length >= count;
        }, PATIENT);
        return { pieces, cursor: after };
      }

      test('comes out after a cursor, each call once, the one that changed longest ago first', async () => {
        const { cursor, callIds, missed } = await store.changes(null, 10);
        expect([callIds, missed]).toEqual([[], false]);
        const [a, b, c] = [`${run}-a`, `${run}-b`, `${run}-c`];
        await commit(aUnit(aCall(a), 0));
        await commit(aUnit(aCall(b), 0), aUnit(aCall(b), 0));
        await commit(aUnit(aCall(a), 7), aUnit(aCall(c), 0));
        const first = await told(cursor, 3, 10);
        expect(first.pieces.flat()).toEqual([a, b, c]);
        await commit(aUnit(aCall(b), 1));
        expect((await told(first.cursor, 1, 10)).pieces).toEqual([[b]]);
      });

      test('comes out in pieces no larger than asked for, and nothing is left out', async () => {
        const { cursor } = await store.changes(null, 10);
        const ids = Array.from({ length: 7 }, (_, n) => `${run}-${n}`);
        for (const id of ids) await commit(aUnit(aCall(id), 0));
        const { pieces } = await told(cursor, 7, 2);
        expect(pieces.flat()).toEqual(ids);
        expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(2);
      });

      test('a cursor of somebody else has missed what changed', async () => {
        for (const foreign of ['', 'nonsense', '9223372036854775807']) {
          expect(await store.changes(foreign, 10)).toMatchObject({ callIds: [], missed: true });
        }
      });
    });

    describe('concurrent writers', () => {
      // Replicas: each with connections of its own.
      let stores: Store[];
      beforeAll(async () => {
        stores = await Promise.all([opened.open(), opened.open(), opened.open()]);
      });
      afterAll(async () => {
        await Promise.all(stores.map((one) => one.close()));
      });
      const replica = (n: number): Store => stores[n % stores.length] ?? store;

      test('of many first events of one call at once exactly one wins, and only its rows are kept', async () => {
        const id = `${run}-call`;
        const results = await Promise.all(
          Array.from({ length: 30 }, (_, i) =>
            replica(i).commit(
              [
                aUnit(aCall(id, { attempts: [anAttempt(`${run}-a${i}`)] }), 0, {
                  events: [anEntry(`${run}-e${i}`)],
                  commands: [aCommand(`${run}-c${i}`, id)],
                }),
              ],
              LONG,
            ),
          ),
        );
        const winners = results.filter(({ results: [result] }) => result === 'committed');
        expect(winners).toHaveLength(1);
        const claimed = results.flatMap((result) => result.claimed);
        expect(claimed).toHaveLength(1);
        const winner = claimed[0]?.command.id.slice(`${run}-c`.length);
        expect((await store.timeline(id)).map((entry) => entry.id)).toEqual([`${run}-e${winner}`]);
        const attemptIds = Array.from({ length: 30 }, (_, i) => `${run}-a${i}`);
        const { attempts } = await load({ attemptIds });
        expect([...attempts.keys()]).toEqual([`${run}-a${winner}`]);
        expect((await store.outbox()).pending).toBe(1);
      });

      test('read, change, write again on a conflict: no step is lost and none is doubled', async () => {
        const ids = [0, 1, 2].map((n) => `${run}-${n}`);
        const steps = 8;
        async function writer(name: number): Promise<void> {
          for (let step = 0; step < steps; step += 1) {
            // Each batch takes the calls in another order: they must not block each other for good.
            let open = ids.map((_, i) => ids[(i + name) % ids.length] ?? '');
            for (let tries = 0; open.length > 0; tries += 1) {
              if (tries > 500) throw new Error('never done');
              const { calls } = await replica(name).load(keys({ callIds: open }));
              const units = open.map((id) => {
                const found = calls.get(id);
                const call = found?.call ?? aCall(id);
                const next = { ...call, deadlineCount: call.deadlineCount + 1 };
                return aUnit(next, found?.version ?? 0, {
                  events: [anEntry(`${name}.${step}`, { at: next.deadlineCount })],
                });
              });
              const { results } = await replica(name).commit(units, null);
              open = open.filter((_, i) => results[i] === 'conflict');
            }
          }
        }
        const writers = 6;
        await Promise.all(Array.from({ length: writers }, (_, name) => writer(name)));
        for (const id of ids) {
          const timeline = await store.timeline(id);
          expect(timeline).toHaveLength(writers * steps);
          expect(timeline.map(({ at }) => at)).toEqual(timeline.map((_, i) => i + 1));
          expect(await store.find(id)).toMatchObject({
            version: writers * steps,
            call: { deadlineCount: writers * steps },
          });
        }
      });
    });

    describe('rows of newer code', () => {
      test('are not loaded, swept, claimed or pruned', async () => {
        const id = `${run}-call`;
        const newer = await opened.open({ codeVersion: CODE_VERSION + 1 });
        try {
          const deadlines = [{ name: 'step', dueAt: 1, setAt: 1, n: 1, putOff: false } as const];
          const attempts = [anAttempt(`${run}-a`)];
          const facts = { sessionId: `${run}-s` };
          const call = aCall(id, { deadlines, endedAt: 1, attempts, facts });
          const unit = aUnit(call, 0, { commands: [aCommand(`${run}-c`, id)] });
          expect((await newer.commit([unit], null)).results).toEqual(['committed']);
          await expect(load({ callIds: [id] })).rejects.toThrow(NewerRow);
          await expect(load({ attemptIds: [`${run}-a`] })).rejects.toThrow(NewerRow);
          await expect(load({ sessionIds: [`${run}-s`] })).rejects.toThrow(NewerRow);
          expect((await commit(aUnit(call, 1))).results).toEqual(['conflict']);
          expect((await store.due(1_000)).due.filter(({ callId }) => callId === id)).toEqual([]);
          expect(await claimIds()).toEqual([]);
          await store.prune(2, 1_000);
          expect((await newer.load(keys({ callIds: [id] }))).calls.size).toBe(1);
          expect((await newer.due(1_000)).due.filter(({ callId }) => callId === id)).toHaveLength(
            1,
          );
          const [claimed] = await newer.claim(LONG, 10);
          expect(claimed?.command.id).toBe(`${run}-c`);
          expect(await newer.prune(2, 1_000)).toBeGreaterThan(0);
        } finally {
          await newer.close();
        }
      });
    });

    describe('what is over', () => {
      test('is removed in small batches with all that belongs to it', async () => {
        const ids = [1, 2, 3].map((n) => `${run}-${n}`);
        const alive = aCall(`${run}-alive`);
        const units = ids.map((id, i) =>
          aUnit(aCall(id, { endedAt: 100 + i, attempts: [anAttempt(`${id}-a`)] }), 0, {
            events: [anEntry('e')],
            commands: [aCommand(`${id}-c`, id)],
          }),
        );
        await commit(...units, aUnit(alive, 0));
        expect(await store.prune(100, 10)).toBe(0);
        expect(await store.prune(102, 1)).toBe(1);
        expect(await store.prune(102, 10)).toBe(1);
        expect(await store.prune(102, 10)).toBe(0);
        expect(await store.find(ids[0] ?? '')).toBeNull();
        expect(await store.find(ids[2] ?? '')).not.toBeNull();
        expect(await store.find(alive.id)).not.toBeNull();
        const loaded = await load({ attemptIds: ids.map((id) => `${id}-a`) });
        expect([...loaded.attempts.keys()]).toEqual([`${ids[2]}-a`]);
        expect(await store.timeline(ids[1] ?? '')).toEqual([]);
        expect(await claimIds()).toEqual([`${ids[2]}-c`]);
        const again = aUnit(aCall(ids[0] ?? ''), 0, { events: [anEntry('e')] });
        expect((await commit(again)).results).toEqual(['committed']);
      });
    });

    describe('settings and replicas', () => {
      test('a setting is a version and a value, and loads tell the version', async () => {
        expect(await store.setting('overrides')).toEqual({ version: 0, value: null });
        expect(await store.changeSetting('overrides', () => ({ office: { open: false } }))).toBe(1);
        const grow = (value: unknown) => ({ ...(value as object), night: { open: true } });
        expect(await store.changeSetting('overrides', grow)).toBe(2);
        expect(await store.setting('overrides')).toEqual({
          version: 2,
          value: { office: { open: false }, night: { open: true } },
        });
        expect((await load({})).settings).toEqual({ overrides: 2, reload: 0 });
        await expect(
          store.changeSetting('reload', () => {
            throw new Error('thought better of it');
          }),
        ).rejects.toThrow('thought better of it');
        expect((await load({})).settings.reload).toBe(0);
      });

      test('changes of a setting at once do not overwrite each other', async () => {
        const add = (value: unknown) => Number(value ?? 0) + 1;
        await Promise.all(Array.from({ length: 20 }, () => store.changeSetting('reload', add)));
        expect(await store.setting('reload')).toEqual({ version: 20, value: 20 });
      });

      test('a heartbeat shows each replica with its last word', async () => {
        const one = { id: `${run}-a`, startedAt: 1_000, routeSet: 'abc', refusal: null };
        await store.heartbeat(one);
        await store.heartbeat({ ...one, id: `${run}-b`, startedAt: 2_000, routeSet: null });
        await store.heartbeat({ ...one, routeSet: 'def', refusal: 'main.yaml:3: no such target' });
        const replicas = (await store.replicas()).filter(({ id }) => id.startsWith(`${run}-`));
        expect(replicas).toMatchObject([
          { ...one, routeSet: 'def', refusal: 'main.yaml:3: no such target' },
          { id: `${run}-b`, startedAt: 2_000, routeSet: null, refusal: null },
        ]);
        expect(Math.abs((replicas[0]?.seenAt ?? 0) - Date.now())).toBeLessThan(5_000);
      });

      test('a dead letter is kept whatever it holds', async () => {
        await store.deadLetter({ id: 'x\u0000', size: 1 }, 'TypeError: \u0000 of undefined', null);
        await store.deadLetter(undefined, 'nothing at all', null);
      });

      test('the command whose outcome became a dead letter is never claimed again', async () => {
        const id = `${run}-dead`;
        const command = aCommand(`${id}-c`, id);
        await commit(aUnit(aCall(id), 0, { events: [anEntry('e')], commands: [command] }));
        await store.deadLetter({ id: 'outcome' }, 'TypeError', command.id);
        expect((await store.outbox()).pending).toBe(0);
      });
    });

    describe('opening and closing', () => {
      test('a ping proves a write', async () => {
        await store.ping();
        await Promise.all(Array.from({ length: 20 }, () => store.ping()));
      });

      test('all of it is there after opening again, for several openers at once', async () => {
        const id = `${run}-call`;
        await commit(aUnit(aCall(id), 0, { events: [anEntry('e')] }));
        const others = await Promise.all([opened.open(), opened.open(), opened.open()]);
        for (const other of others) {
          expect((await other.find(id))?.version).toBe(1);
          await other.close();
        }
        expect(await versionOf(id)).toBe(1);
      });

      test('a closed store says so', async () => {
        const other = await opened.open();
        await other.close();
        await other.close();
        await expect(other.load(keys({}))).rejects.toThrow(StoreUnavailable);
        await expect(other.ping()).rejects.toThrow(StoreUnavailable);
        await expect(other.commit([], null)).rejects.toThrow(/closed/);
      });

      test('code older than the schema allows is refused, and told why', async () => {
        await expect(opened.open({ codeVersion: 0 })).rejects.toThrow(
          /may be used by code version 1 and newer, this is version 0/,
        );
      });
    });
  });
}
