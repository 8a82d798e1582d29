import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedCall } from '../../../src/core/recording/recorded-call.ts';
import { whyApart } from '../../../src/core/replay/apart.ts';
import {
  differs,
  explainNow,
  explainThen,
  happened,
  replay,
} from '../../../src/core/replay/replay.ts';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import type { RouteSet, RouteStep, Schedule } from '../../../src/core/rules/rule.ts';
import { recordCall, type Story, type TargetScript } from '../../helpers/recorded-call.ts';
import {
  clause,
  pick,
  refer,
  routeSet,
  rule,
  say,
  target,
  template,
} from '../../helpers/route-set.ts';

const DESK = '+14155550199';

function transfer(ifFailed = {}): RouteStep {
  const to = { kind: 'literal' as const, template: template(DESK), trusted: true };
  return { do: 'transfer', to, from: null, timeoutMs: null, ifFailed };
}

function menu(digits: Record<string, RouteStep[]>): RouteStep {
  return {
    do: 'menu',
    prompt: { say: [{ literal: 'Press.' }] },
    voice: null,
    language: null,
    digits,
    tries: 2,
    timeoutMs: 8_000,
  };
}

const targets = ['us', 'eu', 'dublin'].map((name) => target(name));
const one = (steps: RouteStep[], more: Parameters<typeof routeSet>[1] = {}) =>
  routeSet([rule('support', [], steps)], { targets, ...more });
const hangup: RouteStep = { do: 'hangup' };

/** What happened with `before`, and what would happen with `after`. */
function both(before: RouteSet, after: RouteSet, story: Story = {}) {
  const recorded = recordCall(before, story);
  const past = happened(recorded);
  const now = replay(recorded, compileRouteSet(after));
  return { recorded, past, now, differs: differs(past, now) };
}

const SETS: Record<string, RouteSet> = {
  hunt: one([refer('us', { busy: [refer('dublin')] }), refer('eu'), say('Sorry.'), hangup]),
  menu: one([
    menu({ 1: [refer('us')], 2: [refer('eu'), say('Later.'), hangup] }),
    transfer(),
    hangup,
  ]),
  transfer: one([transfer({ busy: [refer('eu')], any: [refer('us')] }), say('Sorry.'), hangup]),
  pick: one([pick({ us: 50, eu: 50 }, { any: [say('Nobody.'), hangup] })]),
  music: one([refer('us', { no_verdict: [refer('eu')] }), transfer()], {
    policy: { whileMoving: { say: [{ literal: 'One moment.' }] }, patienceMs: 20_000 },
  }),
  reject: one([{ do: 'reject', cause: 'busy' }]),
  bye: one([refer('us'), refer('eu')], {
    targets: targets.map((each) => ({ ...each, byeWithoutVerdict: 'completed' as const })),
  }),
  keys: routeSet(
    [
      rule(
        'by key',
        [
          clause({ key: 'event', values: ['call.dtmf.received'] }),
          clause({ key: 'digits', values: ['9'] }),
        ],
        [refer('eu')],
      ),
      rule('ignored', [], [{ do: 'ignore' }]),
    ],
    { targets },
  ),
};

const script = fc.record<TargetScript>({
  verdict: fc.constantFrom(
    'completed',
    'busy',
    'no_answer',
    'declined',
    'not_found',
    'not_allowed',
    'server_error',
    'other',
    'rejected',
    'silent',
    'bye',
  ),
  tookMs: fc.integer({ min: 0, max: 40_000 }),
  rings: fc.boolean(),
});
/**
 * Targets answer well within the step's time, and the caller does not hang up while a transfer
 * rings.
 */
function inTime(name: string, scripts: TargetScript[]): TargetScript[] {
  return scripts.map((each) => ({
    ...each,
    verdict: each.verdict === 'bye' && name === DESK ? 'busy' : each.verdict,
    tookMs: (each.tookMs ?? 0) / 2,
  }));
}

const stories = fc.record<Story>(
  {
    targets: fc.record({
      us: fc.array(script, { minLength: 1, maxLength: 2 }),
      eu: fc.array(script, { minLength: 1, maxLength: 2 }),
      [DESK]: fc.array(script, { minLength: 1, maxLength: 2 }),
    }) as fc.Arbitrary<Record<string, TargetScript[]>>,
    keys: fc.array(fc.constantFrom('1', '2', '9', null), { maxLength: 2 }),
    leavesAfterMs: fc.integer({ min: 0, max: 90_000 }),
    lagMs: fc.integer({ min: 0, max: 20_000 }),
    overBudget: fc.boolean(),
    resting: fc.subarray(['us', 'eu', 'dublin']),
    refusing: fc.subarray(['us', 'eu']),
    stopAfterMs: fc.integer({ min: 0, max: 60_000 }),
    manual: fc.record({
      afterMs: fc.integer({ min: 0, max: 30_000 }),
      sipAddress: fc.constant('sip:dublin@pbx.example.com'),
    }),
  },
  { requiredKeys: ['targets'] },
);

const RUNS = Number(process.env.REPLAY_RUNS ?? 200);

describe('unchanged routes', () => {
  it('lead every recorded call to where it went', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(SETS)), stories, (name, story) => {
        const set = SETS[name] as RouteSet;
        const { recorded, past, now } = both(set, set, story);
        if (whyApart(recorded) !== null) return;
        expect(now).toEqual(past);
      }),
      { numRuns: RUNS },
    );
  });

  it('do so too where a decision differs in nothing that moves a caller', () => {
    const reworded: Record<string, RouteSet> = Object.fromEntries(
      Object.entries(SETS).map(([name, set]) => [
        name,
        { ...set, lastResort: [say('Please call again tomorrow.'), hangup] },
      ]),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(SETS)), stories, (name, story) => {
        const { recorded, past, now } = both(
          SETS[name] as RouteSet,
          reworded[name] as RouteSet,
          story,
        );
        if (whyApart(recorded) !== null) return;
        expect(now).toEqual(past);
      }),
      { numRuns: RUNS },
    );
  });

  it('do so even where every command has to be asked for again', () => {
    const greeted = (set: RouteSet): RouteSet => ({
      ...set,
      rules: set.rules.map((each) =>
        'steps' in each.action
          ? { ...each, action: { steps: [say('Welcome.'), ...each.action.steps] } }
          : each,
      ),
    });
    const names = ['hunt', 'menu', 'transfer', 'pick', 'bye'];
    const patient = stories.map(
      ({ targets: scripts = {}, keys = [], resting = [], refusing = [] }): Story => ({
        keys,
        resting,
        refusing,
        targets: Object.fromEntries(
          Object.entries(scripts).map(([name, each]) => [name, inTime(name, each)]),
        ),
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...names), patient, (name, story) => {
        const set = SETS[name] as RouteSet;
        const { recorded, past, now } = both(set, greeted(set), story);
        if (whyApart(recorded) !== null || recorded.stored.patienceOver) return;
        expect(now).toEqual(past);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('changed routes', () => {
  it('lead a call to where it would have gone, if all that they ask for was tried', () => {
    const hunt = [refer('eu', { busy: [transfer()] }), refer('us'), transfer(), hangup];
    const sets: Record<string, RouteSet> = {
      ...SETS,
      other: one(hunt),
      greeted: one([say('Welcome.'), ...hunt]),
    };
    const names = fc.constantFrom('hunt', 'menu', 'transfer', 'pick', 'reject', 'other', 'greeted');
    const same = stories.map(({ targets: scripts = {}, keys = [], resting = [] }): Story => {
      const heard = (each: TargetScript) => each.verdict !== 'silent' && each.verdict !== 'bye';
      const once = Object.entries(scripts).map(([name, each]) => [
        name,
        inTime(name, each).filter(heard).slice(0, 1),
      ]);
      return { targets: Object.fromEntries(once), keys: Array(9).fill(keys[0] ?? null), resting };
    });
    const menus = ({ events }: RecordedCall) =>
      events.filter(({ event }) => event.type === 'call.gather.ended').length;
    fc.assert(
      fc.property(names, names, same, (before, after, story) => {
        const recorded = recordCall(sets[before] as RouteSet, story);
        const truth = recordCall(sets[after] as RouteSet, story);
        const now = replay(recorded, compileRouteSet(sets[after] as RouteSet));
        fc.pre(now.assumed.length === 0 && menus(truth) <= menus(recorded));
        fc.pre(![recorded, truth].some(({ stored }) => stored.patienceOver));
        expect(now).toEqual(happened(truth));
      }),
      { numRuns: RUNS },
    );
  });

  it('send a caller to a target that nobody had tried: it is assumed to complete, and named', () => {
    const { now, past } = both(one([refer('us')]), one([refer('dublin')]));
    expect(past).toMatchObject({ attempts: ['us'], ends: 'referred', target: 'us' });
    expect(now).toMatchObject({ attempts: ['dublin'], ends: 'referred', assumed: ['dublin'] });
  });

  it('reuse what targets really answered', () => {
    const story: Story = { targets: { us: [{ verdict: 'busy' }], eu: [{ verdict: 'completed' }] } };
    const set = one([refer('us'), refer('eu')]);
    expect(both(set, one([refer('eu'), refer('us')]), story).now).toMatchObject({
      attempts: ['eu'],
      moves: 1,
      assumed: [],
    });
    // The verdict selects the branch: busy, and not another one.
    const branches = { not_found: [refer('eu')], busy: [refer('dublin')] };
    expect(both(set, one([refer('us', branches), hangup]), story).now).toMatchObject({
      attempts: ['us', 'dublin'],
      assumed: ['dublin'],
    });
  });

  it('let a target refuse the REFER itself again, with a code that could also be a decline', () => {
    const ways = [refer('us', { not_allowed: [transfer()], declined: [hangup] }), hangup];
    const story: Story = {
      targets: { us: [{ verdict: 'not_allowed', sipNotifyResponse: 603 }] },
    };
    const { past, now } = both(one(ways), one([say('Welcome.'), ...ways]), story);
    expect(past).toMatchObject({ attempts: ['us', DESK], target: DESK });
    expect(now).toEqual(past);
  });

  it('know a target by its address where its name is another one', () => {
    const renamed = target('frankfurt', { sip: template('sip:us@pbx.example.com') });
    const story: Story = { targets: { us: [{ verdict: 'declined', rings: true }] } };
    const set = one([refer('frankfurt'), hangup], { targets: [renamed] });
    expect(both(one([refer('us')]), set, story).now).toMatchObject({
      attempts: ['frankfurt'],
      ends: 'hung_up',
      assumed: [],
    });
  });

  it('do not let a target ring that was only said to when the next one rang', () => {
    const hunt = [refer('us'), refer('eu'), say('Sorry.'), hangup];
    const story: Story = {
      targets: { us: [{ verdict: 'silent' }], eu: [{ verdict: 'declined' }] },
    };
    const { past, now } = both(one(hunt), one([say('Welcome.'), ...hunt]), story);
    expect(now).toEqual(past);
  });

  it('differ by the rule alone', () => {
    const renamed = routeSet([rule('help desk', [], [refer('us')])], { targets });
    const { past, now, differs: isOther } = both(one([refer('us')]), renamed);
    expect(isOther).toBe(true);
    expect(now).toEqual({ ...past, rule: 'help desk' });
  });

  it('meet the keys that the caller really pressed', () => {
    const before = one([menu({ 1: [refer('us')], 2: [refer('eu')] })]);
    const after = one([menu({ 1: [refer('us')], 2: [refer('dublin')] })]);
    expect(both(before, after, { keys: ['2'] }).now.attempts).toEqual(['dublin']);
    expect(both(before, after, { keys: ['1'] }).differs).toBe(false);
    // Another menu comes first and gets the first answer.
    const asksTwice = one([menu({ 2: [menu({ 1: [refer('dublin')] }), hangup] }), hangup]);
    expect(both(before, asksTwice, { keys: ['2'] }).now).toMatchObject({
      attempts: [],
      ends: 'hung_up',
    });
  });

  it('lose a caller who hung up before they got there, and keep one who gets there sooner', () => {
    const story: Story = { targets: { us: [{ verdict: 'silent' }] }, leavesAfterMs: 9_000 };
    const before = one([transfer(), hangup]);
    const ringing = { ...story, targets: { [DESK]: [{ verdict: 'silent' as const }] } };
    const slow = one([say('Welcome to the support of this company. '.repeat(9)), refer('eu')]);
    expect(both(before, slow, ringing)).toMatchObject({
      past: { attempts: [DESK], ends: 'abandoned' },
      now: { attempts: [], ends: 'abandoned', assumed: [] },
    });
    expect(both(before, one([refer('eu')]), ringing).now).toMatchObject({
      attempts: ['eu'],
      ends: 'referred',
    });
  });

  it.each(['no_answer', 'busy'] as const)(
    'end a call as it ended whose caller left while a REFER rang: %s came later',
    (verdict) => {
      const hunt = [refer('us'), refer('eu'), hangup];
      const code = verdict === 'busy' ? 486 : 487;
      const us = { verdict, sipNotifyResponse: code, rings: true, tookMs: 6_000 };
      const story: Story = { targets: { us: [us] }, leavesAfterMs: 3_000 };
      const { past, now } = both(one(hunt), one([say('Welcome.'), ...hunt]), story);
      expect(past).toMatchObject({ attempts: ['us'], ends: 'abandoned' });
      expect(now).toEqual(past);
    },
  );

  it('shorten a time: a target that really needed longer does not answer within it', () => {
    const story: Story = { targets: { us: [{ verdict: 'completed', tookMs: 12_000 }] } };
    const quick = targets.map((each) => ({ ...each, timeoutMs: 8_000 }));
    const after = one([refer('us'), say('Sorry.'), hangup], { targets: quick });
    expect(both(one([refer('us'), say('Sorry.'), hangup]), after, story).now).toMatchObject({
      attempts: ['us'],
      ends: 'hung_up',
    });
  });

  it('let an operator do what they did if the caller is still there to be moved', () => {
    const manual = { afterMs: 3_000, sipAddress: 'sip:dublin@pbx.example.com' };
    const waiting = one([say('Please hold the line. '.repeat(20)), hangup]);
    const reworded = one([say('One moment. '.repeat(40)), hangup]);
    expect(both(waiting, reworded, { manual }).now).toMatchObject({
      attempts: [manual.sipAddress],
      assumed: [],
    });
    const rejecting = one([{ do: 'reject', cause: 'busy' }]);
    expect(both(waiting, rejecting, { manual }).now).toMatchObject({
      attempts: [],
      ends: 'rejected',
    });
  });

  it('hear schedules at the time of the call, with the overrides of that time', () => {
    const office: Schedule = {
      name: 'office',
      zone: 'Etc/UTC',
      open: [{ days: [1], fromMinute: 0, toMinute: 24 * 60 }],
      closed: [],
      closedSpans: [],
      openSpans: [],
      special: [],
    };
    const open = clause({ key: 'schedule', values: ['office'] });
    const set = routeSet([rule('open', [open], [refer('us')])], { targets, schedules: [office] });
    const before = one([refer('eu')]);
    const monday = Date.parse('2026-03-02T15:00:00Z');
    const tuesday = monday + 24 * 3_600_000;
    expect(both(before, set, { at: monday }).now.rule).toBe('open');
    expect(both(before, set, { at: tuesday }).now).toMatchObject({ rule: null, ends: 'rejected' });
    const overrides = { schedules: { office: { open: true, untilMs: tuesday + 60_000 } } };
    expect(both(before, set, { at: tuesday, overrides }).now.rule).toBe('open');
  });

  it('follow a rule on a later event with the keys of a call that another application answered', () => {
    const later = (to: string) =>
      routeSet(
        [
          rule(
            'by key',
            [
              clause({ key: 'event', values: ['call.dtmf.received'] }),
              clause({ key: 'digits', values: ['9'] }),
            ],
            [refer(to)],
          ),
        ],
        { targets },
      );
    const { past, now } = both(later('eu'), later('dublin'), { keys: ['4', '9'] });
    expect(past).toMatchObject({ rule: 'by key', attempts: ['eu'] });
    expect(now).toMatchObject({ rule: 'by key', attempts: ['dublin'], assumed: ['dublin'] });
  });

  it('meet the budget of that moment where they ask for a move at it, and none later', () => {
    const set = one([refer('us'), say('Sorry.'), hangup]);
    expect(both(set, set, { overBudget: true })).toMatchObject({
      past: { attempts: ['us'], moves: 0, ends: 'hung_up' },
      differs: false,
    });
    const other = one([refer('eu'), say('Sorry.'), hangup]);
    expect(both(set, other, { overBudget: true }).now).toMatchObject({
      attempts: ['eu'],
      moves: 0,
      ends: 'hung_up',
    });
    const later = one([say('Welcome.'), refer('eu')]);
    expect(both(set, later, { overBudget: true }).now).toMatchObject({
      moves: 1,
      assumed: ['eu'],
    });
  });

  it('skip a target that rested, and transfer where a REFER was known to be refused', () => {
    const hunt = [refer('us'), refer('eu'), hangup];
    const resting = both(one(hunt), one([say('Welcome.'), ...hunt]), { resting: ['us'] });
    expect(resting.past).toMatchObject({ attempts: ['us', 'eu'], moves: 1, target: 'eu' });
    expect(resting.now).toEqual(resting.past);
    // Of two targets that follow one another, the other one rested.
    const swapped = both(one(hunt), one([refer('eu'), refer('us')]), { resting: ['us'] });
    expect(swapped.now).toMatchObject({ attempts: ['eu'], assumed: [] });
    // It was tried, because none followed it; here another one does.
    const last = { targets: { [DESK]: [{ verdict: 'busy' as const }] }, resting: ['us'] };
    const followed = both(one([transfer(), refer('us')]), one([refer('us'), refer('eu')]), last);
    expect(followed.past).toMatchObject({ attempts: [DESK, 'us'], target: 'us' });
    expect(followed.now).toMatchObject({ attempts: ['us', 'eu'], target: 'eu' });
    const ways = [refer('us', { not_allowed: [transfer()] }), hangup];
    const refusing = both(one(ways), one([say('Welcome.'), ...ways]), { refusing: ['us'] });
    expect(refusing.past).toMatchObject({ attempts: ['us', DESK], moves: 1 });
    expect(refusing.now).toEqual(refusing.past);
  });

  it('give no answer about a target to another one that is asked about at that moment', () => {
    const later = (to: string) =>
      routeSet(
        [
          rule(
            'answered',
            [clause({ key: 'event', values: ['call.answered'] })],
            [refer(to), refer('eu')],
          ),
        ],
        { targets },
      );
    const { past, now } = both(later('us'), later('dublin'), { resting: ['us'] });
    expect(past).toMatchObject({ attempts: ['us', 'eu'], target: 'eu' });
    expect(now).toMatchObject({ attempts: ['dublin'], target: 'dublin', assumed: ['dublin'] });
  });

  it('compare a call that still lives only up to there, where a prompt comes first too', () => {
    const hunt = [refer('us'), transfer(), hangup];
    const greeted = one([say('Welcome. '.repeat(20)), ...hunt]);
    const story: Story = { targets: { us: [{ verdict: 'busy' }] }, stopAfterMs: 20_000 };
    const talking = both(one(hunt), greeted, story);
    expect(talking.recorded.stored.phase).toBe('bridged');
    expect(talking.now).toEqual(talking.past);
    const ringing: Story = { targets: { us: [{ verdict: 'silent' }] }, stopAfterMs: 5_000 };
    expect(both(one(hunt), greeted, ringing)).toMatchObject({
      past: { attempts: ['us'], ends: null },
      differs: false,
    });
    const moved = both(one(hunt), one([refer('eu')]), story);
    expect(moved.now).toMatchObject({ attempts: ['eu'], ends: null });
  });

  it('leave a call to another application', () => {
    const { now } = both(one([refer('us')]), one([{ do: 'ignore' }]));
    expect(now).toMatchObject({ attempts: [], ends: 'ignored', moves: 0, target: null });
  });

  it('tell of a call that still lives only what is known of it', () => {
    const set = one([say('Please wait. '.repeat(20)), refer('us')]);
    const story: Story = { stopAfterMs: 2_000 };
    expect(both(set, set, story)).toMatchObject({ past: { ends: null }, differs: false });
    expect(both(set, one([refer('eu')]), story)).toMatchObject({ differs: true });
  });
});

describe('calls that count apart', () => {
  const ignoring = one([{ do: 'ignore' }]);

  it.each<[string, RouteSet, Story, ReturnType<typeof whyApart>]>([
    ['one that a rule left to another application', ignoring, {}, 'unmanaged'],
    ['one that still lives there', ignoring, { stopAfterMs: 100 }, 'unmanaged'],
    [
      'an outgoing leg of somebody else',
      one([refer('us')]),
      { facts: { direction: 'outgoing' } },
      'unmanaged',
    ],
    ['a managed one does not', one([refer('us')]), {}, null],
  ])('%s', (_, set, story, why) => {
    expect(whyApart(recordCall(set, story))).toBe(why);
  });

  it('are also those without a decision, and those whose events were not kept', () => {
    const recorded = recordCall(one([refer('us')]));
    const undecided = { ...recorded, stored: { ...recorded.stored, decided: false } };
    expect(whyApart(undecided)).toBe('undecided');
    expect(whyApart({ ...recorded, recording: 'cut' })).toBe('unrecorded');
  });
});

describe('a call that somebody opens', () => {
  it('shows the steps and the reasons, then and under these routes', () => {
    const story: Story = { targets: { us: [{ verdict: 'busy' }] } };
    const recorded = recordCall(one([refer('us'), refer('eu')]), story);
    expect(explainThen(recorded)).toMatchObject({
      path: ['answer', 'refer us', 'refer eu'],
      trace: [{ rule: 'support', matched: true }],
      routeSet: 'hash',
    });
    const now = compileRouteSet({ ...one([say('Hello.'), refer('us'), hangup]), hash: 'newer' });
    expect(explainNow(recorded, now)).toMatchObject({
      path: ['answer', 'say', 'refer us', 'hangup'],
      trace: [{ rule: 'support', matched: true }],
      routeSet: 'newer',
      ends: 'hung_up',
    });
  });
});
