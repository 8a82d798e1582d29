import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadKeys } from '../../../src/store/contract/calls.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, aCommand, anAttempt, anEntry, aUnit } from '../../helpers/documents.ts';
import { PATIENCE_MS } from '../../helpers/patience.ts';
import { LONG, load, opened, run, store } from './scene.ts';

/** At least as many as a store opens. */
const CONNECTIONS_MAX = 10;

export function writersContract(): void {
  describe('concurrent writers', () => {
    // Replicas, each with its own connections.
    let stores: Store[];
    beforeAll(async () => {
      stores = await Promise.all([opened.open(), opened.open(), opened.open()]);
      for (const each of stores) await connect(each);
    });
    afterAll(async () => {
      await Promise.all(stores.map((one) => one.close()));
    });
    /**
     * Opens all connections of the replica, one more at a time: on a busy machine thirty at once
     * take longer than a webhook may wait.
     */
    async function connect(one: Store): Promise<void> {
      for (let open = 1; open <= CONNECTIONS_MAX; open += 1) {
        await vi.waitFor(
          () => Promise.all(Array.from({ length: open }, () => one.outbox())),
          PATIENCE_MS,
        );
      }
    }
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
          // Each batch has the calls in a different order, and they must not deadlock.
          let open = ids.map((_, i) => ids[(i + name) % ids.length] ?? '');
          for (let tries = 0; open.length > 0; tries += 1) {
            if (tries > 500) throw new Error('never done');
            const { calls } = await replica(name).load(loadKeys({ callIds: open }));
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
}
