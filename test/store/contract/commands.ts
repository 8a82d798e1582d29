import { describe, expect, test, vi } from 'vitest';
import { aCall, aCommand, aUnit } from '../../helpers/documents.ts';
import { PATIENT } from '../../helpers/waiting.ts';
import {
  ACCEPTED,
  CUT,
  change,
  claimIds,
  commit,
  LONG,
  load,
  run,
  SHORT,
  settle,
  store,
  withCommand,
} from './scene.ts';

export function commandsContract(): void {
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
      expect(claimed.map(({ command }) => command.id)).toEqual([`${run}-hangup`, `${run}-answer`]);
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
      const settle = [{ commandId, owner: LONG.owner, outcome: ACCEPTED, retryAt: null }];
      const stale = await commit(aUnit(aCall(callId), 7, { settle, cancel: [commandId] }));
      expect(stale.results).toEqual(['conflict']);
      await store.releaseLeases(null);
      expect(await claimIds()).toEqual([commandId]);
    });

    test('a retry waits for its time and keeps when it first went out', async () => {
      const { commandId: later } = await withCommand('hangup', LONG);
      await settle(later, CUT, (await load({})).now + 60_000);
      expect(await claimIds()).toEqual([]);
      await change({ cancel: [later] });
      const { commandId, claimed } = await withCommand('answer', LONG);
      await settle(commandId, CUT, (await load({})).now + 30);
      const [again] = await vi.waitUntil(async () => {
        const found = await store.claim(LONG, 10);
        return found.length > 0 ? found : null;
      }, PATIENT);
      expect(again).toMatchObject({ tries: 2, firstSentAt: claimed[0]?.firstSentAt });
    });

    test.each([
      ['has it now', false],
      ['gave it back', true],
    ])('a retry that is stored late changes nothing for another who %s', async (_, returned) => {
      const { commandId } = await withCommand('answer', { ...LONG, leaseMs: 0 });
      const other = { owner: 'replica-b', leaseMs: 60_000 };
      const [taken] = await vi.waitUntil(async () => {
        const found = await store.claim(other, 10);
        return found.length > 0 ? found : null;
      }, PATIENT);
      const { now } = await load({});
      if (returned) await settle(commandId, CUT, now, other.owner);
      const late = { ...CUT, provenUnsent: true };
      await settle(commandId, late, now);
      const [row] = await store.outboxCommands(9);
      expect(row?.owner).toBe(returned ? null : other.owner);
      expect(row?.firstSentAt).toBe(taken?.firstSentAt);
    });

    test('what waits is listed with its caller, and with why it is tried again', async () => {
      const facts = { from: '+882990000071', to: '+882990000072' };
      const call = aCall(`${run}-call`, { facts });
      const commandId = `${run}-answer`;
      const commands = [aCommand(commandId, call.id)];
      const { claimed } = await store.commit([aUnit(call, 0, { commands })], LONG);
      expect(await store.outboxCommands(9)).toEqual([
        {
          command: claimed[0]?.command,
          tries: 1,
          createdAt: claimed[0]?.createdAt,
          firstSentAt: claimed[0]?.firstSentAt,
          readyAt: claimed[0]?.leaseUntil,
          owner: 'replica-a',
          answer: null,
          ...facts,
        },
      ]);
      const due = (await load({})).now + 60_000;
      // The text comes from another server: it may contain NUL, and half a surrogate pair where it
      // was cut.
      const detail = `\u0000${'x'.repeat(498)}\u{1f4de}`;
      await settle(commandId, { ...CUT, status: 503, detail }, due);
      const [waiting] = await store.outboxCommands(9);
      expect(waiting).toMatchObject({ owner: null, readyAt: due, command: { id: commandId } });
      expect(waiting?.answer).toEqual({
        status: 503,
        detail: `\u0000${'x'.repeat(498)}\ufffd`,
      });
      await change({ cancel: [commandId] });
      expect(await store.outboxCommands(9)).toEqual([]);
    });

    test('a retry that was proven unsent starts its window again', async () => {
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

    test('a command in flight stays there, but is never tried again', async () => {
      const { commandId } = await withCommand('answer', LONG);
      await change({ cancel: [commandId] });
      await settle(commandId, CUT, 0);
      await store.releaseLeases(null);
      expect(await claimIds()).toEqual([]);
      expect((await store.outbox()).pending).toBe(0);
    });

    test('its owner can ask whether a command is still to be sent', async () => {
      const { callId, commandId } = await withCommand('answer', LONG);
      const ours = (owner = LONG.owner) => store.stillToSend(owner, [commandId, 'unknown']);
      expect(await ours()).toEqual(new Set([commandId]));
      expect(await ours('replica-b')).toEqual(new Set());
      await change({ cancel: [commandId] });
      expect(await ours()).toEqual(new Set());
      const { commandId: other } = await withCommand('hangup', LONG);
      await settle(other, ACCEPTED, null);
      expect(await store.stillToSend(LONG.owner, [other])).toEqual(new Set());
      expect(await store.stillToSend(LONG.owner, [])).toEqual(new Set());
      expect(await store.find(callId)).not.toBeNull();
    });

    test('a command that is cancelled in flight is not claimed after its lease', async () => {
      const { commandId, claimed } = await withCommand('answer', SHORT);
      await change({ cancel: [commandId] });
      await vi.waitUntil(async () => (await load({})).now > (claimed[0]?.leaseUntil ?? 0), PATIENT);
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
        settle: commands.map(({ id }) => ({
          commandId: id,
          owner: LONG.owner,
          outcome: ACCEPTED,
          retryAt: null,
        })),
      });
    });
  });
}
