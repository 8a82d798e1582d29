/** Ended sessions stay ended, whatever other people do. */
import { expect, test } from 'vitest';
import { hasEnded, stillToKnow, withEnded } from '../../src/http/people/ended-sessions.ts';
import { onlyAdmin } from '../../src/http/people/people.ts';
import type { Person } from '../../src/http/people/person.ts';
import { SESSION_MS_MAX } from '../../src/http/people/session-time.ts';
import { createSessions } from '../../src/http/people/sessions.ts';
import { createWindows } from '../../src/http/people/windows.ts';

test('who ends many sessions of their own brings back none, of theirs or of others', () => {
  const stolen = { id: 'stolen', name: 'anna', since: 1_000 };
  let ended = withEnded({}, stolen);
  for (let n = 0; n < 500; n += 1) {
    ended = withEnded(ended, { id: `eve-${n}`, name: 'eve', since: 2_000 + n });
  }
  expect(hasEnded(ended, stolen)).toBe(true);
  expect(hasEnded(ended, { id: 'eve-0', name: 'eve', since: 2_000 })).toBe(true);
  expect(hasEnded(ended, { id: 'eve-499', name: 'eve', since: 2_499 })).toBe(true);
  expect(JSON.stringify(ended).length).toBeLessThan(5_000);
  // Her other sessions continue, and so do new ones of somebody who ended many.
  expect(hasEnded(ended, { id: 'phone', name: 'anna', since: 1_000 })).toBe(false);
  expect(hasEnded(ended, { id: 'new', name: 'eve', since: 2_500 })).toBe(false);
  expect(hasEnded(ended, { id: 'x', name: 'constructor', since: 0 })).toBe(false);
});

test('what would be over by itself is not kept', () => {
  const ended = withEnded({}, { id: 'a', name: 'anna', since: 1_000 });
  expect(stillToKnow(ended, 1_000 + SESSION_MS_MAX - 1)).toEqual(ended);
  expect(stillToKnow(ended, 1_000 + SESSION_MS_MAX)).toEqual({});
});

test('counts begin again with the next window, and the oldest key is dropped', () => {
  let now = 0;
  const windows = createWindows({ windowMs: 100, keysMax: 2, now: () => now });
  expect([windows.add('a'), windows.add('a')].map(({ count }) => count)).toEqual([1, 2]);
  now = 60;
  expect(windows.add('a')).toEqual({ count: 3, endsInMs: 40 });
  now = 100;
  expect(windows.add('a').count).toBe(1);
  windows.add('b');
  windows.add('c');
  expect(windows.add('a').count).toBe(1);
});

/** Replicas that share a store whose answers wait for `answering`. */
function replicas(answering: () => Promise<void> = async () => {}) {
  const token = 'a-token-of-at-least-24-characters';
  const people = onlyAdmin(token);
  let value: unknown = null;
  const store = {
    async setting() {
      await answering();
      return { version: 1, value };
    },
    async changeSetting(_: string, change: (before: unknown, now: number) => unknown) {
      value = change(value, Date.now());
      return 1;
    },
  };
  const make = () => createSessions({ secret: 'shared', people, store, now: Date.now });
  return { make, admin: people.withToken(token) as Person };
}

test('a stream learns of a sign-out on another replica, also where nobody else sends a cookie', async () => {
  const { make, admin } = replicas();
  const [here, elsewhere] = [make(), make()];
  const { session } = here.begin(admin);
  await elsewhere.end(session);
  await expect.poll(() => here.isOver(session)).toBe(true);
});

test('no request is answered before it is known which sessions have ended', async () => {
  const answer = Promise.withResolvers<void>();
  const { make, admin } = replicas(() => answer.promise);
  const before = make();
  const { session, cookie } = before.begin(admin);
  await before.end(session);
  const restarted = make();
  const reads = [restarted.read(cookie), restarted.read(cookie)];
  answer.resolve();
  expect(await Promise.all(reads)).toEqual([{ result: 'over' }, { result: 'over' }]);
});
