import { expect, test } from 'vitest';
import { ChangeRing } from '../../../src/store/sqlite/change-ring.ts';
import { aCall, aUnit } from '../../helpers/documents.ts';

function commit(ring: ChangeRing, ...ids: string[]): void {
  ring.committed(
    ids.map((id) => aUnit(aCall(id), 0)),
    ids.map(() => 'committed'),
  );
}

test('a cursor of now has nothing after it, then what was committed since', async () => {
  const ring = new ChangeRing();
  commit(ring, 'before');
  const { cursor, callIds } = await ring.changes(null, 10);
  expect(callIds).toEqual([]);
  commit(ring, 'a', 'b', 'a');
  expect(await ring.changes(cursor, 10)).toMatchObject({ callIds: ['a', 'b'], missed: false });
});

test('a unit that lost its race is no change', async () => {
  const ring = new ChangeRing();
  const { cursor } = await ring.changes(null, 10);
  ring.committed([aUnit(aCall('lost'), 0), aUnit(aCall('kept'), 0)], ['conflict', 'committed']);
  expect((await ring.changes(cursor, 10)).callIds).toEqual(['kept']);
});

test('the cursor of a limited look goes on where that one ended', async () => {
  const ring = new ChangeRing();
  const { cursor } = await ring.changes(null, 10);
  commit(ring, 'a', 'b', 'c');
  const first = await ring.changes(cursor, 2);
  expect(first.callIds).toEqual(['a', 'b']);
  const second = await ring.changes(first.cursor, 2);
  expect(second.callIds).toEqual(['c']);
  expect((await ring.changes(second.cursor, 2)).callIds).toEqual([]);
});

test('what was forgotten, and cursors of another life, are reported as missed', async () => {
  const ring = new ChangeRing(3);
  const { cursor } = await ring.changes(null, 10);
  commit(ring, 'a', 'b', 'c');
  expect((await ring.changes(cursor, 10)).callIds).toEqual(['a', 'b', 'c']);
  commit(ring, 'd');
  expect(await ring.changes(cursor, 10)).toMatchObject({ callIds: [], missed: true });
  for (const foreign of ['', 'x', '00000000.1', `${cursor}0000`]) {
    expect((await ring.changes(foreign, 10)).missed).toBe(true);
  }
});
