import { describe, expect, test } from 'vitest';
import type { RouteVersion } from '../../../src/store/contract/route-versions.ts';
import { aCall, aUnit } from '../../helpers/documents.ts';
import { commit, run, store } from './scene.ts';

function version(hash: string, more: Partial<RouteVersion> = {}) {
  const files = [{ name: 'main.yaml', key: `${hash}-main`, bytes: 20, parts: 1 }];
  return { hash, role: 'live' as const, who: 'start', commit: null, files, ...more };
}

async function ofThisTest(): Promise<RouteVersion[]> {
  return (await store.routeVersions(1_000)).filter(({ hash }) => hash.startsWith(run));
}

export function routeVersionsContract(): void {
  describe('route versions', () => {
    test('the set that came into use last is first, and the one before has ceased', async () => {
      const [a, b] = [`${run}-a`, `${run}-b`];
      await store.keepRouteVersion(version(a, { who: 'start', commit: 'c0ffee' }), null);
      const [first] = await ofThisTest();
      expect(first).toMatchObject({ ...version(a, { commit: 'c0ffee' }), until: null });
      expect(Math.abs((first?.at ?? 0) - Date.now())).toBeLessThan(5_000);

      await store.keepRouteVersion(version(b, { who: 'anna' }), a);
      const [second, ceased] = await ofThisTest();
      expect(second).toMatchObject({ hash: b, who: 'anna', until: null });
      expect(ceased?.hash).toBe(a);
      expect(ceased?.until).toBeGreaterThanOrEqual(first?.at ?? 0);
      expect(await store.routeVersion(b)).toEqual(second);
      expect(await store.routeVersion(`${run}-never`)).toBeNull();
    });

    test('another replica that runs the same set changes nothing; going back makes it the first', async () => {
      const [a, b] = [`${run}-a`, `${run}-b`];
      await store.keepRouteVersion(version(a), null);
      await store.keepRouteVersion(version(b, { who: 'anna' }), a);
      const before = await store.routeVersion(b);
      await store.keepRouteVersion(version(b, { who: 'replica' }), a);
      expect(await store.routeVersion(b)).toEqual(before);
      await store.keepRouteVersion(version(a, { who: 'ben' }), b);
      const all = await ofThisTest();
      expect(all.map(({ hash, who, until }) => [hash, who, until === null])).toEqual([
        [a, 'ben', true],
        [b, 'anna', false],
      ]);
    });

    test('the next set is in use beside the live one, until it is the live one or ends', async () => {
      const [live, next, other] = [`${run}-live`, `${run}-next`, `${run}-other`];
      const inUse = async () =>
        (await ofThisTest())
          .filter(({ until }) => until === null)
          .map(({ hash, role }) => `${hash} ${role}`)
          .toSorted();
      await store.keepRouteVersion(version(live), null);
      await store.keepRouteVersion(version(next, { role: 'next' }), null);
      expect(await inUse()).toEqual([`${live} live`, `${next} next`]);
      // If both folders are the same, it remains the live one.
      await store.keepRouteVersion(version(live, { role: 'next' }), next);
      expect(await inUse()).toEqual([`${live} live`]);
      await store.keepRouteVersion(version(next), live);
      await store.keepRouteVersion(version(other, { role: 'next' }), null);
      expect(await inUse()).toEqual([`${next} live`, `${other} next`]);
      await store.endRouteVersions('next');
      expect(await inUse()).toEqual([`${next} live`]);
    });

    test('the content of a file is put together from its parts, in order, however often kept', async () => {
      const key = `${run}-file`;
      await store.keepRoutePart(key, 1, Buffer.from([3, 0, 255]));
      await store.keepRoutePart(key, 0, Buffer.from([1, 2]));
      await store.keepRoutePart(key, 0, Buffer.from([1, 2]));
      expect([...((await store.routeFile(key)) ?? [])]).toEqual([1, 2, 3, 0, 255]);
      expect(await store.routeFile(`${run}-none`)).toBeNull();
    });

    test('old ones go, but not the newest, what a replica runs, or what a call may refer to', async () => {
      const names = ['a', 'b', 'c', 'd'].map((name) => `${run}-${name}`);
      let left: string | null = null;
      for (const hash of names) {
        await store.keepRoutePart(`${hash}-main`, 0, Buffer.from(hash));
        await store.keepRouteVersion(version(hash), left);
        left = hash;
      }
      const kept = async () => (await ofThisTest()).map(({ hash }) => hash).toSorted();
      const soon = Date.now() + 60_000;
      const oldCall = aCall(`${run}-old`, { createdAt: 1_000, endedAt: 2_000 });
      await commit(aUnit(oldCall, 0));
      expect(await store.pruneRouteVersions(soon, 1)).toBe(0);
      // Removes all calls, so that none refers to the versions any more.
      while ((await store.prune(soon, 1_000)) > 0);
      const { calls } = await store.list({ limit: 1_000, legs: 'all' });
      const units = await Promise.all(
        calls.map(async (call) => {
          const found = await store.find(call.id);
          return aUnit({ ...call, createdAt: 1_000, endedAt: 2_000 }, found?.version ?? 0);
        }),
      );
      await commit(...units);
      while ((await store.prune(soon, 1_000)) > 0);
      await store.heartbeat({
        id: `${run}-replica`,
        startedAt: 1,
        routeSet: names[0] ?? null,
        refusal: null,
      });
      expect(await store.pruneRouteVersions(1_000, 1)).toBe(0);
      expect(await store.pruneRouteVersions(soon, 2)).toBeGreaterThanOrEqual(1);
      expect(await kept()).toEqual([names[0], names[2], names[3]]);
      // Just written, so it may belong to a version that is being stored.
      expect(await store.routeFile(`${names[1]}-main`)).not.toBeNull();
    });
  });
}
