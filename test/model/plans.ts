/** The plans that are searched. Together they contain every kind of step and branch. */
import type { LookupRequest } from '../../src/core/machine/command.ts';
import type { Decision, Step } from '../../src/core/machine/plan.ts';
import { bare, byTransfer, decision, refer, say, transfer } from '../helpers/machine.ts';
import type { More, Setting, Unknowns } from './world.ts';

const quick = { timeoutMs: 10_000 };
/** Shorter than Telnyx's minimum `timeout_secs`, so a B-leg still rings when the step is over. */
const short = { timeoutMs: 3_000 };

interface Plan {
  steps: Step[];
  policy?: Partial<Decision['policy']>;
  manual?: boolean;
  act?: Setting['act'];
  /** Steps for the case that a lookup answers; the lookup is sent first. */
  answered?: Step[];
}

/** Its timeout is shorter than that of a request, so late answers are as likely as timely ones. */
export const CRM: LookupRequest = {
  name: 'crm',
  url: 'https://crm.example.com/who',
  headers: [],
  keep: [{ name: 'tier', path: ['tier'] }],
  timeoutMs: 2_000,
  cacheMs: null,
};

export const PLANS: Record<string, Plan> = {
  'a lookup, then a target': { steps: [refer('a', quick)], answered: [refer('b', quick)] },
  'an operator beside a target': { steps: [refer('a', quick)], manual: true },
  'an operator beside a lookup': {
    steps: [refer('a', quick)],
    answered: [refer('b', quick)],
    manual: true,
  },
  'one target': { steps: [refer('a', quick)] },
  'two targets': { steps: [refer('a', quick), refer('b', quick)] },
  'three targets, impatient': {
    steps: [refer('a', quick), refer('b', quick), refer('c', quick)],
    policy: { patienceMs: 15_000 },
  },
  'three short targets': {
    steps: [refer('a', short), refer('b', short), refer('c', short)],
  },
  'a short target, then a patient one': {
    steps: [refer('a', short), refer('b', { timeoutMs: 30_000 }), refer('c', short)],
  },
  'a short transfer, then a target': {
    steps: [transfer('+14155550199', short), refer('b', quick)],
  },
  'a target with thirty seconds': { steps: [refer('a'), refer('b', quick)] },
  'a target with forty seconds': { steps: [refer('a', { timeoutMs: 40_000 }), refer('b', quick)] },
  'a target that may be called over': {
    steps: [refer('a', { ...quick, ifFailed: { no_verdict: [refer('b', quick)] } })],
  },
  'a short target, then one that may be called over': {
    steps: [
      refer('a', short),
      refer('b', { ...quick, ifFailed: { no_verdict: [refer('c', quick)] } }),
    ],
  },
  'busy goes elsewhere': {
    steps: [
      refer('a', {
        ...quick,
        ifFailed: { busy: [say('Busy.'), refer('b', quick)], any: [{ do: 'hangup' }] },
      }),
    ],
  },
  'a transfer': { steps: [transfer('+14155550199', quick)] },
  'a transfer, then a target': { steps: [transfer('+14155550199', quick), refer('b', quick)] },
  'a target, then a transfer': { steps: [refer('a', quick), transfer('+14155550199', quick)] },
  'not allowed goes by transfer': {
    steps: [refer('a', { ...quick, ifFailed: { rejected: [transfer('+14155550199', quick)] } })],
  },
  'a target by two ways, then another': {
    steps: [refer('a', { ...quick, otherWay: byTransfer('a', quick) }), refer('b', quick)],
  },
  'a transfer first, then the same by a REFER': {
    steps: [
      {
        ...transfer('sip:a@pbx.example.com', quick),
        otherWay: bare(refer('a', quick)),
      },
      refer('b', quick),
    ],
  },
  'words, then a target': { steps: [say('Welcome.'), refer('a', quick)] },
  'a loop while moving': {
    steps: [refer('a', quick), refer('b', quick)],
    policy: { whileMoving: say('Please hold.') },
  },
  'a menu': {
    steps: [
      {
        do: 'menu',
        text: 'Press 1.',
        voice: 'Telnyx.KokoroTTS.af',
        language: null,
        digits: { '1': [refer('a', quick)] },
        tries: 1,
        timeoutMs: 5_000,
      },
      refer('b', quick),
    ],
  },
  'left to somebody else': { steps: [{ do: 'ignore' }] },
  'an operator beside an impatient caller': {
    steps: [refer('a', quick)],
    policy: { patienceMs: 5_000 },
    manual: true,
  },
  'an operator beside words': { steps: [say('Welcome.'), refer('a', quick)], manual: true },
  'an operator hangs up': {
    steps: [say('Welcome.'), refer('a', quick), transfer('+14155550199', quick)],
    act: 'hangup',
  },
  'an operator goes on from a REFER': {
    steps: [refer('a', { timeoutMs: 40_000 }), refer('b', quick)],
    act: 'next',
  },
  'an operator goes on from a transfer': {
    steps: [transfer('+14155550199', quick), refer('b', quick)],
    act: 'next',
  },
};

export const PLAIN: Unknowns = {
  refusesRepetitions: false,
  legDiesWithRefer: false,
  hangsUpAfterCompleted: true,
  refusesUnanswered: true,
  startsTwice: false,
  refusesSilently: false,
  reportsSilence: false,
  envelope: 'leg',
  probeShowsState: true,
  alone: false,
  unreached: false,
};

const NOTHING_MORE: More = {
  outages: false,
  recovery: false,
  presses: '1',
  later: null,
  resting: [],
  spent: [],
};

/** Each unknown separately, and all of them together. */
export const WORLDS: Record<string, Unknowns> = {
  plain: PLAIN,
  'repetitions are refused': { ...PLAIN, refusesRepetitions: true },
  'the leg dies with its REFER': { ...PLAIN, legDiesWithRefer: true },
  'the leg stays after completed': { ...PLAIN, hangsUpAfterCompleted: false },
  'a REFER before the answer is executed': { ...PLAIN, refusesUnanswered: false },
  'started comes twice': { ...PLAIN, startsTwice: true },
  'a refusal makes no event': { ...PLAIN, refusesSilently: true },
  'silence is reported after 32 s': { ...PLAIN, reportsSilence: true },
  'events carry their own client_state': { ...PLAIN, envelope: 'own' },
  'events carry no client_state': { ...PLAIN, envelope: 'none' },
  'a probe shows no client_state': { ...PLAIN, refusesRepetitions: true, probeShowsState: false },
  'no other call is heard': { ...PLAIN, alone: true },
  'everything at once': {
    refusesRepetitions: true,
    legDiesWithRefer: false,
    hangsUpAfterCompleted: false,
    refusesUnanswered: false,
    startsTwice: true,
    refusesSilently: true,
    reportsSilence: false,
    envelope: 'none',
    probeShowsState: false,
    alone: true,
    unreached: false,
  },
  'requests do not reach Telnyx': { ...PLAIN, unreached: true },
};

export function settingOf(name: string, unknowns: Unknowns): Setting {
  const plan = PLANS[name];
  if (plan === undefined) throw new Error(`no plan ${name}`);
  const base = decision(plan.steps);
  return {
    name,
    decided: { ...base, policy: { ...base.policy, ...plan.policy } },
    lookup:
      plan.answered === undefined
        ? null
        : { request: CRM, answered: { ...base, rule: 'answered', plan: plan.answered } },
    unknowns,
    manual: plan.manual ? refer('operator', { timeoutMs: 10_000 }) : null,
    manuals: 1,
    act: plan.act ?? null,
    more: NOTHING_MORE,
  };
}

/** Situations that must occur: otherwise a search proves nothing about them. */
export const MUST_OCCUR = [
  'both processes have sent one command',
  'a process died between sending and the outcome',
  'a repetition was refused',
  'completed after no_verdict',
  'the final event came after the hangup',
  'a command was taken back while in flight',
  'a move was taken back: the target before it rang after all',
  'an envelope showed that Telnyx had executed a command',
  'a probe found that the leg had ended',
  'patience ran out',
  'a lookup decided',
  'a lookup brought no answer',
  'a lookup was answered too late',
  'a lookup reached its server twice',
  'the last resort ran',
  'one of several rang, and nobody could tell which',
  'a step was skipped since an earlier REFER may be answered',
  'a deadline that was reached late was postponed',
  'a manual refer while speaking',
  'an operator hung up while referring',
  'an operator hung up while bridged',
  'an operator went on while referring',
  'an operator went on while transferring',
  'accepted: it was silent for all of its time',
];

export interface Exploration {
  plan: string;
  world: string;
  faults: number;
  seed: number;
  states: number;
}

/**
 * The explorations of the short form. They see more of a large world than a search of the same
 * length, and so they reach all of the above.
 */
export function explorationsOf(plan: string): Exploration[] {
  let seed = FIRST_SEED;
  // Few where nothing can be in a move's way.
  const states = SINGLE.has(plan) ? 200 : 700;
  return Object.keys(WORLDS).map((world, n) => {
    return { plan, world, faults: n % 2 === 0 ? 1 : 3, seed: seed++, states };
  });
}

/** With it they find the faults of mutants.ts that `inSuite` says they must find. */
const FIRST_SEED = 302;

const SINGLE: ReadonlySet<string> = new Set([
  'a lookup, then a target',
  'an operator beside a lookup',
  'one target',
  'a transfer',
  'words, then a target',
  'left to somebody else',
]);
