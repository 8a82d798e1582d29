import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CallFacts } from '../../../src/core/machine/call.ts';
import type { CallEvent } from '../../../src/core/machine/event.ts';
import type { Moment } from '../../../src/core/machine/plan.ts';
import { followsNext } from '../../../src/core/rules/next-share.ts';
import { createDecider } from '../../../src/engine/routes/decider.ts';
import { createNextSet, type NextSet } from '../../../src/engine/routes/next-routes.ts';
import type { LogFields } from '../../../src/log/log.ts';
import { createMetrics, type Metrics } from '../../../src/metrics.ts';
import {
  type NextRoutes,
  openNextRoutes,
  openRoutes,
  type Routes,
} from '../../../src/routing/reload.ts';
import { aCall } from '../../helpers/documents.ts';
import { facts, moment } from '../../helpers/route-set.ts';
import { type Files, PATIENT_HANDLERS, writeFiles } from '../../routing/routes-folder.ts';

const TARGETS = `targets:
  us: { sip: "sip:support@us.example.com" }
  eu: { sip: "sip:support@eu.example.com" }
`;
const rule = (target: string) =>
  `${TARGETS}rules: [ { name: support, when: { to: "+14155550100" }, do: [ { refer: ${target} } ] } ]\notherwise: [ hangup ]\n`;
const HANDLER = (target: string) =>
  `export default (call) => call.from === '+14155550199' ? undefined : [{ refer: '${target}' }];\n`;
const ASKING = `${TARGETS}rules:
  - { name: asked, handler: handlers/h.ts }
  - { name: support, when: { to: "+14155550100" }, do: [ { refer: us } ] }
otherwise: [ hangup ]
`;
const EVENT = {} as CallEvent;
const OPTIONS = { env: {}, ...PATIENT_HANDLERS };

let folder: string;
let metrics: Metrics;
let lines: { event: string; fields: LogFields }[];
let now: number;
let routes: Routes;
let nextFolder: NextRoutes;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-next-'));
  metrics = createMetrics();
  lines = [];
  now = Date.now();
});
afterEach(async () => {
  await routes.close();
  await nextFolder.close();
  metrics.close();
  await rm(folder, { recursive: true });
});

async function open(live: Files | string, after: Files | string, percent = 0) {
  const filesOf = (given: Files | string) =>
    typeof given === 'string' ? { 'main.yaml': given } : given;
  await writeFiles(join(folder, 'live'), filesOf(live));
  await writeFiles(join(folder, 'next'), filesOf(after));
  routes = await openRoutes(join(folder, 'live'), OPTIONS);
  nextFolder = await openNextRoutes(join(folder, 'next'), OPTIONS);
  const next = createNextSet({
    live: routes,
    folder: nextFolder,
    percent,
    log: { emit: (event, fields = {}) => lines.push({ event, fields }) },
    metrics,
    now: () => now,
  });
  return { next, decider: createDecider(routes, next) };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** Decides and commits, like the receiver. */
function take(
  { next, decider }: Opened,
  call: Partial<CallFacts> & { callId: string },
  more: { moment?: Partial<Moment>; routeSet?: string | null; commits?: boolean } = {},
) {
  const decision = decider.decide(facts(call), moment(more.moment), {}, more.routeSet ?? null);
  if (more.commits !== false) commit(next, call.callId);
  return decision;
}

function commit(next: NextSet, callId: string): void {
  next.observer.committed(EVENT, null, aCall(callId), []);
}

async function reportOf({ next }: Opened) {
  await next.compared();
  return next.report();
}

describe('each call is decided by both sets', () => {
  test('callers follow the live one; what differs is counted in pairs, with the newest calls', async () => {
    const opened = await open(rule('us'), rule('eu'));
    for (let n = 1; n <= 7; n += 1) {
      expect(take(opened, { callId: `call-${n}` })).toMatchObject({
        rule: 'support',
        routeSet: routes.current().set.hash,
        plan: [{ target: 'us' }],
      });
    }
    take(opened, { callId: 'other', to: '+14155550111' });
    expect(await reportOf(opened)).toMatchObject({
      hash: nextFolder.current()?.set.hash,
      percent: 0,
      decided: 8,
      differs: 7,
      notCompared: 0,
      changes: [
        {
          before: { rule: 'support', target: 'us' },
          after: { rule: 'support', target: 'eu' },
          calls: 7,
          examples: ['call-7', 'call-6', 'call-5', 'call-4', 'call-3'],
        },
      ],
      refusal: null,
    });
    const text = await metrics.text();
    expect(text).toContain('referee_next_routes_decisions_total{result="same"} 1');
    expect(text).toContain('referee_next_routes_decisions_total{result="differs"} 7');
  });

  test('a pair is logged once a minute, with how often since', async () => {
    const opened = await open(rule('us'), `${TARGETS}otherwise: [ hangup ]\n`);
    take(opened, { callId: 'a' });
    take(opened, { callId: 'b' });
    await opened.next.compared();
    now += 60_000;
    take(opened, { callId: 'c' });
    await opened.next.compared();
    expect(lines).toMatchObject([
      {
        event: 'routes.next_differs',
        fields: {
          call_control_id: 'a',
          before: { rule: 'support', target: 'us' },
          after: { rule: 'otherwise', target: null },
          count: 1,
        },
      },
      { event: 'routes.next_differs', fields: { call_control_id: 'c', count: 2 } },
    ]);
  });

  test('words and times are no difference; another order of targets is one', async () => {
    const steps = (list: string) =>
      `${TARGETS}rules: [ { name: r, when: { to: "+14155550100" }, do: [ ${list} ] } ]\notherwise: [ hangup ]\n`;
    const opened = await open(
      steps('{ say: Hello }, { refer: us, timeout: 10s }, { refer: eu }'),
      steps('{ say: Welcome }, { refer: us, timeout: 20s }, { refer: eu }'),
    );
    take(opened, { callId: 'a' });
    expect(await reportOf(opened)).toMatchObject({ decided: 1, differs: 0, changes: [] });
    await writeFiles(join(folder, 'next'), { 'main.yaml': steps('{ refer: us }, hangup') });
    await nextFolder.reload();
    take(opened, { callId: 'b' });
    expect(await reportOf(opened)).toMatchObject({ decided: 1, differs: 1 });
  });

  test('only what is committed counts, and once, however often it was decided', async () => {
    const opened = await open(rule('us'), rule('eu'));
    take(opened, { callId: 'lost' }, { commits: false });
    take(opened, { callId: 'raced' }, { commits: false });
    take(opened, { callId: 'raced' });
    expect(await reportOf(opened)).toMatchObject({ decided: 1, differs: 1 });
  });

  test('a later event counts if one of the sets acts on it', async () => {
    const onDigits = `${TARGETS}rules: [ { name: r, when: { event: call.dtmf.received, digits: "1" }, do: [ { refer: us } ] } ]\notherwise: [ ignore ]\n`;
    const opened = await open(onDigits, rule('us'));
    const pressed = (digits: string) => ({ event: 'call.dtmf.received' as const, digits });
    take(opened, { callId: 'a' }, { moment: pressed('2') });
    take(opened, { callId: 'b' }, { moment: pressed('1') });
    expect(await reportOf(opened)).toMatchObject({
      decided: 1,
      changes: [{ before: { rule: 'r', target: 'us' }, after: { rule: null, target: null } }],
    });
  });

  test('counts begin again when one of the sets changes', async () => {
    const opened = await open(rule('us'), rule('eu'));
    take(opened, { callId: 'a' });
    expect((await reportOf(opened)).decided).toBe(1);
    await nextFolder.reload();
    expect((await reportOf(opened)).decided).toBe(1);
    await writeFiles(join(folder, 'next'), { 'main.yaml': rule('us') });
    await nextFolder.reload();
    expect(await reportOf(opened)).toMatchObject({ decided: 0, differs: 0, changes: [] });
  });
});

describe('a share of the callers follows the next set', () => {
  test('always the same ones, with its hash, and they are compared as well', async () => {
    const opened = await open(rule('us'), rule('eu'), 50);
    const next = nextFolder.current()?.set.hash;
    const callers = Array.from({ length: 40 }, (_, n) => `+1415555${1000 + n}`);
    for (const from of callers) {
      const follows = followsNext(facts({ from }), 50);
      for (const callId of [`${from} 1`, `${from} 2`]) {
        expect(take(opened, { callId, from })).toMatchObject({
          routeSet: follows ? next : routes.current().set.hash,
          plan: [{ target: follows ? 'eu' : 'us' }],
        });
      }
    }
    const { decided, differs, changes } = await reportOf(opened);
    expect([decided, differs, changes.length, changes[0]?.before.target]).toEqual([
      80,
      80,
      1,
      'us',
    ]);
  });

  test('a later event is decided by the set that the call follows, if it is still there', async () => {
    const opened = await open(rule('us'), rule('eu'), 100);
    const [live, next] = [routes.current().set.hash, nextFolder.current()?.set.hash ?? ''];
    const by = (routeSet: string | null) => take(opened, { callId: 'a' }, { routeSet }).routeSet;
    expect([by(live), by(next), by('an older set'), by(null)]).toEqual([live, next, next, next]);
  });
});

describe('handlers', () => {
  const files = (main: string, target: string) => ({
    'main.yaml': main,
    'handlers/h.ts': HANDLER(target),
  });

  test('run once a call: an identical one answers for both sets', async () => {
    const opened = await open(
      files(ASKING, 'us'),
      files(ASKING.replace('refer: us', 'refer: eu'), 'us'),
    );
    take(opened, { callId: 'a' });
    take(opened, { callId: 'b', from: '+14155550199' });
    expect(await reportOf(opened)).toMatchObject({
      decided: 2,
      differs: 1,
      notCompared: 0,
      changes: [{ before: { rule: 'support', target: 'us' }, examples: ['b'] }],
    });
  });

  test('one that only the next set has is not run: its calls are not compared', async () => {
    const opened = await open(rule('us'), files(ASKING, 'eu'));
    take(opened, { callId: 'a' });
    expect(await reportOf(opened)).toMatchObject({ decided: 0, notCompared: 1, changes: [] });
  });
});

describe('a next set that is no good', () => {
  test('changes nothing at the start, and its problems are reported', async () => {
    const opened = await open(rule('us'), 'rulez: []', 100);
    expect(take(opened, { callId: 'a' })).toMatchObject({ plan: [{ target: 'us' }] });
    expect(await reportOf(opened)).toMatchObject({
      hash: null,
      decided: 0,
      refusal: {
        problems: expect.arrayContaining([expect.objectContaining({ file: 'main.yaml' })]),
      },
    });
    await writeFiles(join(folder, 'next'), { 'main.yaml': rule('eu') });
    expect(await nextFolder.reload()).toMatchObject({ ok: true, changed: true });
    expect(take(opened, { callId: 'b' })).toMatchObject({ plan: [{ target: 'eu' }] });
    // The last valid set remains the next set, also for replicas that follow it.
    await writeFiles(join(folder, 'next'), { 'main.yaml': 'rulez: []' });
    expect(await nextFolder.reload()).toMatchObject({ ok: false });
    expect(take(opened, { callId: 'c' })).toMatchObject({ plan: [{ target: 'eu' }] });
    expect((await reportOf(opened)).refusal).not.toBeNull();
  });

  test('an error while it decides leaves the call to the live set, and is logged once', async () => {
    const opened = await open(rule('us'), rule('eu'), 100);
    const set = nextFolder.current();
    if (set === null) throw new Error('it is good');
    set.rules = new Proxy(set.rules, {
      get: (rules, name) => {
        if (name === '0') throw new TypeError('a fault of ours');
        return Reflect.get(rules, name);
      },
    });
    for (const callId of ['a', 'b']) {
      expect(take(opened, { callId })).toMatchObject({
        routeSet: routes.current().set.hash,
        plan: [{ target: 'us' }],
      });
    }
    expect(await reportOf(opened)).toMatchObject({ decided: 0, notCompared: 2 });
    expect(lines.map(({ event }) => event)).toEqual(['routes.next_failed']);
  });
});
