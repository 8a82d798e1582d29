/** `kill -9` between an operator's action and the audit row's result. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase, type TestDatabase } from '../helpers/postgres.ts';
import { eventually } from '../helpers/referee-process.ts';
import { openScene, type Scene } from './scene.ts';

/** Writing an action's result waits for this lock, which the test holds. */
const HELD = 4_711;

let database: TestDatabase;
let scene: Scene;
let holder: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  scene = await openScene({ DATABASE_URL: database.url });
  holder = new pg.Client({ connectionString: database.url });
  await holder.connect();
});

afterAll(async () => {
  await holder.end();
});

const waiting = async () => {
  const { rows } = await holder.query(
    "select 1 from pg_locks where locktype = 'advisory' and objid = $1 and not granted",
    [HELD],
  );
  return rows.length > 0;
};

test('what was done stays in the audit, with the result unknown, and the call was hung up', async () => {
  const { telnyx, referee } = scene;
  const call = telnyx.call({ to: '+14155550106' });
  await call.send('call.initiated');
  await holder.query(
    `create function held() returns trigger language plpgsql as
       'begin perform pg_advisory_xact_lock(${HELD}); return new; end';
     create trigger held before update on audit for each row execute function held();
     select pg_advisory_lock(${HELD})`,
  );
  const answer = referee
    .api(`/calls/${encodeURIComponent(call.id)}/hangup`, { reason: 'nobody there' })
    .catch(() => null);
  await eventually(waiting, () => 'it never came to the row', 20_000);
  await referee.kill();
  expect(await answer).toBeNull();
  await holder.query(`drop trigger held on audit; select pg_advisory_unlock(${HELD})`);
  await referee.start();

  await call.next('hangup');
  const { audit } = (await (await referee.api('/audit?what=hangup')).json()) as {
    audit: Record<string, unknown>[];
  };
  expect(audit).toMatchObject([
    { who: 'admin', to: call.id, reason: 'nobody there', result: 'unknown', role: 'admin' },
  ]);
});
