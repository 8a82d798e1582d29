/**
 * The phases, verdicts, ends and outcomes of a call, each with its tone, in the order of the
 * filters. tsc and a test compare them with those of the machine. It imports nothing, so that Node
 * can load it too.
 *
 * @typedef {'good' | 'bad' | 'doubtful' | 'moving' | 'calm'} Tone
 */

/** @satisfies {Record<import('../../core/machine/call.ts').Phase, Tone>} */
const PHASE_TONES = {
  new: 'calm',
  answering: 'moving',
  referring: 'moving',
  transferring: 'moving',
  speaking: 'calm',
  gathering: 'calm',
  referred: 'good',
  bridged: 'good',
  releasing: 'doubtful',
  unmanaged: 'calm',
  ended: 'calm',
};

/** @satisfies {Record<import('../../core/machine/verdict.ts').Verdict, Tone>} */
const VERDICT_TONES = {
  completed: 'good',
  busy: 'bad',
  no_answer: 'bad',
  declined: 'bad',
  not_found: 'bad',
  not_allowed: 'bad',
  server_error: 'bad',
  other: 'bad',
  rejected: 'bad',
  no_verdict: 'doubtful',
  abandoned: 'calm',
  skipped: 'calm',
};

/** @satisfies {Record<import('../../core/machine/call.ts').Ends, Tone>} */
const ENDS_TONES = {
  referred: 'good',
  transferred: 'good',
  rejected: 'bad',
  hung_up: 'calm',
  abandoned: 'calm',
  failed: 'bad',
  unconfirmed: 'doubtful',
  ignored: 'calm',
  missed: 'bad',
};

/** @satisfies {Record<import('../../core/machine/caller-outcome.ts').CallerOutcome, Tone>} */
const OUTCOME_TONES = {
  reached: 'good',
  not_reached: 'bad',
  gave_up: 'doubtful',
  unsure: 'moving',
  turned_away: 'calm',
  not_ours: 'calm',
};

export const PHASES = Object.keys(PHASE_TONES);
export const VERDICTS = Object.keys(VERDICT_TONES);
export const ENDS = Object.keys(ENDS_TONES);
export const OUTCOMES = Object.keys(OUTCOME_TONES);

const TONES = new Map(
  Object.entries({ ...PHASE_TONES, ...VERDICT_TONES, ...ENDS_TONES, ...OUTCOME_TONES }),
);

/**
 * What a call's colour shows: the outcome for the caller, or the phase while it is live.
 *
 * @param {{ phase: string, ends: string | null, outcome: string | null }} call
 */
export function standing({ phase, ends, outcome }) {
  return outcome ?? (phase === 'ended' ? (ends ?? 'ended') : phase);
}

/**
 * The same in plain words: the outcome, or only whether the call is live, because its sentence says
 * what it is doing.
 *
 * @param {{ phase: string, outcome: string | null }} call
 */
export function plainStanding({ phase, outcome }) {
  return outcome === null ? (phase === 'ended' ? 'ended' : 'live') : word(outcome);
}

/**
 * What stands for the rule of a call that has none. `otherwise` does not run for a call that is left
 * to another application because no rule matched it, such as an outgoing one.
 *
 * @param {{ decided: boolean, direction: string | null, phase: string, ends: string | null }} call
 */
export function withoutRule({ decided, direction, phase, ends }) {
  if (!decided && phase === 'new') return 'none yet';
  const isLeft = direction === 'outgoing' || phase === 'unmanaged' || ends === 'ignored';
  return decided && !isLeft ? 'otherwise' : 'none';
}

/**
 * The tone of a phase, verdict, end or outcome. Colour is never the only signal: the word is shown
 * too.
 *
 * @param {string} name
 */
export function tone(name) {
  return TONES.get(name) ?? 'calm';
}

/**
 * `no_verdict` as readable text.
 *
 * @param {string} text
 */
export function word(text) {
  return text.replaceAll('_', ' ');
}
