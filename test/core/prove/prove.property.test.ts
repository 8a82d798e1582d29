/**
 * Compares proofs with other ways of playing the same calls: scripts of `referee route`, and random
 * play.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hangupOf } from '../../../src/core/dry-run/events.ts';
import { answersTo } from '../../../src/core/dry-run/scripted-telnyx.ts';
import { simulate } from '../../../src/core/dry-run/simulate.ts';
import type { Verdict } from '../../../src/core/machine/call.ts';
import type { Command } from '../../../src/core/machine/command.ts';
import { SPEECH_MS_PER_CHARACTER_MIN } from '../../../src/core/machine/limits.ts';
import { VERDICTS } from '../../../src/core/machine/verdict.ts';
import type { Edge } from '../../../src/core/prove/path.ts';
import { proveNow } from '../../../src/core/prove/prove.ts';
import {
  advance,
  movesOf,
  put,
  reachDeadline,
  type Scene,
  waitForKeys,
} from '../../../src/core/prove/scene.ts';
import type { End, Fork } from '../../../src/core/prove/search.ts';
import { begin, startsOf } from '../../../src/core/prove/starts.ts';
import { compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import type { RouteSet, RouteStep, Ways } from '../../../src/core/rules/rule.ts';
import { facts, routeSet, rule, say, target } from '../../helpers/route-set.ts';

const TARGETS = ['a', 'b', 'c'];

const moving = (
  inner: fc.Arbitrary<RouteStep[]>,
  timeoutsMs: number[],
  ways: (Ways | null)[],
): fc.Arbitrary<RouteStep> =>
  fc
    .record({
      name: fc.constantFrom(...TARGETS),
      timeoutMs: fc.constantFrom(...timeoutsMs),
      via: fc.constantFrom(...ways),
      ifFailed: fc.oneof(
        { weight: 3, arbitrary: fc.constant({}) },
        fc
          .tuple(fc.constantFrom('busy', 'no_verdict', 'not_allowed', 'rejected', 'any'), inner)
          .map(([verdict, steps]) => ({ [verdict]: steps })),
      ),
    })
    .map(({ name, timeoutMs, via, ifFailed }) => ({
      do: 'refer',
      to: { kind: 'target', name },
      via,
      timeoutMs,
      ifFailed,
    }));

const menu = (inner: fc.Arbitrary<RouteStep[]>): fc.Arbitrary<RouteStep> =>
  fc.tuple(inner, inner).map(([one, two]) => ({
    do: 'menu',
    prompt: { say: [{ literal: 'Press a key.' }] },
    voice: null,
    language: null,
    digits: { '1': one, '2': two },
    tries: 1,
    timeoutMs: 5_000,
  }));

const ending = fc.constantFrom<RouteStep[]>(
  [],
  [{ do: 'hangup' }],
  [{ do: 'reject', cause: 'busy' }],
);

function steps(
  depth: number,
  timeoutsMs: number[],
  ways: (Ways | null)[] = [null],
): fc.Arbitrary<RouteStep[]> {
  if (depth === 0) return fc.constantFrom<RouteStep[]>([say('Sorry.'), { do: 'hangup' }], []);
  const inner = steps(depth - 1, timeoutsMs, ways);
  const step = fc.oneof(
    { weight: 4, arbitrary: moving(inner, timeoutsMs, ways) },
    { weight: 1, arbitrary: menu(inner) },
    { weight: 1, arbitrary: fc.constant(say('One moment please.')) },
  );
  return fc
    .tuple(fc.array(step, { minLength: 1, maxLength: 3 }), ending)
    .map(([list, end]) => [...list, ...end]);
}

function setOf(list: RouteStep[], patienceMs: number, perCall: number | null): RouteSet {
  const refers = { perCall, perHour: null, perCallerPerHour: null };
  return routeSet([rule('r', [], list)], {
    targets: TARGETS.map((name) => target(name)),
    policy: { patienceMs, refers },
  });
}

/** `route` plays quick answers, so nothing here may depend on how long they take. */
const PATIENT_MS = 3_600_000;

it('plays each path as the script of the same verdicts and keys does', () => {
  fc.assert(
    fc.property(
      steps(2, [30_000], [null, ['refer', 'transfer'], ['transfer']]),
      fc.nat(7),
      (list, choice) => {
        const routes = compileRouteSet(setOf(list, PATIENT_MS, null));
        const [proof] = proveNow(routes, { rules: ['r'], examples: [] });
        for (const path of pathsOf(proof?.trees[0]?.root, 200)) {
          const script = scriptOf(path, choice);
          if (script === null) continue;
          const played = simulate(routes, {
            facts: facts(),
            at: 0,
            ...script,
            hangupAfter: null,
            unscripted: 'error',
          });
          expect(played.path).toEqual(path.edges.flatMap((edge) => edge.steps));
          expect(played.ends).toBe(path.ends);
          expect(played.unscripted).toEqual([]);
        }
      },
    ),
    { numRuns: 40 },
  );
});

interface Walked {
  edges: Edge[];
  ends: string;
}

function pathsOf(root: Fork | undefined, most: number): Walked[] {
  const found: Walked[] = [];
  const walk = (at: Fork | End, edges: Edge[]): void => {
    if (found.length >= most) return;
    if (!('branches' in at)) found.push({ edges, ends: at.ends });
    else for (const { edge, to } of at.branches) walk(to, [...edges, edge]);
  };
  if (root !== undefined) walk(root, []);
  return found;
}

/**
 * Null if a script cannot express it: a caller who hangs up, a refused answer command, ringing
 * without a result.
 */
function scriptOf({ edges }: Walked, choice: number) {
  const verdicts: Record<string, Verdict[]> = {};
  const digits: string[] = [];
  let name = '';
  for (const edge of edges) {
    const told = edge.names.filter(
      (each) =>
        each.kind !== 'leaves' &&
        each.kind !== 'answer_refused' &&
        !(each.kind === 'verdict' && each.ringing),
    );
    const one = told[choice % Math.max(told.length, 1)];
    if (one === undefined && edge.names.length > 0) return null;
    if (one?.kind === 'verdict') verdicts[name] = [...(verdicts[name] ?? []), one.verdict];
    if (one?.kind === 'key') digits.push(one.digits ?? '');
    name = edge.steps.at(-1)?.replace(/^(?:refer|transfer) /, '') ?? name;
  }
  return { verdicts, digits };
}

it('names a worst that no call by chance is worse than', () => {
  fc.assert(
    fc.property(
      steps(2, [5_000, 10_000, 30_000]),
      fc.constantFrom(20_000, 60_000, 120_000),
      fc.constantFrom(null, 1, 3),
      fc.array(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 }), {
        minLength: 5,
        maxLength: 10,
      }),
      (list, patienceMs, perCall, chances) => {
        const routes = compileRouteSet(setOf(list, patienceMs, perCall));
        const [proof] = proveNow(routes, { rules: ['r'], examples: [] });
        const summary = proof?.summary;
        for (const chance of chances) {
          const last = playByChance(routes, chance);
          const waited = last.promptAt ?? last.overAt ?? last.now;
          expect(waited, 'wait').toBeLessThanOrEqual(summary?.wait?.waitMs ?? -1);
          expect(last.silenceMs, 'silence').toBeLessThanOrEqual(summary?.silence?.silenceMs ?? -1);
          expect(movesOf(last.call, 'refer'), 'moves').toBeLessThanOrEqual(
            summary?.moves?.moves ?? -1,
          );
          expect([...(summary?.ends.keys() ?? [])]).toContain(last.call.ends);
        }
      },
    ),
    { numRuns: 50 },
  );
});

function playByChance(routes: ReturnType<typeof compileRouteSet>, chances: number[]): Scene {
  const left = [...chances];
  const chance = () => left.shift() ?? 0.5;
  const found = startsOf(routes, routes.set.rules[0] ?? null, []);
  let made = found.next();
  while (!made.done) made = found.next();
  const [start] = made.value.starts;
  if (start === undefined) throw new Error('no start');
  const decide = () => ({ ...start.decision, plan: null });
  // The worst cases are at the extremes, so random play chooses them often.
  const mute = chance() < 0.7;
  let at = begin(start, {});
  for (let turn = 0; turn < 500 && at.call.phase !== 'ended'; turn += 1) {
    const [command, ...queue] = at.queue;
    at = { ...at, queue };
    if (command !== undefined) at = answer(at, command);
    else if (['referred', 'unmanaged'].includes(at.call.phase)) {
      at = put(at, hangupOf(at.call), decide);
    } else at = reachDeadline(at, decide);
  }
  return at;

  function answer(scene: Scene, command: Command): Scene {
    const { action } = command;
    const leaves = chance() < 0.05;
    if (action === 'probe' && mute) return scene;
    const verdict =
      chance() < 0.4 ? 'no_verdict' : (VERDICTS[Math.floor(chance() * VERDICTS.length)] ?? 'busy');
    const digits = ['1', '2', '9', null][Math.floor(chance() * 4)] ?? null;
    const script = answersTo(command, {
      call: scene.call,
      verdict: leaves && action === 'refer' ? null : verdict,
      digits,
      leaves: leaves || verdict === 'abandoned',
      rings: chance() < 0.3,
      answerRefused: chance() < 0.05,
    });
    return script.reduce((now, { event, afterMs }) => {
      const later = afterMs > 0 ? pass(now, command) : now;
      const next = put(later, event, decide);
      return event.type === 'call.hangup' ? { ...next, queue: [] } : next;
    }, scene);
  }

  /** Lets a part of the command's waiting time pass. */
  function pass(scene: Scene, command: Command): Scene {
    const { call, now } = scene;
    const names = command.action === 'refer' ? ['attempt', 'patience'] : ['step'];
    const waits = call.deadlines.filter(({ name }) => names.includes(name));
    const dueAt = Math.min(...waits.map((deadline) => deadline.dueAt));
    const least =
      command.action === 'speak' ? command.text.length * SPEECH_MS_PER_CHARACTER_MIN : 0;
    const share = Math.min(1, Math.max(0, chance() * 2 - 0.5));
    const until = now + Math.max(least, (dueAt - now) * share);
    const later = advance(scene, Math.min(until, dueAt), decide);
    const whole = command.action === 'gather_using_speak' && until >= dueAt;
    return whole ? waitForKeys(later, command.timeoutMs) : later;
  }
}
