/**
 * The callers: each call has a scenario, chosen by weight, and its own details, all determined by
 * the seed.
 */
import { chance } from '../../src/simulator/chance.ts';
import type { CallScript, FarEnd, FarEndName } from '../../src/simulator/script.ts';
import { FAR_ENDS, NUMBERS, OFFICE } from './routes.ts';

/** A random fraction for each question, the same for the same seed, call and question. */
type Roll = (question: string) => number;

const SCENARIOS: { name: string; weight: number; script: (roll: Roll) => CallScript }[] = [
  { name: 'arrives', weight: 20, script: (roll) => refers([arrival(roll)]) },
  {
    name: 'arrives, the hangup first',
    weight: 5,
    script: (roll) =>
      refers([{ ...arrival(roll), hangup: 'before', hangupGapMs: 50 + roll('gap') * 1_500 }]),
  },
  { name: 'second takes it', weight: 12, script: (roll) => refers([refusal(roll), arrival(roll)]) },
  {
    name: 'third takes it',
    weight: 5,
    script: (roll) => refers([refusal(roll), refusal(roll, 'b'), arrival(roll)]),
  },
  { name: 'nobody takes it', weight: 6, script: (roll) => refers([refusal(roll)]) },
  { name: 'silent, then taken', weight: 3, script: (roll) => refers(['silent', arrival(roll)]) },
  { name: 'rings for ever', weight: 2, script: () => refers(['silent_after_started']) },
  { name: 'answered in silence', weight: 4, script: (roll) => refers([bye(roll)]) },
  {
    name: 'the API refuses, then taken',
    weight: 3,
    script: (roll) => refers(['rejected', arrival(roll)]),
  },
  {
    name: 'dropped after a failure',
    weight: 2,
    script: (roll) => refers([{ result: refusal(roll), dropsAfterFailure: true }]),
  },
  {
    name: 'leaves while it rings',
    weight: 6,
    script: (roll) => ({
      ...refers([{ ...arrival(roll), ringMs: 3_000 }]),
      callerHangup: { when: 'refer_rings', afterMs: roll('leaves') * 2_500 },
      lateFinal: roll('late') < 0.5,
    }),
  },
  {
    name: 'leaves at once',
    weight: 4,
    script: (roll) => ({ callerHangup: { when: 'initiated', afterMs: roll('leaves') * 300 } }),
  },
  {
    name: 'leaves when answered',
    weight: 2,
    script: (roll) => ({ callerHangup: { when: 'answered', afterMs: roll('leaves') * 200 } }),
  },
  {
    name: 'leaves after a failure',
    weight: 2,
    script: (roll) => ({
      ...refers([refusal(roll), arrival(roll)]),
      callerHangup: { when: 'refer_failed', afterMs: roll('leaves') * 100 },
    }),
  },
  { name: 'bridged', weight: 5, script: (roll) => transfers(talk(roll)) },
  {
    name: 'office busy, then referred',
    weight: 3,
    script: (roll) => ({ ...transfers(refusal(roll)), refers: arrival(roll) }),
  },
  { name: 'office never answers', weight: 1, script: () => transfers('no_answer') },
  {
    name: 'leaves while the office rings',
    weight: 2,
    script: (roll) => ({
      ...transfers({ result: 'completed', ringMs: 3_000 }),
      callerHangup: { when: 'transfer_rings', afterMs: roll('leaves') * 2_500 },
    }),
  },
  {
    name: 'chooses',
    weight: 3,
    script: (roll) => ({ to: NUMBERS.menu, digits: [roll('digit') < 0.5 ? '1' : '2'] }),
  },
  { name: 'chooses wrongly', weight: 1, script: () => ({ to: NUMBERS.menu, digits: ['9'] }) },
  { name: 'presses nothing', weight: 1, script: () => ({ to: NUMBERS.menu, digits: [null] }) },
  {
    name: 'leaves at the menu',
    weight: 1,
    script: () => ({
      to: NUMBERS.menu,
      digits: [null],
      callerHangup: { when: 'gather_started', afterMs: 700 },
    }),
  },
  { name: 'hears music first', weight: 2, script: () => ({ to: NUMBERS.music }) },
  {
    name: 'picked',
    weight: 3,
    script: (roll) => ({
      to: NUMBERS.pick,
      refers: roll('fails') < 0.5 ? [refusal(roll), arrival(roll)] : arrival(roll),
    }),
  },
  {
    name: 'branches',
    weight: 4,
    script: (roll) => ({
      to: NUMBERS.branches,
      refers: [refusal(roll), roll('third') < 0.5 ? arrival(roll) : refusal(roll, 'third')],
      transfers: talk(roll),
    }),
  },
  { name: 'answer never reported', weight: 1, script: () => ({ answer: 'silent' }) },
  { name: 'cannot be answered', weight: 1, script: () => ({ answer: 'refused' }) },
  { name: 'blocked', weight: 1, script: () => ({ to: NUMBERS.blocked }) },
  { name: 'no rule', weight: 1, script: () => ({ to: NUMBERS.nobody }) },
  {
    name: 'of another application',
    weight: 1,
    script: (roll) => ({
      to: NUMBERS.elsewhere,
      clientState: 'c29tZWJvZHkgZWxzZQ==',
      callerHangup: { when: 'initiated', afterMs: 500 + roll('leaves') * 2_000 },
    }),
  },
  { name: 'every event thrice', weight: 2, script: (roll) => ({ ...mixed(roll), copies: 3 }) },
  { name: 'in any order', weight: 3, script: (roll) => ({ ...mixed(roll), shuffle: true }) },
  {
    name: 'with a foreign client_state',
    weight: 1,
    script: (roll) => ({ ...mixed(roll), clientState: 'c29tZWJvZHkgZWxzZQ==', cost: true }),
  },
];

export function scriptOf(seed: number, callNumber: number): CallScript {
  const roll: Roll = (question) => chance(seed, 'soak', callNumber, question);
  const { name, script } = scenarioAt(roll('scenario'));
  return {
    to: NUMBERS.support,
    from: `+1415${String(2_000_000 + callNumber).padStart(7, '0')}`,
    speakMs: 400,
    ...script(roll),
    name,
  };
}

function scenarioAt(fraction: number) {
  const whole = SCENARIOS.reduce((sum, { weight }) => sum + weight, 0);
  let left = fraction * whole;
  const found = SCENARIOS.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  if (found === undefined) throw new RangeError(`no scenario at ${fraction}`);
  return found;
}

function refers(ends: (FarEnd | FarEndName)[]): CallScript {
  // By address, so that the second far end's behaviour does not depend on how often the first was
  // tried.
  const byAddress = FAR_ENDS.map((name, index) => [name, ends[index] ?? ends.at(-1)] as const);
  return { refers: Object.fromEntries(byAddress.flatMap(([k, v]) => (v ? [[k, v]] : []))) };
}

function transfers(end: FarEnd | FarEndName): CallScript {
  return { to: NUMBERS.office, transfers: { [OFFICE]: end } };
}

function mixed(roll: Roll): CallScript {
  const kind = roll('kind');
  if (kind < 0.4) return refers([refusal(roll), arrival(roll)]);
  return kind < 0.8 ? refers([arrival(roll)]) : transfers(talk(roll));
}

function arrival(roll: Roll): FarEnd {
  return {
    result: 'completed',
    progress: roll('progress') < 0.3 ? [100, 180] : [100],
    ringMs: 200 + roll('ring') * 1_000,
    hangupGapMs: 10 + roll('gap') * 300,
  };
}

function bye(roll: Roll): FarEnd {
  return { result: 'bye', ringMs: 200 + roll('ring') * 1_000 };
}

function talk(roll: Roll): FarEnd {
  return {
    result: 'completed',
    ringMs: 200 + roll('ring') * 800,
    talkMs: 300 + roll('talk') * 900,
  };
}

function refusal(roll: Roll, which = 'a'): FarEndName {
  const names = [
    'busy',
    'no_answer',
    'declined',
    'not_found',
    'not_allowed',
    'server_error',
  ] as const;
  return names[Math.floor(roll(`refusal ${which}`) * names.length)] ?? 'busy';
}
