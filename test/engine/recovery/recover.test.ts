/** Recovery on a real store and real receivers; Telnyx's answers are scripted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebhookEvent } from '../../../src/core/machine/event.ts';
import type { LiveLeg } from '../../../src/core/recovery.ts';
import { NO_OBSERVER } from '../../../src/engine/observers.ts';
import { type BatchingReceiver, createReceiver } from '../../../src/engine/receive.ts';
import { knownOf } from '../../../src/engine/recovery/known.ts';
import { type RecoverOptions, recover } from '../../../src/engine/recovery/recover.ts';
import { StoreUnavailable, TooBusy } from '../../../src/errors.ts';
import type { ClaimedCommand } from '../../../src/store/contract/outbox.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { NotToldByTelnyx, type OutageSource } from '../../../src/telnyx/outage-source.ts';
import { decision, hookOf, refer } from '../../helpers/machine.ts';

let folder: string;
let store: Store;
let sent: ClaimedCommand[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-recover-'));
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  sent = [];
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

function replica(owner: string): BatchingReceiver {
  const unlimited = { perCall: null, perHour: null, perCallerPerHour: null };
  return createReceiver({
    store,
    decider: {
      decide: () => decision([refer('a')]),
      budgets: () => ({ refers: unlimited, transfers: unlimited }),
    },
    observer: NO_OBSERVER,
    owner,
    outlet: {
      freeSlots: () => 1_000,
      offer: (claimed) => void sent.push(...claimed),
      wake() {},
      cancel() {},
    },
  });
}

interface Scripted {
  missed: WebhookEvent[];
  live?: string[];
  isAlive?: OutageSource['isAlive'];
  more?: Partial<OutageSource>;
}

function telnyx({ missed, live = [], isAlive, more }: Scripted): OutageSource {
  return {
    async *failedDeliveries() {
      for (let from = 0; from < missed.length; from += 50) {
        const page = missed.slice(from, from + 50);
        yield { missed: page.map((event) => ({ event, triedAt: null })), unusable: 0 };
      }
    },
    connections: async () => ['1684641123236054244'],
    activeCalls: async () => live.map(legOf),
    isAlive: isAlive ?? (async () => false),
    ...more,
  };
}

function legOf(callId: string): LiveLeg {
  const rest = { sessionId: null, connectionId: '1', clientState: null, durationSecs: 9 };
  return { callId, ...rest };
}

function run(source: OutageSource, engine: BatchingReceiver, more: Partial<RecoverOptions> = {}) {
  return recover(
    {
      source,
      know: knownOf(store),
      receive: engine.receive,
      connectionIds: null,
      servesCallers: true,
      signal: new AbortController().signal,
      now: Date.now,
      onRecovered() {},
      unknownAgainMs: 0,
      ...more,
    },
    0,
  );
}

function told(callId: string, type: string, at: number): WebhookEvent {
  const session = { facts: { sessionId: `session of ${callId}` } };
  const event = hookOf(callId, type, { occurredAt: Date.now() - 60_000 + at });
  return { ...event, facts: { ...event.facts, ...session.facts } };
}

describe('one recovery', () => {
  it('serves who waits and lists who has gone, and a second one finds nothing left', async () => {
    const engine = replica('this');
    const missed = [
      told('waits', 'call.initiated', 1),
      told('gone', 'call.initiated', 2),
      told('gone', 'call.hangup', 3),
    ];
    const types: string[] = [];
    const source = telnyx({ missed, live: ['waits', 'stranger'] });
    const first = await run(source, engine, { onRecovered: (type) => void types.push(type) });
    expect(first).toMatchObject({
      live: 2,
      recovered: 3,
      byType: new Map([
        ['call.initiated', 2],
        ['call.hangup', 1],
      ]),
      lost: [{ callId: 'gone', from: '+14155550101' }],
      unknownLive: [{ callId: 'stranger' }],
      failed: null,
    });
    expect(types).toHaveLength(3);
    expect(sent.map(({ command }) => `${command.callId} ${command.action}`)).toEqual([
      'waits answer',
    ]);
    const entries = await store.timeline('waits');
    expect(entries[0]?.detail.recovered).toBe(true);
    expect(await run(source, engine)).toMatchObject({ recovered: 0, lost: [] });
    // Telnyx repeats the delivery after all.
    expect((await engine.receive(told('waits', 'call.initiated', 1))).result).toBe('duplicate');
  });

  it('changes nothing where it only looks', async () => {
    const missed = [told('gone', 'call.initiated', 1), told('gone', 'call.hangup', 2)];
    const dry = await run(telnyx({ missed }), replica('this'), { receive: null });
    expect(dry).toMatchObject({ recovered: 2, lost: [{ callId: 'gone' }] });
    expect(await store.find('gone')).toBeNull();
  });

  it('leaves callers who wait to the server where none runs', async () => {
    const missed = [told('waits', 'call.initiated', 1), told('gone', 'call.initiated', 2)];
    const source = telnyx({ missed, live: ['waits'] });
    const found = await run(source, replica('this'), { servesCallers: false });
    expect(found).toMatchObject({ recovered: 1, postponed: 1, failed: null });
    expect(await store.find('waits')).toBeNull();
  });

  it('gives nobody up of whom Telnyx does not say that they have gone', async () => {
    const missed = [told('unsure', 'call.initiated', 1), told('over', 'call.hangup', 2)];
    const fails = async () => {
      throw new Error('403');
    };
    const source = telnyx({ missed, isAlive: async () => null, more: { activeCalls: fails } });
    const found = await run(source, replica('this'));
    expect(found).toMatchObject({ recovered: 1, postponed: 1 });
    expect(found.failed).toContain('403');
    expect(await store.find('unsure')).toBeNull();
  });

  it('uses what was read before a page failed, and says that it was not all', async () => {
    const missed = [told('gone', 'call.initiated', 1)];
    const source = telnyx({ missed });
    const cut: OutageSource = {
      ...source,
      async *failedDeliveries(since) {
        yield* source.failedDeliveries(since);
        throw new Error('no answer within 10 s');
      },
    };
    const found = await run(cut, replica('this'));
    expect(found).toMatchObject({ recovered: 1, failed: 'no answer within 10 s' });
  });

  it('does not fail because a connection was deleted since, only if one of ours is not known', async () => {
    const missed = [told('deleted', 'call.initiated', 0), told('deleted', 'call.hangup', 1)].map(
      (event) => ({ ...event, facts: { ...event.facts, connectionId: '77' } }),
    );
    const source = telnyx({
      missed,
      more: {
        activeCalls: async (id) => {
          if (id === '77') throw new NotToldByTelnyx('/connections/77/active_calls: 404', true);
          return [];
        },
      },
    });
    expect(await run(source, replica('this'))).toMatchObject({ recovered: 2, failed: null });
    const configured = await run(source, replica('this'), { connectionIds: new Set(['77']) });
    expect(configured.failed).toContain('/connections/77/active_calls: 404');
  });

  it('leaves out connections that are not ours', async () => {
    const missed = [told('theirs', 'call.initiated', 1)];
    const ours = { connectionIds: new Set(['7']) };
    const found = await run(telnyx({ missed }), replica('this'), ours);
    expect(found).toMatchObject({ recovered: 0, foreign: 1 });
  });

  it('waits where the receiver is full, and ends where the store fails', async () => {
    const engine = replica('this');
    let refused = 0;
    const busy: BatchingReceiver['receive'] = (event) => {
      if (refused++ < 2) return Promise.reject(new TooBusy('full'));
      return engine.receive(event);
    };
    const missed = [told('gone', 'call.initiated', 1)];
    const found = await run(telnyx({ missed }), engine, { receive: busy });
    expect(found.recovered).toBe(1);
    const broken = () => Promise.reject(new StoreUnavailable('down'));
    const other = telnyx({ missed: [told('other', 'call.initiated', 1)] });
    await expect(run(other, engine, { receive: broken })).rejects.toThrow(StoreUnavailable);
  });

  it('finds 5,000 failed deliveries without holding the event loop', {
    tags: ['long'],
    timeout: 60_000,
  }, async () => {
    const missed = Array.from({ length: 2_500 }, (_, n) => [
      told(`call ${n}`, 'call.initiated', n),
      told(`call ${n}`, 'call.hangup', n + 1),
    ]).flat();
    const found = await run(telnyx({ missed }), replica('this'));
    expect(found).toMatchObject({ recovered: 5_000, failed: null });
    expect(found.lost).toHaveLength(2_500);
    expect(sent).toEqual([]);
  });
});

describe('any mix of recovered, late and repeated deliveries, on two replicas', {
  tags: ['long'],
}, () => {
  const call = fc.record({
    lives: fc.boolean(),
    /** Which of initiated, dtmf and hangup arrived in time. */
    inTime: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    /** Which of them Telnyx repeats after recovery has begun. */
    late: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    answered: fc.constantFrom<boolean | null>(true, false, null),
  });

  it('serves each living caller once, sends nothing to those who have gone, and loses nobody', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 8 }), async (calls) => {
        round += 1;
        sent = [];
        const replicas = [replica('one'), replica('two')] as const;
        const all = calls.map((given, n) => {
          const id = `round ${round} call ${n}`;
          const types = ['call.initiated', 'call.dtmf.received', 'call.hangup'];
          const happened = given.lives ? types.slice(0, 2) : types;
          return { ...given, id, events: happened.map((type, at) => told(id, type, at)) };
        });
        for (const { events, inTime } of all) {
          for (const [n, event] of events.entries()) {
            if (inTime[n]) await replicas[0].receive(event);
          }
        }
        const before = sent.map(({ command }) => command.id);
        const missed = all.flatMap(({ events, inTime }) => events.filter((_, n) => !inTime[n]));
        const live = all.filter(({ lives }) => lives).map(({ id }) => id);
        const source = telnyx({ missed, live });
        const two = replicas.map((each) => run(source, each));
        const late = all.flatMap(({ events, late }) => events.filter((_, n) => n > 0 && late[n]));
        const [reports] = await Promise.all([
          Promise.all(two),
          ...late.map((event) => replicas[1].receive(event)),
        ]);
        expect(reports.map(({ failed }) => failed)).toEqual([null, null]);

        const after = sent.filter(({ command }) => !before.includes(command.id));
        expect(after.every(({ command }) => live.includes(command.callId))).toBe(true);
        for (const { id, lives, events, inTime } of all) {
          const stored = await store.find(id);
          const timeline = await store.timeline(id);
          expect(timeline).toHaveLength(events.length);
          const answers = sent.filter(
            ({ command }) => command.callId === id && command.action === 'answer',
          );
          expect(answers).toHaveLength(lives || inTime[0] ? 1 : 0);
          if (lives) expect(stored?.call.phase).toBe('answering');
          else expect(stored?.call.phase).toBe('ended');
          // If initiated arrived in time, the call was abandoned; otherwise it was missed, whatever
          // arrived first.
          if (!lives) expect(stored?.call.ends).toBe(inTime[0] ? 'abandoned' : 'missed');
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
