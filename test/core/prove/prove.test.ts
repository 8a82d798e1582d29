/** Small sets whose worst case can be worked out by hand. */
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../src/core/machine/call.ts';
import { breaches, type Guarantee } from '../../../src/core/prove/guarantee.ts';
import { proveNow, type RuleProof } from '../../../src/core/prove/prove.ts';
import { ruleReport } from '../../../src/core/prove/report.ts';
import { stepsIn } from '../../../src/core/prove/tree.ts';
import { inWords } from '../../../src/core/prove/words.ts';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import type { Policy, RouteSet, RouteStep, Target } from '../../../src/core/rules/rule.ts';
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

function prove(set: RouteSet, fixed?: { target: string; verdict: Verdict }): RuleProof[] {
  const options = fixed === undefined ? {} : { fixed };
  return proveNow(compileRouteSet(set), { examples: [], ...options });
}

function one(
  steps: RouteStep[],
  more: { policy?: Partial<Policy>; targets?: Target[]; lastResort?: RouteStep[] } = {},
): RuleProof {
  const targets = [target('a'), target('b'), target('c')];
  const [proof] = prove(routeSet([rule('r', [], steps)], { targets, ...more }));
  if (proof === undefined) throw new Error('no proof');
  return proof;
}

const hangup: RouteStep = { do: 'hangup' };
const quick = (name: string, timeoutMs: number) => ({ ...refer(name), timeoutMs }) as RouteStep;
const transfer = (number: string, timeoutMs: number | null = null): RouteStep => ({
  do: 'transfer',
  to: { kind: 'literal', template: template(number), trusted: true },
  from: null,
  timeoutMs,
  ifFailed: {},
});
const menu = (digits: Record<string, RouteStep[]>, tries = 1): RouteStep => ({
  do: 'menu',
  prompt: { say: [{ literal: 'Press.' }] },
  voice: null,
  language: null,
  digits,
  tries,
  timeoutMs: 8_000,
});
/** The machine's slowest speech: 6 s plus 110 ms per character. */
const speechSecs = (text: string) => 6 + text.length * 0.11;

describe('the worst of a rule', () => {
  it('is nothing where a call is turned away at once', () => {
    const proof = one([{ do: 'reject', cause: 'busy' }]);
    const nothing = { path: ['reject busy'], verdicts: [], digits: [] };
    expect(ruleReport(proof)).toEqual({
      rule: 'r',
      complete: true,
      paths: 1,
      ends: { rejected: 1 },
      worst: {
        wait: { secs: 0, ...nothing },
        silence: { secs: 0, ...nothing },
        moves: { count: 0, ...nothing },
      },
    });
  });

  it('has each attempt take its time and the 15 s of its probe', () => {
    const { worst, ends } = ruleReport(
      one([quick('a', 20_000), quick('b', 30_000), say('Sorry.'), hangup]),
    );
    expect(worst?.wait).toEqual({
      secs: 20 + 15 + 30 + 15,
      path: ['answer', 'refer a', 'refer b', 'say', 'hangup'],
      verdicts: ['no_verdict', 'no_verdict'],
      digits: [],
    });
    // Nothing plays while the caller is moved, so an answered caller hears nothing before the last
    // prompt.
    expect(worst?.silence).toMatchObject({ secs: 80 });
    expect(worst?.moves).toMatchObject({ count: 2 });
    expect(Object.keys(ends).sort()).toEqual(['abandoned', 'hung_up', 'referred', 'unconfirmed']);
  });

  it('has no silence where words are said meanwhile', () => {
    const proof = one([refer('a'), say('Sorry.'), hangup], {
      policy: { whileMoving: { say: [{ literal: 'Please hold.' }] } },
    });
    expect(ruleReport(proof).worst?.silence.secs).toBe(0);
  });

  it('counts patience, and the probe that asks before it ends an attempt', () => {
    const steps = [refer('a'), refer('b'), say('Sorry.'), hangup];
    const { worst, ends } = ruleReport(one(steps, { policy: { patienceMs: 60_000 } }));
    expect(worst?.wait.secs).toBe(60 + 15);
    expect(worst?.wait.path).toEqual(['answer', 'refer a', 'refer b', 'say', 'hangup']);
    // When the patience is over, the last resort plays, not the rule's own prompt.
    expect(ends.failed).toBeGreaterThan(0);
    expect(ends.hung_up).toBeGreaterThan(0);
  });

  it('tries as many as fail at once, though patience would stop slow ones', () => {
    const steps = [refer('a'), refer('b'), refer('c'), refer('a'), hangup];
    const { worst } = ruleReport(one(steps, { policy: { patienceMs: 40_000 } }));
    expect(worst?.moves.count).toBe(4);
    expect(worst?.wait.secs).toBe(55);
  });

  it('knows the budget of one call', () => {
    const refers = { perCall: 1, perHour: null, perCallerPerHour: null };
    const { worst } = ruleReport(one([refer('a'), refer('b'), hangup], { policy: { refers } }));
    expect(worst?.moves.count).toBe(1);
    // A refusal by Telnyx takes no time, so the second may be tried.
    expect(worst?.wait.path).toContain('refer b');
  });

  it('waits for a transfer until 5 s after its ringing ends, then asks', () => {
    const { worst, ends } = ruleReport(one([transfer('+14155550199', 20_000), say('No.'), hangup]));
    expect(worst?.wait.secs).toBe(20 + 5 + 15);
    expect(ends.transferred).toBe(1);
  });

  it('has a menu say its words and wait for a key as often as it tries', () => {
    const { worst } = ruleReport(one([menu({ '1': [refer('a')] }, 2), hangup]));
    const menuSecs = 2 * (speechSecs('Press.') + 8);
    // The last possible key is pressed; then come the attempt and the last resort.
    expect(worst?.wait.secs).toBeCloseTo(menuSecs + 45);
    expect(worst?.wait.digits).toEqual(['1']);
    // Silence lasts from the end of the menu's prompt to the end of the attempt.
    expect(worst?.silence.secs).toBeCloseTo(8 + 45);
  });

  it('ends a wait with the first word of the last prompt', () => {
    const first = 'One moment please.';
    const { worst } = ruleReport(one([say(first), say('Goodbye.'), hangup]));
    expect(worst?.wait.secs).toBeCloseTo(speechSecs(first));
  });

  it('does not take a prompt for the last one where a move follows', () => {
    const { worst } = ruleReport(
      one([say('One moment.'), refer('a'), hangup], { lastResort: [hangup] }),
    );
    expect(worst?.wait.secs).toBeCloseTo(speechSecs('One moment.') + 45);
  });

  it('moves nobody on after a target rang, unless the route says so', () => {
    const stays = one([refer('a'), refer('b'), hangup]);
    expect([...stays.summary.ends.keys()]).toContain('unconfirmed');
    const rang = stays.trees[0]?.root.branches[0]?.to;
    expect(JSON.stringify(rang, (key, value) => (key === 'summary' ? undefined : value))).toContain(
      '"ringing":true',
    );
  });

  it('finds each order of a pick', () => {
    const proof = one([pick({ a: 5, b: 1, c: 1 }), hangup]);
    expect(proof.complete).toBe(true);
    expect(new Set(proof.trees.map(({ who }) => who)).size).toBe(6);
    expect(stepsIn(proof)).toContain('refer c');
  });

  it('plays a target whose address depends on the caller both ways', () => {
    const depends = target('a', { sip: template('sip:{from_user}@pbx.example.com') });
    const proof = one([refer('a')], { targets: [depends] });
    expect(proof.trees.map(({ who }) => who)).toEqual([
      null,
      'where a placeholder has no usable value',
    ]);
  });

  it('plays a rule on a later event from that event on', () => {
    const later = clause({ key: 'event', values: ['call.answered'] });
    const [proof] = prove(
      routeSet([rule('r', [later], [quick('a', 20_000), say('Sorry.'), hangup])], {
        targets: [target('a')],
      }),
    );
    const wait = proof && ruleReport(proof).worst?.wait;
    expect(wait).toMatchObject({ secs: 35, path: ['refer a', 'say', 'hangup'] });
  });

  it('counts the move with which a rule on a later event begins', () => {
    const later = clause({ key: 'event', values: ['call.dtmf.received'] });
    const worstOf = (steps: RouteStep[], policy: Partial<Policy> = {}) => {
      const targets = [target('a'), target('b')];
      const [proof] = prove(routeSet([rule('r', [later], steps)], { targets, policy }));
      return proof && ruleReport(proof).worst;
    };
    expect(worstOf([refer('a')])?.moves).toMatchObject({ count: 1, path: ['refer a'] });
    expect(worstOf([refer('a'), refer('b'), hangup])?.moves.count).toBe(2);
    const refers = { perCall: 1, perHour: null, perCallerPerHour: null };
    expect(worstOf([refer('a'), refer('b'), hangup], { refers })?.moves.count).toBe(1);
  });

  it('says what a handler leaves open', () => {
    const run = () => ({ notMine: '', warning: false });
    const [proof] = prove(routeSet([rule('r', [], { handler: 'handlers/x.ts', run })]));
    expect(proof && ruleReport(proof)).toMatchObject({
      complete: false,
      paths: 0,
      worst: null,
      unfinished: expect.stringContaining('handlers/x.ts decides'),
    });
  });

  it('counts and reports what is beyond its bound', () => {
    const keys = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
    const level = (n: number): RouteStep =>
      menu(Object.fromEntries(keys.map((key) => [key, [say(`${n} ${key}`), { do: 'continue' }]])));
    const { complete, paths, ends, unfinished } = ruleReport(one([1, 2, 3, 4, 5, 6].map(level)));
    expect({ complete, paths }).toEqual({ complete: false, paths: 100_000 });
    expect(Object.values(ends).reduce((sum, each) => sum + each, 0)).toBe(100_000);
    expect(unfinished).toContain('more than 100,000 paths');
  });

  it('bounds the paths of a rule, not those of each order of its pick', () => {
    const keys = ['1', '2', '3', '4', '5', '6'];
    const level = (n: number): RouteStep =>
      menu(Object.fromEntries(keys.map((key) => [key, [say(`${n} ${key}`), { do: 'continue' }]])));
    const menus = [1, 2, 3, 4].map(level);
    const policy = { patienceMs: 3_600_000 };
    const oneOrder = ruleReport(one([...menus, refer('a'), refer('b'), refer('c')], { policy }));
    const { complete, paths } = ruleReport(one([...menus, pick({ a: 1, b: 1, c: 1 })], { policy }));
    expect(oneOrder.complete).toBe(true);
    expect(oneOrder.paths * 6).toBeGreaterThan(100_000);
    expect({ complete, paths }).toEqual({ complete: false, paths: 100_000 });
  });

  it('plays alike keys once', () => {
    const same = [refer('a')];
    const proof = one([menu({ '1': same, '2': structuredClone(same), '3': [refer('b')] }), hangup]);
    expect(proof.summary.paths).toBe(
      one([menu({ '1': same, '3': [refer('b')] }), hangup]).summary.paths,
    );
  });
});

describe('a target that fails for everybody', () => {
  it('leaves what stands behind it', () => {
    const set = routeSet([rule('r', [], [refer('a'), refer('b'), hangup])], {
      targets: [target('a'), target('b')],
    });
    const [proof] = prove(set, { target: 'b', verdict: 'server_error' });
    expect(proof && stepsIn(proof)).toContain('refer b');
    const told = proof && ruleReport(proof);
    // Only target a takes callers now.
    expect(told?.ends.referred).toBe(1);
    expect(told?.worst?.wait.verdicts).toEqual(['no_verdict', 'server_error']);
  });
});

describe('a guarantee', () => {
  const promise = (more: Partial<Guarantee>): Guarantee => ({
    name: 'g',
    rules: ['r'],
    waitMs: null,
    silenceMs: null,
    moves: null,
    neverEnds: [],
    alwaysHears: false,
    ...more,
  });
  const broken = (steps: RouteStep[], more: Partial<Guarantee>) =>
    breaches(promise(more), [one(steps)]).map(({ clause: what }) => what);
  const hunt = [refer('a'), say('Sorry.'), hangup];

  it.each<[string, RouteStep[], Partial<Guarantee>, (string | null)[]]>([
    ['holds at its limit', hunt, { waitMs: 45_000, moves: 1 }, []],
    ['breaks beyond it', hunt, { waitMs: 44_999 }, ['wait']],
    ['breaks by silence', hunt, { silenceMs: 10_000 }, ['silence']],
    ['breaks by a move too many', hunt, { moves: 0 }, ['moves']],
    ['breaks by an end', [refer('a')], { neverEnds: ['failed', 'ignored'] }, ['never_ends']],
    ['holds where a prompt is heard', hunt, { alwaysHears: true }, []],
    [
      'breaks where nothing is heard',
      [refer('a'), hangup],
      { alwaysHears: true },
      ['always_hears'],
    ],
    ['takes a reject for an answer', [{ do: 'reject', cause: 'busy' }], { alwaysHears: true }, []],
    ['does not take a hangup for one', [hangup], { alwaysHears: true }, ['always_hears']],
  ])('%s', (_, steps, more, expected) => {
    expect(broken(steps, more)).toEqual(expected);
  });

  it('is not shown by paths that were not all played', () => {
    const run = () => ({ notMine: '', warning: false });
    const proofs = prove(routeSet([rule('h', [], { handler: 'handlers/x.ts', run })]));
    const found = breaches(promise({ rules: null, waitMs: 1_000_000 }), proofs);
    expect(found).toEqual([expect.objectContaining({ rule: 'h', clause: null, path: null })]);
  });

  it('tells the time apart from its limit, however close they are', () => {
    const why = (waitMs: number) => breaches(promise({ waitMs }), [one(hunt)])[0]?.why;
    expect(why(44_999)).toBe('a caller may wait 45 s, more than 44.999 s');
    expect(why(44_900)).toBe('a caller may wait 45 s, more than 44.9 s');
    const twice = [refer('a'), refer('b'), say('Sorry.'), hangup];
    const [breach] = breaches(promise({ waitMs: 89_999 }), [one(twice)]);
    expect(breach?.why).toBe('a caller may wait 90 s, more than 89.999 s');
  });

  it('names its counterexample in plain words', () => {
    const { wait } = one(hunt).summary;
    expect(wait && inWords(wait)).toBe(
      'a stays silent until its time is over, then a prompt is heard, then we hang up',
    );
  });
});
