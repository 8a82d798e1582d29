/**
 * Plans, policies, operators and worlds drawn by lot. The plans of plans.ts are those that somebody
 * thought of; these combine what nobody did, such as an operator beside a caller without patience.
 */
import type { Branches, MovingStep, PlayStep, Step } from '../../src/core/machine/plan.ts';
import { byTransfer, decision, refer, say, transfer } from '../helpers/machine.ts';
import { chanceOf, oneOf } from './chance.ts';
import { CRM, PLAIN } from './plans.ts';
import type { More, Setting, Unknowns } from './world.ts';

const TIMEOUTS_MS = [3_000, 3_000, 10_000, 20_000, 30_000, 40_000, 60_000];
const PATIENCE_MS = [15_000, 30_000, 60_000, 120_000, 120_000];
const OPERATORS_MS = [3_000, 10_000, 40_000];
const BRANCHES = ['busy', 'no_verdict', 'any', 'rejected', 'no_answer'] as const;
const AUDIO: PlayStep = { do: 'play', url: 'https://cdn.example.com/hold.mp3' };
const IGNORE: Step = { do: 'ignore' };
/** How far the world differs from the plain one. */
const STRANGENESS = [0, 0.1, 0.3, 0.5];

/** The same seed draws the same. */
export function drawnSetting(seed: number): { setting: Setting; faults: number } {
  const chance = chanceOf(seed * 7919 + 13);
  const steps = drawSteps(new Plans(chance), 0, 1 + Math.floor(chance() * 4));
  const unknowns = drawUnknowns(chance);
  const whileMoving = chance() < 0.25 ? oneOf([say('Please hold.'), AUDIO], chance) : null;
  const later =
    chance() < 0.15 ? drawSteps(new Plans(chance), 0, 1 + Math.floor(chance() * 2)) : null;
  const first = later === null ? steps : oneOf([null, [...steps, IGNORE]], chance);
  const base = decision(first);
  const policy = { ...base.policy, patienceMs: oneOf(PATIENCE_MS, chance), whileMoving };
  const decided = { ...base, policy };
  const answered = drawSteps(new Plans(chance), 0, Math.floor(chance() * 3));
  const lookup =
    chance() < 0.08
      ? { request: CRM, answered: { ...decided, rule: 'answered', plan: answered } }
      : null;
  const manual =
    chance() < 0.25 ? refer('operator', { timeoutMs: oneOf(OPERATORS_MS, chance) }) : null;
  const act = chance() < 0.25 ? oneOf(['next', 'next', 'hangup'] as const, chance) : null;
  const faults = 1 + Math.floor(chance() * 4);
  const manuals = oneOf([1, 1, 2], chance);
  const more = { ...drawMore(chance), later };
  if (more.outages) unknowns.unreached = true;
  return {
    setting: { name: `drawn ${seed}`, decided, lookup, unknowns, manual, manuals, act, more },
    faults,
  };
}

function drawMore(chance: () => number): Omit<More, 'later'> {
  return {
    outages: chance() < 0.3,
    recovery: chance() < 0.3,
    presses: oneOf(['1', '1', '2', '9', ''], chance),
    resting:
      chance() < 0.2 ? oneOf([['target1'], ['target2'], ['target1', 'target3']], chance) : [],
    spent: chance() < 0.1 ? [oneOf(['refer', 'transfer'] as const, chance)] : [],
  };
}

/** Gives each target a name of its own. */
class Plans {
  readonly chance: () => number;
  #targets = 0;

  constructor(chance: () => number) {
    this.chance = chance;
  }

  name(): string {
    this.#targets += 1;
    return `target${this.#targets}`;
  }
}

function drawSteps(plans: Plans, depth: 0 | 1, count: number): Step[] {
  return Array.from({ length: count }, () => drawStep(plans, depth));
}

function drawStep(plans: Plans, depth: 0 | 1): Step {
  const drawn = plans.chance();
  if (drawn < 0.65) return drawMove(plans, depth);
  if (drawn < 0.8) return say('Welcome.');
  if (drawn < 0.87) return AUDIO;
  if (depth === 0) return drawn < 0.93 ? drawMenu(plans) : drawMove(plans, depth);
  return { do: drawn < 0.95 ? 'continue' : 'hangup' };
}

function drawMove(plans: Plans, depth: 0 | 1): MovingStep {
  const { chance } = plans;
  const problem = chance() < 0.04 ? 'an empty value' : null;
  const timeoutMs = oneOf(TIMEOUTS_MS, chance);
  const ifFailed = depth === 0 && chance() < 0.35 ? drawBranches(plans) : {};
  if (chance() < 0.3) return transfer('+14155550199', { timeoutMs, ifFailed, problem });
  const name = plans.name();
  const ways = chance() < 0.15 ? { otherWay: byTransfer(name, { timeoutMs }) } : {};
  const sibling = chance() < 0.1;
  return refer(name, { timeoutMs, ifFailed, problem, sibling, ...ways });
}

function drawBranches(plans: Plans): Branches {
  return { [oneOf(BRANCHES, plans.chance)]: drawSteps(plans, 1, oneOf([1, 2], plans.chance)) };
}

function drawMenu(plans: Plans): Step {
  return {
    do: 'menu',
    text: 'Press 1 or 2.',
    voice: 'Telnyx.KokoroTTS.af',
    language: null,
    digits: { '1': drawSteps(plans, 1, 1), '2': drawSteps(plans, 1, 1) },
    tries: 1,
    timeoutMs: 5_000,
  };
}

function drawUnknowns(chance: () => number): Unknowns {
  const strangeness = oneOf(STRANGENESS, chance);
  const flags = Object.entries(PLAIN).map(([name, value]) => [
    name,
    typeof value === 'boolean' && chance() < strangeness ? !value : value,
  ]);
  const envelope = oneOf(['leg', 'leg', 'leg', 'own', 'none'] as const, chance);
  return { ...(Object.fromEntries(flags) as Unknowns), envelope };
}
