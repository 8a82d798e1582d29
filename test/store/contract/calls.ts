import { describe, expect, test } from 'vitest';
import type { Call } from '../../../src/core/machine/call.ts';
import type { CommitUnit } from '../../../src/store/contract/calls.ts';
import { aCall, aChange, aCommand, anAttempt, anEntry, aUnit } from '../../helpers/documents.ts';
import { ACCEPTED, claimIds, commit, LONG, load, run, store } from './scene.ts';

export function callsContract(): void {
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
      expect([loaded.calls.size, loaded.attempts.size, loaded.seen.size]).toEqual([300, 300, 300]);
      const done = ids.map((id) =>
        aUnit(aCall(id), 1, {
          settle: [{ commandId: `${id}-c`, owner: LONG.owner, outcome: ACCEPTED, retryAt: null }],
        }),
      );
      expect(new Set((await store.commit(done, null)).results)).toEqual(new Set(['committed']));
      expect((await store.outbox()).pending).toBe(0);
    });

    test('an empty commit is no error', async () => {
      const nothing = { results: [], claimed: [], counted: [] };
      expect(await store.commit([], LONG)).toEqual(nothing);
    });
  });
}
