/** The receiver on a real SQLite store; only the outlet to Telnyx is replaced. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeClientState } from '../../src/core/machine/client-state.ts';
import type { CallEvent } from '../../src/core/machine/event.ts';
import type { Decision, Step } from '../../src/core/machine/plan.ts';
import { foldCall } from '../../src/core/recording/fold.ts';
import type { Budget } from '../../src/core/rules/rule.ts';
import type { Clock } from '../../src/engine/clock.ts';
import type { Decider, Observer, Outlet } from '../../src/engine/engine.ts';
import { combineObservers, guardOutlet, NO_OBSERVER } from '../../src/engine/observers.ts';
import { type BatchingReceiver, createReceiver } from '../../src/engine/receive.ts';
import { createSweeper } from '../../src/engine/sweep.ts';
import { StoreUnavailable, TooBusy } from '../../src/errors.ts';
import type { Log } from '../../src/log/log.ts';
import type { ClaimedCommand } from '../../src/store/contract/outbox.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { aCall, anAttempt, aUnit } from '../helpers/documents.ts';
import { decision, hookOf as hook, refer, rejected, transfer } from '../helpers/machine.ts';

let folder: string;
let store: Store;
let offered: ClaimedCommand[];
let cancelled: string[];
let told: string[];
let deadLetters: CallEvent[];

const UNLIMITED: Budget = { perCall: null, perHour: null, perCallerPerHour: null };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-receive-'));
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  offered = [];
  cancelled = [];
  told = [];
  deadLetters = [];
});

afterEach(async () => {
  const { calls } = await store.list({ limit: 100, legs: 'all' });
  for (const recorded of await store.recordings(calls.map(({ id }) => id))) {
    // A call that a test stored directly has no events to replay.
    const [first] = await store.timeline(recorded.callId);
    if (first?.phaseBefore !== null) continue;
    expect(foldCall(recorded).differences, recorded.callId).toEqual([]);
  }
  await store.close();
  await rm(folder, { recursive: true });
});

const observer: Observer = {
  ...NO_OBSERVER,
  committed: (event) => void told.push(event.type),
  duplicate: (event) => void told.push(`duplicate ${event.type}`),
  deadLetter: (event) => void deadLetters.push(event),
};

interface Given {
  plan?: Step[] | null;
  decide?: () => Decision;
  refers?: Budget;
  store?: Store;
  queueMax?: number;
  clock?: Clock;
  observer?: Observer;
  outlet?: Outlet;
}

function open(given: Given = {}): BatchingReceiver {
  const decider: Decider = {
    decide: given.decide ?? (() => decision(given.plan === undefined ? [refer('a')] : given.plan)),
    budgets: () => ({ refers: given.refers ?? UNLIMITED, transfers: UNLIMITED }),
  };
  return createReceiver({
    store: given.store ?? store,
    decider,
    observer: given.observer ?? observer,
    owner: 'this',
    outlet: given.outlet ?? {
      freeSlots: () => 10,
      offer: (claimed) => void offered.push(...claimed),
      wake: () => {},
      cancel: (ids) => void cancelled.push(...ids),
    },
    ...(given.queueMax === undefined ? {} : { queueMax: given.queueMax }),
    ...(given.clock === undefined ? {} : { clock: given.clock }),
  });
}

const actions = () => offered.map(({ command }) => command.action);

describe('a second delivery', () => {
  it('changes nothing, whether the first is on its way, in the same batch, or long stored', async () => {
    const engine = open();
    const first = hook('v3:a', 'call.initiated');
    const results = await Promise.all([1, 2, 3].map(() => engine.receive(first)));
    expect(results.map(({ result }) => result)).toEqual(['committed', 'duplicate', 'duplicate']);
    expect((await engine.receive(first)).result).toBe('duplicate');
    expect(actions()).toEqual(['answer']);
    expect(await store.timeline('v3:a')).toHaveLength(1);
  });

  it('of another type with the same id is another event', async () => {
    const engine = open();
    await engine.receive(hook('v3:a', 'call.initiated', { id: 'same' }));
    const other = await engine.receive(hook('v3:a', 'call.answered', { id: 'same' }));
    expect(other.result).toBe('committed');
  });
});

describe('one batch', () => {
  it('steps the events of one call one after the other and stores only what is still wanted', async () => {
    const engine = open();
    await Promise.all([
      engine.receive(hook('v3:a', 'call.initiated')),
      engine.receive(hook('v3:a', 'call.answered')),
      engine.receive(hook('v3:a', 'call.hangup')),
    ]);
    expect(offered).toEqual([]);
    expect((await store.find('v3:a'))?.call).toMatchObject({ phase: 'ended', ends: 'abandoned' });
    expect((await store.outbox()).pending).toBe(0);
  });

  it('steps a call again whose row another replica has changed meanwhile', async () => {
    const one = open();
    const two = open();
    await one.receive(hook('v3:a', 'call.initiated'));
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? one : two).receive(hook('v3:a', 'call.dtmf.received', { id: `${n}` })),
      ),
    );
    expect(new Set(results.map(({ result }) => result))).toEqual(new Set(['committed']));
    expect(await store.timeline('v3:a')).toHaveLength(21);
  });

  it('an event that cannot be stepped becomes a dead letter and is nobody else’s 503', async () => {
    const engine = open({
      decide: () => {
        throw new TypeError('the decision broke');
      },
    });
    const [bad, good] = await Promise.all([
      engine.receive(hook('v3:bad', 'call.initiated')),
      engine.receive(hook('v3:good', 'call.hangup')),
    ]);
    expect(bad?.result).toBe('dead_letter');
    expect(good?.result).toBe('committed');
    expect(deadLetters.map(({ callId }) => callId)).toEqual(['v3:bad']);
  });

  it('that an observer fails on is stored all the same, and its commands are sent', async () => {
    const broken = (): never => {
      throw new TypeError('the report broke');
    };
    const failing = { committed: broken, duplicate: broken, deadLetter: broken, batch: broken };
    const log = { emit: () => {} };
    const engine = open({ observer: combineObservers(log, { failing, watching: observer }) });
    const event = hook('v3:a', 'call.initiated');
    expect((await engine.receive(event)).result).toBe('committed');
    expect((await engine.receive(event)).result).toBe('duplicate');
    expect(actions()).toEqual(['answer']);
    expect(told).toEqual(['call.initiated', 'duplicate call.initiated']);
    expect(deadLetters).toEqual([]);
    expect(await store.deadLetters(10, null)).toEqual([]);
  });

  it('whose commands cannot be handed over is stored all the same, and they wait in the outbox', async () => {
    const lines: unknown[] = [];
    const broken = (): never => {
      throw new TypeError('the dispatcher broke');
    };
    const outlet = { freeSlots: () => 10, offer: broken, wake: broken, cancel: broken };
    const log: Log = { emit: (event, fields) => void lines.push([event, fields?.observer]) };
    const engine = open({ outlet: guardOutlet(log, outlet) });
    const events = ['v3:a', 'v3:b'].map((id) => hook(id, 'call.initiated'));
    const results = await Promise.all(events.map((event) => engine.receive(event)));
    expect(results.map(({ result }) => result)).toEqual(['committed', 'committed']);
    expect((await store.outbox()).pending).toBe(2);
    // Its answer command is cancelled, which is not reported either.
    expect((await engine.receive(hook('v3:a', 'call.hangup'))).result).toBe('committed');
    expect([deadLetters, await store.deadLetters(10, null)]).toEqual([[], []]);
    expect(lines).toEqual([['observer.failed', 'dispatcher']]);
    const closed = open({ outlet: guardOutlet(log, { ...outlet, freeSlots: broken }) });
    expect((await closed.receive(hook('v3:c', 'call.initiated'))).result).toBe('committed');
    expect(await store.claim({ owner: 'other', leaseMs: 1_000 }, 10)).toHaveLength(1);
  });

  it('is said to have taken the store as long as the store took, without the decisions', async () => {
    let monotonic = 0;
    const clock: Clock = { now: Date.now, monotonic: () => monotonic };
    const slow: Store = Object.assign(Object.create(store), {
      load(...given: Parameters<Store['load']>) {
        monotonic += 3;
        return store.load(...given);
      },
      commit(...given: Parameters<Store['commit']>) {
        monotonic += 5;
        return store.commit(...given);
      },
    });
    const took: number[][] = [];
    const engine = open({
      clock,
      store: slow,
      observer: { ...observer, batch: (...batch) => void took.push(batch) },
      decide() {
        monotonic += 100;
        return decision([refer('a')]);
      },
    });
    await engine.receive(hook('v3:a', 'call.initiated'));
    expect(took).toEqual([[1, 3, 5]]);
  });

  it('that the store refuses rejects every event, and a later one is taken again', async () => {
    let down = true;
    const flaky: Store = Object.assign(Object.create(store), {
      commit: (...given: Parameters<Store['commit']>) =>
        down ? Promise.reject(new StoreUnavailable('disk full')) : store.commit(...given),
    });
    const engine = open({ store: flaky });
    const tries = ['v3:a', 'v3:b'].map((id) => engine.receive(hook(id, 'call.initiated')));
    await expect(Promise.allSettled(tries)).resolves.toMatchObject([
      { status: 'rejected', reason: expect.any(StoreUnavailable) },
      { status: 'rejected', reason: expect.any(StoreUnavailable) },
    ]);
    expect(told).toEqual([]);
    down = false;
    expect((await engine.receive(hook('v3:a', 'call.initiated'))).result).toBe('committed');
  });
});

describe('the queue before the store', () => {
  it('turns webhooks away beyond its limit, never our own outcomes', async () => {
    const engine = open({ queueMax: 1 });
    const taken = engine.receive(hook('v3:a', 'call.initiated'));
    await expect(engine.receive(hook('v3:b', 'call.initiated'))).rejects.toThrow(TooBusy);
    const own = engine.receive({
      source: 'outcome',
      id: 'outcome:x:1',
      callId: 'v3:c',
      type: 'command.accepted',
      receivedAt: 0,
      occurredAt: null,
      commandId: 'x',
      legId: 'x',
      action: 'answer',
      outcome: { kind: 'accepted', status: 200, alive: null },
      firstSentAt: null,
    });
    expect((await taken).result).toBe('committed');
    expect((await own).result).toBe('committed');
  });
});

/**
 * Answers each call, which starts its REFER if the budgets allow it. Resolves with each call's
 * verdicts.
 */
const ask = async (engine: BatchingReceiver, ids: string[], from = '+14155550101') => {
  for (const id of ids) {
    const { facts } = hook(id, 'call.answered');
    await engine.receive(hook(id, 'call.answered', { facts: { ...facts, from } }));
    const started = hook(id, 'call.initiated');
    await engine.receive({ ...started, facts: { ...started.facts, from } });
  }
  return Promise.all(
    ids.map(async (id) => (await store.find(id))?.call.attempts.map(({ verdict }) => verdict)),
  );
};

describe('budgets', () => {
  it('of an hour are counted from the attempts of all calls in the store', async () => {
    const engine = open({ refers: { ...UNLIMITED, perHour: 2 } });
    expect(await ask(engine, ['v3:a', 'v3:b', 'v3:c'])).toEqual([[null], [null], ['rejected']]);
    expect(actions().filter((action) => action === 'refer')).toHaveLength(2);
    const restarted = open({ refers: { ...UNLIMITED, perHour: 2 } });
    expect(await ask(restarted, ['v3:d'])).toEqual([['rejected']]);
  });

  it('of one caller leave other callers alone', async () => {
    const engine = open({ refers: { ...UNLIMITED, perCallerPerHour: 1 } });
    expect(await ask(engine, ['v3:a', 'v3:b'])).toEqual([[null], ['rejected']]);
    expect(await ask(engine, ['v3:c'], '+14155550102')).toEqual([[null]]);
  });

  it.each([
    ['caller', { perCallerPerHour: 2 }],
    ['hour', { perHour: 2 }],
  ])('of one %s let the next target be called after one that Telnyx refused', async (_, limits) => {
    const engine = open({ plan: [refer('a'), refer('b')], refers: { ...UNLIMITED, ...limits } });
    expect(await ask(engine, ['v3:a', 'v3:b'])).toEqual([[null], [null]]);
    for (const { command } of offered.filter((each) => each.command.action === 'refer')) {
      const { callId, legId, action, id: commandId } = command;
      await engine.receive({
        source: 'outcome',
        id: `outcome:${commandId}:1`,
        callId,
        type: 'command.rejected',
        receivedAt: Date.now(),
        occurredAt: null,
        commandId,
        legId,
        action,
        outcome: rejected('10015'),
        firstSentAt: Date.now(),
      });
    }
    const verdicts = async (id: string) =>
      (await store.find(id))?.call.attempts.map(({ verdict }) => verdict);
    expect([await verdicts('v3:a'), await verdicts('v3:b')]).toEqual([
      ['rejected', null],
      ['rejected', null],
    ]);
    expect(await ask(engine, ['v3:c'])).toEqual([['rejected', 'rejected']]);
  });

  it('hold for the step that the hangup of a B-leg begins, whoever the B-leg says is calling', async () => {
    const transferFirst: Step[] = [transfer('+14155550199'), refer('b')];
    let plan: Step[] = [refer('a')];
    const engine = open({
      decide: () => decision(plan),
      refers: { ...UNLIMITED, perCallerPerHour: 1 },
    });
    expect(await ask(engine, ['v3:a'])).toEqual([[null]]);
    plan = transferFirst;
    expect(await ask(engine, ['v3:b'])).toEqual([[null]]);

    const attempt = (await store.find('v3:b'))?.call.attempts[0]?.id ?? '';
    const far = (type: string, clientState: string | null) => {
      const event = hook('v3:far', type, { clientState });
      return { ...event, facts: { ...event.facts, direction: null, from: '+14155550198' } };
    };
    await engine.receive(far('call.initiated', encodeClientState(attempt, null)));
    await engine.receive({ ...far('call.hangup', null), hangupCause: 'user_busy' });
    expect((await store.find('v3:b'))?.call.attempts).toMatchObject([
      { verdict: 'busy' },
      { verdict: 'rejected', reason: expect.stringContaining('per_caller_per_hour') },
    ]);
  });

  it('hold within one batch as well', async () => {
    const engine = open({ refers: { ...UNLIMITED, perHour: 3 } });
    const ids = Array.from({ length: 10 }, (_, n) => `v3:${n}`);
    await Promise.all(ids.map((id) => engine.receive(hook(id, 'call.initiated'))));
    await Promise.all(ids.map((id) => engine.receive(hook(id, 'call.answered'))));
    expect(actions().filter((action) => action === 'refer')).toHaveLength(3);
  });
});

describe('a B-leg', () => {
  async function transferring(engine: BatchingReceiver) {
    await engine.receive(hook('v3:caller', 'call.initiated'));
    await engine.receive(hook('v3:caller', 'call.answered'));
    return (await store.find('v3:caller'))?.call.attempts[0]?.id ?? '';
  }
  const outgoing = (type: string, clientState: string | null) => {
    const event = hook('v3:far', type, { clientState });
    const direction = type === 'call.initiated' ? ('outgoing' as const) : null;
    return { ...event, facts: { ...event.facts, direction } };
  };

  it('named by its envelope changes the caller’s call in the same commit', async () => {
    const engine = open({ plan: [transfer('+14155550199'), { do: 'hangup' }] });
    const attempt = await transferring(engine);
    const state = encodeClientState(attempt, null);
    await engine.receive(outgoing('call.initiated', state));
    expect((await store.find('v3:far'))?.call).toMatchObject({
      phase: 'unmanaged',
      parentId: 'v3:caller',
    });
    const busy = { ...outgoing('call.hangup', null), hangupCause: 'user_busy' };
    await engine.receive(busy);
    expect((await store.find('v3:caller'))?.call).toMatchObject({
      phase: 'releasing',
      attempts: [{ verdict: 'busy' }],
    });
  });

  it('without an envelope is known by its session, whichever of its events comes first', async () => {
    const engine = open({ plan: [transfer('+14155550199'), { do: 'hangup' }] });
    await transferring(engine);
    await engine.receive(outgoing('call.answered', null));
    const caller = (await store.find('v3:caller'))?.call;
    expect(caller?.attempts).toMatchObject([{ bLeg: 'v3:far', bLegAnswered: true }]);
  });

  it('is no caller: one whose client_state names an attempt of another call is served', async () => {
    const engine = open({ plan: [transfer('+14155550199'), { do: 'hangup' }] });
    const clientState = encodeClientState(await transferring(engine), null);
    await engine.receive(hook('v3:second', 'call.initiated', { clientState }));
    // Somebody sets it only later.
    await engine.receive(hook('v3:third', 'call.initiated'));
    await engine.receive(hook('v3:third', 'call.hangup', { clientState }));
    expect((await store.find('v3:second'))?.call).toMatchObject({
      parentId: null,
      phase: 'answering',
    });
    expect((await store.find('v3:third'))?.call).toMatchObject({ parentId: null, phase: 'ended' });
    expect((await store.find('v3:caller'))?.call).toMatchObject({
      phase: 'transferring',
      attempts: [{ verdict: null, bLeg: null }],
    });
  });

  it('of a session with two callers being transferred belongs to neither', async () => {
    const engine = open({ plan: [transfer('+14155550199'), { do: 'hangup' }] });
    await transferring(engine);
    await engine.receive(hook('v3:other', 'call.initiated'));
    await engine.receive(hook('v3:other', 'call.answered'));
    await engine.receive(outgoing('call.initiated', null));
    expect((await store.find('v3:far'))?.call.parentId).toBeNull();
  });
});

describe('the sweep', () => {
  it('postpones once what was set before a start, and fires it after that', async () => {
    const engine = open({ plan: null });
    // Without a direction there is a deadline of 60 s. The document is made older, as if the
    // process had died a minute ago.
    const { facts } = hook('v3:a', 'call.answered');
    await engine.receive(hook('v3:a', 'call.answered', { facts: { ...facts, direction: null } }));
    const stored = await store.find('v3:a');
    if (stored === null) throw new Error('not stored');
    const aged = stored.call.deadlines.map((deadline) => ({
      ...deadline,
      dueAt: deadline.dueAt - 60_000,
      setAt: deadline.setAt - 60_000,
    }));
    await store.commit([aUnit({ ...stored.call, deadlines: aged }, stored.version)], null);

    let errors = 0;
    const fallen = Promise.withResolvers<void>();
    const sweeper = createSweeper({
      store,
      receiver: {
        receive: async (event) => {
          const received = await engine.receive(event);
          fallen.resolve();
          return received;
        },
      },
      failures: {
        failed() {
          errors += 1;
        },
        worked() {},
      },
      everyMs: 10,
    });
    sweeper.start();
    await fallen.promise;
    await sweeper.stop();
    const after = (await store.find('v3:a'))?.call;
    expect(after).toMatchObject({ phase: 'new', deadlines: [{ name: 'undecided', putOff: true }] });
    expect(after?.deadlines[0]?.dueAt).toBeGreaterThan(Date.now() + 10_000);
    expect(errors).toBe(0);
  });
});

describe('a receiver whose clock is not the store’s', () => {
  const DAY = 86_400_000;
  const wrong = (ms: number): Clock => ({
    now: () => Date.now() + ms,
    monotonic: () => performance.now(),
  });

  it.each([40, -40])(
    'counts the hour of the budgets by the store’s clock (%i days off)',
    async (days) => {
      const attempts = Array.from({ length: 3 }, (_, n) => {
        return anAttempt(`${n}`, { startedAt: Date.now() - 60_000 });
      });
      const old = anAttempt('old', { startedAt: Date.now() - 2 * 3_600_000 });
      await store.commit([aUnit(aCall('v3:before', { attempts: [...attempts, old] }), 0)], null);
      const verdictsWith = async (perHour: number, id: string) => {
        const engine = open({ refers: { ...UNLIMITED, perHour }, clock: wrong(days * DAY) });
        return ask(engine, [id]);
      };
      expect(await verdictsWith(4, 'v3:fits')).toEqual([[null]]);
      expect(await verdictsWith(4, 'v3:over')).toEqual([['rejected']]);
    },
  );

  it.each([100_000, -100_000])(
    'compares what Telnyx says with when we sent by one clock (%i ms off)',
    async (ms) => {
      const ahead = await openStore(
        { kind: 'sqlite', path: join(folder, 'other.db') },
        { clocks: { wall: () => Date.now() + ms, sinceBoot: () => performance.now(), boot: null } },
      );
      const at = Date.now() + ms;
      const sent = (id: string, agoMs: number) =>
        anAttempt(id, { startedAt: at - agoMs, sentAt: at - agoMs, acceptedAt: at - agoMs });
      const given = { verdict: 'no_verdict', endedAt: at - 6_000 } as const;
      const attempts = [{ ...sent('a', 10_000), ...given }, sent('b', 5_000)];
      await ahead.commit([aUnit(aCall('v3:a', { phase: 'referring', attempts }), 0)], null);
      const event = hook('v3:a', 'call.refer.completed', {
        clientState: encodeClientState('b', null),
      });
      for (const [agoMs, id] of [
        [1_000, 'b'],
        [7_000, 'a'],
      ] as const) {
        const before = await ahead.find('v3:a');
        await open({ store: ahead }).receive({ ...event, id, occurredAt: Date.now() - agoMs });
        const after = (await ahead.find('v3:a'))?.call.attempts ?? [];
        const completed = after.filter(({ verdict }, n) => {
          return verdict === 'completed' && before?.call.attempts[n]?.verdict !== 'completed';
        });
        expect(completed.map((attempt) => attempt.id)).toEqual([id]);
      }
      await ahead.close();
    },
  );
});
