/**
 * Two processes on one PostgreSQL: one of them is frozen at the worst time, for longer than its
 * lease.
 */
import { afterAll, expect, test } from 'vitest';
import { freshDatabase } from '../helpers/postgres.ts';
import { eventually, Referee } from '../helpers/referee-process.ts';
import { TelnyxStandIn } from '../helpers/telnyx-stand-in.ts';

const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

const preload = new URL('../helpers/stop-itself.ts', import.meta.url).href;

test('frozen between the permission and the request: thawed, it writes nothing, for the other one has', async () => {
  const database = await freshDatabase();
  const telnyx = await new TelnyxStandIn().start();
  const env = { DATABASE_URL: database.url };
  const frozen = await Referee.create(telnyx, { ...env, NODE_OPTIONS: `--import ${preload}` });
  const other = await Referee.create(telnyx, env);
  closing.push(database.drop, () => telnyx.stop());
  for (const replica of [frozen, other]) closing.push(() => replica.finish());
  // Telnyx delivers to the one that is started last.
  await Promise.all([other.start(), frozen.start()]);

  const call = telnyx.call({ to: '+14155550101' });
  await call.send('call.initiated');
  await call.next('answer');
  // It is also frozen before its 200, which comes after it continues.
  const answered = call.send('call.answered');
  // Its lease of 10 s ends, and the other one takes the command.
  const refer = await call.next('refer', 1, 30_000);
  const outcome = `outcome:${refer.body.command_id}`;
  await other.until(call.id, ({ timeline }) => timeline.some(({ id }) => id.startsWith(outcome)));

  frozen.signal('SIGCONT');
  await eventually(() => frozen.output.includes('"event":"command.lapsed"'), 'it lets go of it');
  await answered;
  await call.completes();
  await call.hangsUp();
  expect(await other.ended(call.id)).toMatchObject({ ends: 'referred' });
  expect(call.commands('refer')).toHaveLength(1);
}, 120_000);
