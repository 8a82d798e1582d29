/** Targets that rest, through the receivers of two replicas on one real store of each kind. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeClientState } from '../../../src/core/machine/client-state.ts';
import type { Budget } from '../../../src/core/rules/rule.ts';
import { NO_OBSERVER, NO_OUTLET } from '../../../src/engine/observers.ts';
import { createReceiver } from '../../../src/engine/receive.ts';
import { createResting, type Resting } from '../../../src/engine/resting/resting.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { byTransfer, decision, hookOf, refer } from '../../helpers/machine.ts';
import { freshDatabase } from '../../helpers/postgres.ts';

const UNLIMITED: Budget = { perCall: null, perHour: null, perCallerPerHour: null };
const CONNECTION = '1684641123236054244';

const STORES = {
  async sqlite() {
    const folder = await mkdtemp(join(tmpdir(), 'referee-resting-'));
    const database = { kind: 'sqlite', path: join(folder, 'referee.db') } as const;
    return { open: () => openStore(database), end: () => rm(folder, { recursive: true }) };
  },
  async postgres() {
    const { url, drop } = await freshDatabase();
    return { open: () => openStore({ kind: 'postgres', url }), end: drop };
  },
};

describe.each(['sqlite', 'postgres'] as const)('on %s', (kind) => {
  let stores: Store[];
  let end: () => Promise<unknown>;
  let told: string[];
  let replicas: { receive: ReturnType<typeof createReceiver>['receive']; resting: Resting }[];
  let calls = 0;

  beforeAll(async () => {
    const opened = await STORES[kind]();
    stores = [await opened.open(), await opened.open()];
    end = opened.end;
    told = [];
    replicas = stores.map((store, n) => {
      const resting = createResting({
        store,
        rests: () => true,
        log: { emit: (event, fields = {}) => void told.push(`${event} ${fields.target}`) },
        failures: {
          failed(error) {
            throw error;
          },
          worked() {},
        },
      });
      const { receive } = createReceiver({
        store,
        resting,
        decider: {
          decide: () => decision([refer('a', { otherWay: byTransfer('a') }), refer('b')]),
          budgets: () => ({ refers: UNLIMITED, transfers: UNLIMITED }),
        },
        observer: { ...NO_OBSERVER, ...resting.observer },
        owner: `replica-${n}`,
        outlet: NO_OUTLET,
      });
      return { receive, resting };
    });
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    await end();
  });

  /** One caller up to their first attempts, on the given replica. */
  async function call(replica: number, code: number | null) {
    calls += 1;
    const id = `v3:${kind}-${calls}`;
    const { receive = fail } = replicas[replica] ?? {};
    const facts = { ...hookOf(id, 'call.initiated').facts, connectionId: CONNECTION };
    await receive(hookOf(id, 'call.initiated', { facts }));
    await receive(hookOf(id, 'call.answered'));
    const attempts = async () => (await stores[0]?.find(id))?.call.attempts ?? [];
    const open = (await attempts()).find(({ verdict }) => verdict === null);
    if (open !== undefined && code !== null) {
      await receive(
        hookOf(id, 'call.refer.failed', {
          sipNotifyResponse: code,
          clientState: encodeClientState(open.id, null),
        }),
      );
      await replicas[replica]?.resting.settled();
    }
    return {
      id,
      attempts: (await attempts()).map(({ kind: how, target, verdict }) => [how, target, verdict]),
    };
  }

  const fail = (): never => {
    throw new Error('no such replica');
  };

  it('five failures, counted on both, put it to rest on both; one caller of many tries it', async () => {
    for (const n of [0, 1, 0, 1, 0]) await call(n, 503);
    expect(told).toEqual(['target.resting a']);
    for (const n of [0, 1]) {
      const { id, attempts } = await call(n, null);
      expect(attempts).toEqual([
        ['refer', 'a', 'skipped'],
        ['refer', 'b', null],
      ]);
      const [, answered] = (await stores[n]?.timeline(id)) ?? [];
      expect(answered?.notes.join()).toContain('refer to a: skipped (a has been resting since ');
      expect(answered?.recorded?.resting?.[0]).toContain('a has been resting since ');
    }
    await stores[0]?.changeSetting('rest', (value) => {
      const { targets } = value as { targets: { a: { rest: { nextTryAt: number } } } };
      targets.a.rest.nextTryAt = 0;
      return value;
    });
    const many = await Promise.all([0, 1, 0, 1, 0, 1].map((n) => call(n, null)));
    const first = many.map(({ attempts }) => attempts[0]?.[2] ?? null);
    expect(first.toSorted()).toEqual(
      [null, ...Array.from({ length: 5 }, () => 'skipped')].toSorted(),
    );
  });

  it('a REFER refused with 405 is not tried again on that connection: the transfer is made', async () => {
    await stores[0]?.changeSetting('rest', () => null);
    expect((await call(0, 405)).attempts).toEqual([
      ['refer', 'a', 'not_allowed'],
      ['transfer', 'a', null],
    ]);
    expect((await call(1, null)).attempts).toEqual([
      ['refer', 'a', 'skipped'],
      ['transfer', 'a', null],
    ]);
  });
});
