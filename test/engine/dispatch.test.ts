/**
 * The real client over loopback and the real SQLite store; only the receiver's machine is replaced.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Command, Outcome } from '../../src/core/machine/command.ts';
import type { CallEvent, OutcomeEvent } from '../../src/core/machine/event.ts';
import { type Mark, mark, systemClock } from '../../src/engine/clock.ts';
import {
  createDispatcher,
  type Dispatcher,
  type DispatcherOptions,
} from '../../src/engine/dispatch.ts';
import type { Received } from '../../src/engine/engine.ts';
import { NewerRow, StoreUnavailable } from '../../src/errors.ts';
import type { Log, LogFields } from '../../src/log/log.ts';
import type { Settlement } from '../../src/store/contract/calls.ts';
import type { ClaimedCommand } from '../../src/store/contract/outbox.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { createTelnyxClient, type TelnyxClient } from '../../src/telnyx/client.ts';
import {
  type ApiServer,
  accept,
  json,
  refusedAddress,
  startApiServer,
} from '../helpers/api-server.ts';
import { aCall, aCommand, anEntry, aUnit } from '../helpers/documents.ts';
import { waitFor } from '../helpers/waiting.ts';

let folder: string;
let store: Store;
let api: ApiServer;
let client: TelnyxClient;
let dispatchers: Dispatcher[];
let outcomes: OutcomeEvent[];
let lines: { event: string; fields: LogFields }[];
/** The receiver's error, if any. */
let receiverProblem: (() => Error | null) | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-dispatch-'));
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  api = await startApiServer();
  client = createTelnyxClient({ apiUrl: api.url, apiKey: 'k', timeoutMs: 500 });
  dispatchers = [];
  outcomes = [];
  lines = [];
  receiverProblem = null;
});

afterEach(async () => {
  vi.useRealTimers();
  for (const dispatcher of dispatchers) await dispatcher.stop(0);
  await client.close();
  await api.close();
  await store.close();
  await rm(folder, { recursive: true });
});

/** By default, commands that a test offers have just been claimed. */
type TestDispatcher = Dispatcher & {
  offer(claimed: ClaimedCommand[], askedAt?: Mark): void;
};

function dispatch(given: Partial<DispatcherOptions> = {}): TestDispatcher {
  const dispatcher = createDispatcher({
    store,
    client,
    lookups: { send: () => expect.fail('no lookup is sent here') },
    receive,
    log: { emit: (event, fields) => void lines.push({ event, fields: fields ?? {} }) },
    clock: systemClock,
    instance: 'this',
    requestMs: 500,
    pollIdleMs: 30,
    chance: () => 0,
    ...given,
  });
  dispatchers.push(dispatcher);
  const offer = (claimed: ClaimedCommand[], askedAt = mark(systemClock)) =>
    dispatcher.offer(claimed, askedAt);
  return { ...dispatcher, offer };
}

function aStop(id: string, callId: string): Command {
  return { ...aCommand(id, callId), action: 'playback_stop' } as Command;
}

/** A receiver without the machine: it stores event and settlement in one commit. */
async function receive(event: CallEvent, settle: Settlement): Promise<Received> {
  const problem = receiverProblem?.();
  if (problem) throw problem;
  if (event.source !== 'outcome') throw new Error('an outcome was due');
  for (;;) {
    const stored = await store.find(event.callId);
    if (stored === null) throw new Error(`no call ${event.callId}`);
    const { results } = await store.commit(
      [
        aUnit(stored.call, stored.version, {
          events: [anEntry(event.id, { type: event.type, source: 'outcome' })],
          settle: [settle],
        }),
      ],
      null,
    );
    if (results[0] === 'conflict') continue;
    outcomes.push(event);
    return { result: 'committed', call: stored.call };
  }
}

/** Stores commands of one call, claimed for `owner` or left pending. */
async function commit(callId: string, commands: Command[], owner: string | null, leaseMs = 10_000) {
  const unit = aUnit(aCall(callId), 0, { events: [anEntry(`e-${callId}`)], commands });
  const claim = owner === null ? null : { owner, leaseMs };
  const { claimed } = await store.commit([unit], claim);
  return claimed;
}

const pending = async () => (await store.outbox()).pending;
const kinds = () => outcomes.map(({ outcome }) => outcome.kind);
const logged = (event: string) => lines.filter((line) => line.event === event);

test('an offered command goes out at once, and its outcome goes to the receiver', async () => {
  const seen: unknown[] = [];
  const dispatcher = dispatch({
    observer: { command: (action, kind, ms) => seen.push([action, kind, ms > 0]) },
  });
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'));
  await waitFor(() => expect(outcomes).toHaveLength(1));
  expect(outcomes[0]).toMatchObject({
    source: 'outcome',
    id: 'outcome:c1:1',
    type: 'command.accepted',
    callId: 'v3:a',
    commandId: 'c1',
    action: 'answer',
    outcome: { kind: 'accepted', status: 200 },
    firstSentAt: expect.any(Number),
  });
  expect(api.requests[0]).toMatchObject({ url: '/v2/calls/v3%3Aa/actions/answer' });
  expect(await pending()).toBe(0);
  expect(seen).toEqual([['answer', 'accepted', true]]);
});

test('a log or a metric that throws loses no outcome', async () => {
  const broken = () => {
    throw new Error('broken');
  };
  const failed: string[] = [];
  const emit: Log['emit'] = (event, fields) => {
    if (event === 'observer.failed') failed.push(String(fields?.observer));
    else broken();
  };
  const dispatcher = dispatch({
    log: { emit },
    observer: { command: broken, retry: broken, waited: broken },
  });
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'));
  await waitFor(() => expect(outcomes).toHaveLength(1));
  expect(kinds()).toEqual(['accepted']);
  expect(failed).toEqual(['commands']);
  await dispatcher.stop(1_000);
  expect(await pending()).toBe(0);
});

test('commands that nobody offered are found: after a crash, and when announced', async () => {
  await commit('v3:a', [aCommand('c1', 'v3:a')], null);
  const dispatcher = dispatch({ pollIdleMs: 60_000 });
  dispatcher.start();
  await waitFor(() => expect(outcomes).toHaveLength(1));
  await commit('v3:b', [aCommand('c2', 'v3:b')], null);
  dispatcher.wake();
  await waitFor(() => expect(outcomes.map(({ commandId }) => commandId)).toEqual(['c1', 'c2']));
});

test('a lease that somebody else let run out is taken over, with the next try and the old window', async () => {
  const [lost] = await commit('v3:a', [aCommand('c1', 'v3:a')], 'crashed', 60);
  dispatch().start();
  await waitFor(() => expect(outcomes).toHaveLength(1));
  expect(outcomes[0]).toMatchObject({ id: 'outcome:c1:2', firstSentAt: lost?.firstSentAt });
});

test('a lease of somebody else that still runs is left alone', async () => {
  await commit('v3:a', [aCommand('c1', 'v3:a')], 'another', 60_000);
  await commit('v3:b', [aCommand('c2', 'v3:b')], null);
  dispatch().start();
  await waitFor(() => expect(outcomes).toHaveLength(1));
  expect(outcomes[0]?.commandId).toBe('c2');
  expect(api.requests).toHaveLength(1);
});

test('a 500 is tried again after half a second, byte for byte the same', async () => {
  api.reply = (request, response, nth) =>
    nth === 1 ? json(response, 500, {}) : accept(request, response, nth);
  const dispatcher = dispatch({ pollIdleMs: 60_000 });
  dispatcher.start();
  const startedAt = performance.now();
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'));
  await waitFor(() => expect(kinds()).toEqual(['retry', 'accepted']));
  expect(performance.now() - startedAt).toBeGreaterThan(499);
  expect(outcomes.map(({ id }) => id)).toEqual(['outcome:c1:1', 'outcome:c1:2']);
  expect(outcomes[1]?.firstSentAt).toBe(outcomes[0]?.firstSentAt);
  expect(api.requests[0]?.text).toBe(api.requests[1]?.text);
});

test('a kept connection that the other side closes as the command comes in: it is executed once, with one id', async () => {
  const executed: unknown[] = [];
  api.reply = (request, response, nth) => {
    // The connection is already being closed: its other side reads nothing any more.
    if (nth === 2) return void response.socket?.end();
    executed.push(request.body?.command_id);
    accept(request, response, nth);
  };
  const dispatcher = dispatch();
  dispatcher.start();
  dispatcher.offer(await commit('c0', [aCommand('o-0', 'c0')], 'this'));
  await waitFor(() => expect(kinds()).toEqual(['accepted']));
  dispatcher.offer(await commit('c1', [aCommand('o-1', 'c1')], 'this'));
  await waitFor(() => expect(kinds()).toEqual(['accepted', 'retry', 'accepted']));
  expect(executed).toEqual(['o-0', 'o-1']);
  expect(api.requests[2]?.text).toBe(api.requests[1]?.text);
  expect(await pending()).toBe(0);
});

test('429 waits as Telnyx says and opens a new window', async () => {
  api.reply = (request, response, nth) =>
    nth === 1
      ? json(response, 429, {}, { 'x-ratelimit-reset': '0.2' })
      : accept(request, response, nth);
  const dispatcher = dispatch({ pollIdleMs: 60_000 });
  dispatcher.start();
  const [first] = await commit('v3:a', [aCommand('c1', 'v3:a')], 'this');
  dispatcher.offer(first ? [first] : []);
  await waitFor(() => expect(kinds()).toEqual(['retry', 'accepted']));
  expect(outcomes[0]?.firstSentAt).toBeNull();
  expect(outcomes[1]?.firstSentAt).toBeGreaterThanOrEqual((first?.firstSentAt ?? Infinity) + 200);
});

test('retries that are due at different times are all found in time', async () => {
  api.reply = (request, response, nth) => {
    if (nth > 2) accept(request, response, nth);
    else if (request.url.includes('v3%3Aa')) json(response, 500, {});
    else json(response, 429, {}, { 'x-ratelimit-reset': '0.1' });
  };
  const dispatcher = dispatch({ pollIdleMs: 60_000 });
  dispatcher.start();
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'));
  dispatcher.offer(await commit('v3:b', [aCommand('c2', 'v3:b')], 'this'));
  await waitFor(() => expect(outcomes).toHaveLength(4));
  expect(outcomes.slice(2).map(({ id }) => id)).toEqual(['outcome:c2:2', 'outcome:c1:2']);
});

test('a refused connection is tried again and was never sent; the ready endpoint says why', async () => {
  const gone = createTelnyxClient({ apiUrl: await refusedAddress(), apiKey: 'k' });
  const dispatcher = dispatch({ client: gone });
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'));
  await waitFor(() => expect(kinds()).toEqual(['retry']));
  expect(outcomes[0]).toMatchObject({ firstSentAt: null, outcome: { provenUnsent: true } });
  expect(dispatcher.warnings().join()).toMatch(/ECONNREFUSED.*TELNYX_API_URL/);
  await gone.close();
});

test('silence is tried again; then the time of the step is over, and the outcome is unknown', async () => {
  api.reply = () => {};
  const dispatcher = dispatch();
  dispatcher.start();
  const command = { ...aCommand('c1', 'v3:a'), giveUpAt: Date.now() + 900 };
  dispatcher.offer(await commit('v3:a', [command], 'this'));
  await waitFor(() => expect(kinds()).toEqual(['retry', 'unknown']));
  expect(outcomes[1]?.firstSentAt).toBe(outcomes[0]?.firstSentAt);
  expect(api.requests).toHaveLength(1);
  expect(await pending()).toBe(0);
  expect(logged('command.unknown')).toHaveLength(1);
});

test('what is offered after its time is never sent', async () => {
  const command = { ...aCommand('c1', 'v3:a'), giveUpAt: Date.now() - 1 };
  dispatch().offer(await commit('v3:a', [command], 'this'));
  await waitFor(() => expect(kinds()).toEqual(['unknown']));
  expect(outcomes[0]?.firstSentAt).toBeNull();
  expect(api.requests).toEqual([]);
});

test('a lease too short for a request is not used, and the command is claimed again', async () => {
  const claimed = await commit('v3:a', [aCommand('c1', 'v3:a')], 'this', 300);
  const dispatcher = dispatch({ pollIdleMs: 60_000 });
  dispatcher.start();
  dispatcher.offer(claimed);
  await waitFor(() => expect(kinds()).toEqual(['accepted']));
  expect(outcomes[0]?.id).toBe('outcome:c1:2');
  expect(logged('command.lapsed')).toHaveLength(1);
  expect(api.requests).toHaveLength(1);
});

test('no more than the limit are under way, and hangups go first', async () => {
  const replies: (() => void)[] = [];
  api.reply = (request, response, nth) => void replies.push(() => accept(request, response, nth));
  const dispatcher = dispatch({ concurrencyMax: 2, pollIdleMs: 60_000 });
  dispatcher.start();
  for (const call of ['v3:a', 'v3:b', 'v3:c']) {
    dispatcher.offer(await commit(call, [aCommand(`c-${call}`, call)], 'this'));
  }
  dispatcher.offer(await commit('v3:h', [aCommand('h', 'v3:h', 'hangup')], 'this'));
  await api.arrived(2);
  expect(dispatcher.freeSlots()).toBe(0);
  replies.shift()?.();
  await api.arrived(3);
  expect(api.requests.map(({ url }) => url.split('/').at(-1))).toEqual([
    'answer',
    'answer',
    'hangup',
  ]);
  api.reply = accept;
  for (const reply of replies) reply();
  await waitFor(() => expect(outcomes).toHaveLength(4));
  expect(dispatcher.freeSlots()).toBe(2);
});

test('voices of one leg go out one after the other, in the order they were issued', async () => {
  const replies: (() => void)[] = [];
  api.reply = (request, response, nth) => void replies.push(() => accept(request, response, nth));
  const dispatcher = dispatch();
  const commands = ['c1', 'c2', 'c3'].map((id) => aStop(id, 'v3:a'));
  dispatcher.offer(await commit('v3:a', commands, 'this'));
  dispatcher.offer(await commit('v3:b', [aCommand('other', 'v3:b')], 'this'));
  const ids = () => api.requests.map(({ body }) => body?.command_id);
  await api.arrived(2);
  expect(ids()).toEqual(['c1', 'other']);
  for (const count of [3, 4]) {
    replies.shift()?.();
    replies.shift()?.();
    await api.arrived(count);
  }
  expect(ids()).toEqual(['c1', 'other', 'c2', 'c3']);
  for (const reply of replies) reply();
  await waitFor(() => expect(outcomes).toHaveLength(4));
});

test('an answer that Telnyx is silent about holds up nothing else', async () => {
  api.reply = (request, response) => {
    if (!request.url.endsWith('/answer')) accept(request, response, 0);
  };
  const dispatcher = dispatch();
  const commands = [
    aCommand('slow', 'v3:a'),
    aStop('voice', 'v3:a'),
    aCommand('p', 'v3:a', 'probe'),
  ];
  dispatcher.offer(await commit('v3:a', commands, 'this'));
  await vi.waitFor(() => expect(kinds()).toEqual(['accepted', 'accepted']), 400);
});

test('what waited too long for its lease is given back unsent, and goes out at once', async () => {
  let silent = true;
  api.reply = (request, response, nth) => {
    if (!silent) accept(request, response, nth);
    silent = false;
  };
  const dispatcher = dispatch({ pollIdleMs: 60_000 });
  dispatcher.start();
  // 500 ms of silence leave too little of 1,900 ms for the margin of 1 s and another request.
  const commands = [aStop('first', 'v3:a'), aStop('second', 'v3:a')];
  dispatcher.offer(await commit('v3:a', commands, 'this', 1_900));
  await vi.waitFor(
    () => expect(kinds()).toEqual(['retry', 'retry', 'accepted', 'accepted']),
    1_800,
  );
  const second = outcomes.filter(({ commandId }) => commandId === 'second');
  expect(second[0]).toMatchObject({ outcome: { provenUnsent: true }, firstSentAt: null });
  expect(second[1]?.id).toBe('outcome:second:2');
  expect(logged('command.lapsed')).toEqual([]);
});

test.each([
  ['another replica has cancelled', true, 0],
  ['is still to be sent, or nobody can say so,', false, 2],
])('a command that waited for a slot and %s', async (_, cancelled, sentMore) => {
  const answers: (() => void)[] = [];
  api.reply = (request, response, nth) => void answers.push(() => accept(request, response, nth));
  const asked: string[][] = [];
  const shaky = new Proxy(store, {
    get: (target, name: keyof Store) =>
      name === 'stillToSend'
        ? async (owner: string, ids: string[]) => {
            asked.push(ids);
            if (!cancelled) throw new StoreUnavailable('is away');
            return target.stillToSend(owner, ids);
          }
        : target[name],
  });
  const slow = createTelnyxClient({ apiUrl: api.url, apiKey: 'k', timeoutMs: 5_000 });
  let lateMs = 0;
  const clock = {
    now: () => Date.now() + lateMs,
    monotonic: () => performance.now() + lateMs,
  };
  const dispatcher = dispatch({ store: shaky, client: slow, concurrencyMax: 1, clock });
  dispatcher.start();
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'));
  const waiting = [aCommand('c2', 'v3:b'), aCommand('c3', 'v3:b')];
  dispatcher.offer(await commit('v3:b', waiting, 'this'));
  await api.arrived(1);
  if (cancelled) {
    // As another replica does: this one's dispatcher is not told.
    await store.commit([aUnit(aCall('v3:b'), 1, { cancel: ['c2', 'c3'] })], null);
  }
  lateMs = 300;
  api.reply = accept;
  for (const answer of answers) answer();
  await waitFor(() => expect(asked.flat()).toEqual(['c2', 'c3']));
  await waitFor(() => expect(outcomes).toHaveLength(1 + sentMore));
  expect(api.requests).toHaveLength(1 + sentMore);
  await dispatcher.stop(1_000);
  await slow.close();
});

test('what did not fit is claimed when slots are free', async () => {
  const commands = Array.from({ length: 20 }, (_, n) => aCommand(`c${n}`, 'v3:a'));
  await commit('v3:a', commands, null);
  dispatch({ concurrencyMax: 3, pollIdleMs: 60_000 }).start();
  // With polling alone the rest would take minutes.
  await waitFor(() => expect(outcomes).toHaveLength(20));
  expect(new Set(outcomes.map(({ commandId }) => commandId)).size).toBe(20);
  expect(api.requests).toHaveLength(20);
});

test('what waits in the store goes out although new commands take each slot that becomes free', async () => {
  const sent: string[] = [];
  const answers: (() => void)[] = [];
  const send = (command: Command) => {
    sent.push(command.id);
    return new Promise<Outcome>((resolve) => {
      answers.push(() => resolve({ kind: 'accepted', status: 200, alive: null }));
    });
  };
  const dispatcher = dispatch({ client: { send }, concurrencyMax: 8, pollIdleMs: 60_000 });
  dispatcher.start();
  let calls = 0;
  const newCaller = async () => {
    calls += 1;
    const owner = dispatcher.freeSlots() > 0 ? 'this' : null;
    const claimed = await commit(`v3:${calls}`, [aCommand(`c${calls}`, `v3:${calls}`)], owner);
    // As the receiver does after its commit.
    if (claimed.length > 0) dispatcher.offer(claimed);
    else dispatcher.wake();
  };
  const answerOne = async () => {
    const known = outcomes.length;
    answers.shift()?.();
    await waitFor(() => expect(outcomes.length).toBeGreaterThan(known));
  };
  for (let n = 0; n < 8; n += 1) await newCaller();
  await commit('v3:old', [aCommand('old', 'v3:old')], null);
  dispatcher.wake();
  for (let n = 0; n < 8; n += 1) {
    await answerOne();
    await newCaller();
  }
  await waitFor(() => expect(sent).toHaveLength(16));
  expect(sent.slice(8)).toContain('old');
  await waitFor(() => {
    for (const answer of answers.splice(0)) answer();
    expect(outcomes).toHaveLength(calls + 1);
  });
});

test('a cancelled command that was not started never goes out', async () => {
  const replies: (() => void)[] = [];
  api.reply = (request, response, nth) => void replies.push(() => accept(request, response, nth));
  const dispatcher = dispatch({ concurrencyMax: 1 });
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a'), aCommand('c2', 'v3:a')], 'this'));
  await api.arrived(1);
  dispatcher.cancel(['c1', 'c2', 'nobody']);
  for (const reply of replies) reply();
  await waitFor(() => expect(outcomes).toHaveLength(1));
  await dispatcher.stop(1_000);
  expect(api.requests.map(({ body }) => body?.command_id)).toEqual(['c1']);
});

test('what is cancelled while its connection is opened never goes out, and counts as never sent', async () => {
  const cancelled: Promise<unknown>[] = [];
  const send: TelnyxClient['send'] = (command, mayWrite) => {
    const unit = aUnit(aCall('v3:a'), 1, { cancel: [command.id] });
    cancelled.push(store.commit([unit], null));
    queueMicrotask(() => dispatcher.cancel([command.id]));
    return client.send(command, mayWrite);
  };
  const dispatcher = dispatch({ client: { send } });
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'));
  await waitFor(() => expect(kinds()).toEqual(['retry']));
  await Promise.all(cancelled);
  expect(outcomes).toMatchObject([{ firstSentAt: null, outcome: { provenUnsent: true } }]);
  expect(api.requests).toEqual([]);
  // Nothing went wrong.
  expect(logged('command.retry')).toEqual([]);
  expect(await store.outboxCommands(9)).toEqual([]);
});

test('what is cancelled while a claim brings it never goes out', async () => {
  await commit('v3:a', [aCommand('c1', 'v3:a')], null);
  let answerClaim = () => {};
  const gate = new Promise<void>((resolve) => {
    answerClaim = resolve;
  });
  const dispatcher = dispatch({
    store: {
      claim: async (claim, limit) => {
        const claimed = await store.claim(claim, limit);
        await gate;
        return claimed;
      },
      stillToSend: (owner, ids) => store.stillToSend(owner, ids),
      releaseLeases: (owner) => store.releaseLeases(owner),
    },
  });
  dispatcher.start();
  dispatcher.cancel(['c1']);
  answerClaim();
  await dispatcher.stop(1_000);
  expect(api.requests).toEqual([]);
});

test('an outcome that the store does not take is kept, and the command is not sent again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let failures = 0;
  receiverProblem = () => (failures++ < 1 ? new StoreUnavailable('the disk is full') : null);
  const dispatcher = dispatch();
  const claimed = await commit('v3:a', [aCommand('c1', 'v3:a')], 'this');
  dispatcher.offer(claimed);
  await waitFor(() => expect(logged('outcome.unrecorded')).toHaveLength(1));
  // As claimed again after a lease has expired.
  dispatcher.offer(claimed.map((each) => ({ ...each, tries: 2 })));
  vi.advanceTimersByTime(500);
  await waitFor(() => expect(outcomes).toHaveLength(1));
  await dispatcher.stop(1_000);
  expect(outcomes).toMatchObject([{ id: 'outcome:c1:1' }]);
  expect(failures).toBe(2);
  expect(api.requests).toHaveLength(1);
  expect(await pending()).toBe(0);
});

test('an outcome for a row of newer code is left to newer code', async () => {
  receiverProblem = () => new NewerRow('version 9');
  const dispatcher = dispatch();
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'));
  await waitFor(() => expect(logged('outcome.unrecorded')).toHaveLength(1));
  await dispatcher.stop(60_000);
  expect(outcomes).toEqual([]);
});

test('a wrong key is one error a minute that names the setting, and a warning until it works', async () => {
  api.reply = (_, response) => json(response, 401, {});
  const dispatcher = dispatch();
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a'), aCommand('c2', 'v3:a')], 'this'));
  await waitFor(() => expect(outcomes).toHaveLength(2));
  expect(logged('command.misconfigured')).toMatchObject([
    { fields: { setting: 'TELNYX_API_KEY' } },
  ]);
  expect(logged('command.rejected')).toHaveLength(2);
  expect(logged('command.rejected')[0]?.fields).toMatchObject({
    call_control_id: 'v3:a',
    status: 401,
    meaning: expect.any(String),
    cause: expect.any(String),
    fix: expect.stringContaining('TELNYX_API_KEY'),
  });
  expect(dispatcher.warnings()).toMatchObject([expect.stringContaining('TELNYX_API_KEY')]);
  api.reply = accept;
  dispatcher.offer(await commit('v3:b', [aCommand('c3', 'v3:b')], 'this'));
  await waitFor(() => expect(outcomes).toHaveLength(3));
  expect(dispatcher.warnings()).toEqual([]);
});

test('a call that has ended is a fact, not a warning', async () => {
  api.reply = (_, response) => json(response, 422, { errors: [{ code: '90018', title: 'over' }] });
  const dispatcher = dispatch();
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'));
  await waitFor(() => expect(kinds()).toEqual(['rejected']));
  expect(outcomes[0]?.outcome).toMatchObject({ callEnded: true });
  expect(lines.map(({ event }) => event)).toEqual(['command.call_ended']);
  expect(dispatcher.warnings()).toEqual([]);
});

test('stopping sends what is claimed and records it', async () => {
  const replies: (() => void)[] = [];
  api.reply = (request, response, nth) => void replies.push(() => accept(request, response, nth));
  const dispatcher = dispatch({ concurrencyMax: 1 });
  dispatcher.start();
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a'), aCommand('c2', 'v3:a')], 'this'));
  await api.arrived(1);
  const stopped = dispatcher.stop(5_000);
  expect(dispatcher.freeSlots()).toBe(0);
  api.reply = accept;
  for (const reply of replies) reply();
  await stopped;
  expect(kinds()).toEqual(['accepted', 'accepted']);
});

test('stopping is bounded: what did not go out is given back and found by the next one', async () => {
  api.reply = () => {};
  const dispatcher = dispatch({ concurrencyMax: 1 });
  dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a'), aCommand('c2', 'v3:a')], 'this'));
  await api.arrived(1);
  await dispatcher.stop(20);
  api.reply = accept;
  dispatch({ instance: 'next' }).start();
  await waitFor(() => expect(outcomes.map(({ id }) => id)).toContain('outcome:c2:2'));
});

test('a store that cannot be read is asked again, and one line says so', async () => {
  let failures = 0;
  await commit('v3:a', [aCommand('c1', 'v3:a')], null);
  dispatch({
    pollIdleMs: 5,
    store: {
      claim: (claim, limit) =>
        failures++ < 3 ? Promise.reject(new StoreUnavailable('gone')) : store.claim(claim, limit),
      stillToSend: (owner, ids) => store.stillToSend(owner, ids),
      releaseLeases: (owner) => store.releaseLeases(owner),
    },
  }).start();
  await waitFor(() => expect(outcomes).toHaveLength(1));
  expect(logged('outbox.unreadable')).toHaveLength(1);
});

describe('a process that was stopped, or whose machine was suspended, and goes on', () => {
  /** Added to both real clocks. */
  const pause = { wallMs: 0, monotonicMs: 0 };
  const clock = {
    now: () => systemClock.now() + pause.wallMs,
    monotonic: () => systemClock.monotonic() + pause.monotonicMs,
  };
  beforeEach(() => {
    pause.wallMs = 0;
    pause.monotonicMs = 0;
  });

  /** Each is a client that is stopped at some point before it writes. */
  const moments: [string, (send: TelnyxClient['send']) => TelnyxClient['send']][] = [
    [
      'while the request is made',
      (send) => (command, mayWrite) => {
        thaw();
        return send(command, mayWrite);
      },
    ],
    [
      'while the connection is opened',
      (send) => (command, mayWrite) => {
        const sent = send(command, mayWrite);
        queueMicrotask(thaw);
        return sent;
      },
    ],
  ];
  let thaw = () => {};

  test.each(moments)(
    '%s: it writes nothing, for the lease is somebody else’s',
    async (_, stopped) => {
      thaw = () => {
        pause.monotonicMs = 78_000;
      };
      const dispatcher = dispatch({ client: { send: stopped(client.send) }, clock });
      dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'), mark(clock));
      await waitFor(() => expect(logged('command.lapsed')).toHaveLength(1));
      expect(api.requests).toEqual([]);
      expect(outcomes).toEqual([]);
      expect(await pending()).toBe(1);
    },
  );

  test('on a connection that was open before, it writes nothing either', async () => {
    const dispatcher = dispatch({ clock });
    dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'), mark(clock));
    await waitFor(() => expect(kinds()).toEqual(['accepted']));
    const claimed = await commit('v3:b', [aCommand('c2', 'v3:b')], 'this');
    const askedAt = mark(clock);
    const send: TelnyxClient['send'] = (command, mayWrite) => {
      queueMicrotask(() => {
        pause.monotonicMs = 12_000;
      });
      return client.send(command, mayWrite);
    };
    dispatch({ clock, client: { send } }).offer(claimed, askedAt);
    await waitFor(() => expect(logged('command.lapsed')).toHaveLength(1));
    expect(api.requests).toHaveLength(1);
    expect(api.connections).toBe(1);
  });

  test('while the commit was answered: what it claimed is as old as the question', async () => {
    const askedAt = mark(clock);
    const claimed = await commit('v3:a', [aCommand('c1', 'v3:a')], 'this');
    pause.monotonicMs = 12_000;
    dispatch({ clock }).offer(claimed, askedAt);
    expect(logged('command.lapsed')).toHaveLength(1);
    expect(api.requests).toEqual([]);
  });

  test('suspended: the wall clock tells, for the monotonic one stood still', async () => {
    const askedAt = mark(clock);
    const claimed = await commit('v3:a', [aCommand('c1', 'v3:a')], 'this');
    pause.wallMs = 78_000;
    dispatch({ clock }).offer(claimed, askedAt);
    expect(logged('command.lapsed')).toHaveLength(1);
    expect(api.requests).toEqual([]);
  });

  test.each([
    ['the machine was suspended', 'wallMs'],
    ['the clock of the database was set back', 'monotonicMs'],
  ] as const)('what Telnyx may have forgotten is not sent again: %s', async (_, passed) => {
    api.reply = (_request, response) => json(response, 500, {});
    // Between the two tries. Nothing of it is seen by the store's own clock.
    receiverProblem = () => {
      pause[passed] = 60_000;
      return null;
    };
    const dispatcher = dispatch({ clock });
    dispatcher.start();
    dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'), mark(clock));
    await waitFor(() => expect(kinds()).toEqual(['retry', 'unknown']));
    expect(api.requests).toHaveLength(1);
    expect(await pending()).toBe(0);
  });

  test('what was never written is sent all the same', async () => {
    const askedAt = mark(clock);
    const claimed = await commit('v3:a', [aCommand('c1', 'v3:a')], 'this', 0);
    pause.wallMs = 60_000;
    const dispatcher = dispatch({ clock });
    dispatcher.offer(claimed, askedAt);
    expect(logged('command.lapsed')).toHaveLength(1);
    dispatcher.start();
    await waitFor(() => expect(kinds()).toEqual(['accepted']));
  });

  test('what it claimed again meanwhile it sends at once, not after that lease', async () => {
    let goOn = () => {};
    const stopped = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const send: TelnyxClient['send'] = async (command, mayWrite) => {
      await stopped;
      return client.send(command, mayWrite);
    };
    const dispatcher = dispatch({ client: { send }, clock });
    const claimed = await commit('v3:a', [aCommand('c1', 'v3:a')], 'this', 0);
    dispatcher.offer(
      claimed.map((each) => ({ ...each, leaseUntil: each.now + 10_000 })),
      mark(clock),
    );
    pause.monotonicMs = 12_000;
    dispatcher.start();
    await waitFor(async () => expect(await store.outboxCommands(9)).toMatchObject([{ tries: 2 }]));
    goOn();
    await waitFor(() => expect(kinds()).toEqual(['accepted']));
    expect(outcomes[0]?.id).toBe('outcome:c1:2');
    expect(api.requests).toHaveLength(1);
  });

  test('a try that ended in silence meanwhile says nothing of the command that another has claimed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    api.reply = () => {
      pause.monotonicMs = 78_000;
      vi.advanceTimersByTime(500);
    };
    const dispatcher = dispatch({ clock });
    dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'), mark(clock));
    await waitFor(() => expect(logged('command.lapsed')).toHaveLength(1));
    expect(outcomes).toEqual([]);
    expect(api.requests).toHaveLength(1);
  });

  test('a clear answer that waited to be read counts all the same', async () => {
    api.reply = (request, response, nth) => {
      pause.monotonicMs = 78_000;
      accept(request, response, nth);
    };
    const dispatcher = dispatch({ clock });
    dispatcher.offer(await commit('v3:a', [aCommand('c1', 'v3:a')], 'this'), mark(clock));
    await waitFor(() => expect(kinds()).toEqual(['accepted']));
  });
});
