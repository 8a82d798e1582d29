import { describe, expect, test } from 'vitest';
import { StoreUnavailable } from '../../../src/errors.ts';
import { loadKeys } from '../../../src/store/contract/calls.ts';
import { aCall, anEntry, aUnit } from '../../helpers/documents.ts';
import { commit, opened, run, store, versionOf } from './scene.ts';

export function openingContract(): void {
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
      await expect(other.load(loadKeys({}))).rejects.toThrow(StoreUnavailable);
      await expect(other.ping()).rejects.toThrow(StoreUnavailable);
      await expect(other.commit([], null)).rejects.toThrow(/closed/);
    });

    test('code older than the schema allows is refused with the reason', async () => {
      await expect(opened.open({ codeVersion: 0 })).rejects.toThrow(
        /may be used by code version 1 and newer, this is version 0/,
      );
    });
  });
}
