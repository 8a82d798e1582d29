import { describe, expect, test } from 'vitest';
import { NewerRow } from '../../../src/errors.ts';
import { loadKeys } from '../../../src/store/contract/calls.ts';
import { CODE_VERSION } from '../../../src/store/migrate.ts';
import { aCall, aCommand, anAttempt, aUnit } from '../../helpers/documents.ts';
import { claimIds, commit, LONG, load, opened, run, store } from './scene.ts';

export function newerRowsContract(): void {
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
        expect((await newer.load(loadKeys({ callIds: [id] }))).calls.size).toBe(1);
        expect((await newer.due(1_000)).due.filter(({ callId }) => callId === id)).toHaveLength(1);
        const [claimed] = await newer.claim(LONG, 10);
        expect(claimed?.command.id).toBe(`${run}-c`);
        expect(await newer.prune(2, 1_000)).toBeGreaterThan(0);
      } finally {
        await newer.close();
      }
    });
  });
}
