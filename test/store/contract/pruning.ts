import { describe, expect, test } from 'vitest';
import { aCall, aCommand, anAttempt, anEntry, aUnit } from '../../helpers/documents.ts';
import { claimIds, commit, load, run, store } from './scene.ts';

export function pruningContract(): void {
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
}
