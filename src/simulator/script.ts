/**
 * What happens to one call: who calls whom, and what the far ends, the caller and the network do.
 */
import type { ScriptedFault } from './faults.ts';

/**
 * How the target of a REFER or transfer reacts.
 * - a number, or its name: the final SIP status (completed 200, busy 486, no_answer 480, declined
 *   603, not_found 404, not_allowed 405, server_error 503)
 * - silent: accepted, then nothing, ever; silent_after_started: the same after a 100
 * - bye: the phone answers, the caller is moved, their leg hangs up, and nobody sends a NOTIFY
 * - rejected: the API refuses the command with 422
 */
export const FAR_END_NAMES = [
  'completed',
  'busy',
  'no_answer',
  'declined',
  'not_found',
  'not_allowed',
  'server_error',
  'silent',
  'silent_after_started',
  'bye',
  'rejected',
] as const;

export type FarEndName = (typeof FAR_END_NAMES)[number];

export interface FarEnd {
  result: FarEndName | number;
  /** 1xx NOTIFYs before the result; default [100], and none before `silent` and `bye`. */
  progress?: number[];
  /** Time from the acceptance to the first NOTIFY; default 30 ms. */
  startedMs?: number;
  /**
   * Time from the acceptance to the result; default 400 ms. A transfer that nobody answers rings
   * for its timeout_secs.
   */
  ringMs?: number;
  /** After a completed REFER the caller's leg hangs up; default after. */
  hangup?: 'after' | 'before' | 'never';
  /** Time between result and hangup; default 20 ms. */
  hangupGapMs?: number;
  /** Whether the leg drops after a failed REFER; default: it stays. */
  dropsAfterFailure?: boolean;
  /** The error code of `rejected`; default 10015. */
  code?: string;
  /**
   * Duration of a transfer's conversation, after which the called side hangs up; default 400 ms.
   */
  talkMs?: number;
}

export type FarEndScript = FarEndName | number | FarEnd;
/**
 * In the order of the moves (the last one repeats), or by SIP address, number or user part; "*"
 * stands for the rest.
 */
export type FarEnds = FarEndScript | FarEndScript[] | Record<string, FarEndScript | FarEndScript[]>;

/** The caller hangs up: `afterMs` after the nth time something happens to their call. */
export interface CallerHangup {
  /**
   * The event that counts; refer_rings and transfer_rings are the first 1xx, or the acceptance if
   * there is none.
   */
  when:
    | 'initiated'
    | 'answered'
    | 'refer_rings'
    | 'refer_failed'
    | 'transfer_rings'
    | 'bridged'
    | 'speak_started'
    | 'gather_started'
    | 'playback_started';
  nth?: number;
  afterMs?: number;
}

export interface CallScript {
  name?: string;
  from?: string;
  to?: string;
  connectionId?: string;
  /** Null or another application's text; default null. */
  clientState?: string | null;
  callerType?: 'pstn' | 'sip';
  callerName?: string;
  attestation?: 'A' | 'B' | 'C' | null;
  attestationValidated?: boolean;
  customHeaders?: { name: string; value: string }[];
  sipHeaders?: { name: string; value: string }[];
  tags?: string[];
  /** silent: the call is answered but no event says so; refused: the API refuses with 422. */
  answer?: 'normal' | 'silent' | 'refused';
  answerMs?: number;
  /** How the target of each REFER reacts; default completed. */
  refers?: FarEnds;
  /** How the target of each transfer reacts; default completed. */
  transfers?: FarEnds;
  /**
   * The keys that the caller presses, one entry per try of a menu; null: none; the last one
   * repeats.
   */
  digits?: (string | null)[];
  keyMs?: number;
  /** Duration of one speech; default 20 ms per character, at most 2 s. */
  speakMs?: number;
  playbackMs?: number;
  /** The first one to happen counts; `{ when: 'initiated', afterMs }` is the caller's patience. */
  callerHangup?: CallerHangup | CallerHangup[];
  /** If the caller hangs up while a REFER rings, a `failed` 487 still follows the hangup. */
  lateFinal?: boolean;
  /** Whether call.cost follows the hangup of each leg; default: the application's setting. */
  cost?: boolean;
  /** How many copies of every webhook are sent; default 1. */
  copies?: number;
  /** Delays every copy of every webhook at random, so that they arrive out of order. */
  shuffle?: boolean;
  /** Faults of this call only, in addition to the simulator's rates. */
  faults?: ScriptedFault[];
}

const STATUS_OF: Partial<Record<FarEndName, number>> = {
  completed: 200,
  busy: 486,
  no_answer: 480,
  declined: 603,
  not_found: 404,
  not_allowed: 405,
  server_error: 503,
};

type FarResult = number | 'silent' | 'bye' | 'rejected';

export interface ResolvedFarEnd {
  result: FarResult;
  progress: number[];
  startedMs: number;
  /** Null: a transfer that nobody answers rings for its own time limit. */
  ringMs: number | null;
  hangup: 'after' | 'before' | 'never';
  hangupGapMs: number;
  dropsAfterFailure: boolean;
  code: string;
  talkMs: number;
}

/**
 * The far end for the nth move of this kind (from 0), which is the `nthToAddress`th to this
 * address.
 */
export function farEndOf(
  ends: FarEnds | undefined,
  address: string,
  nth: number,
  nthToAddress: number,
): ResolvedFarEnd {
  const chosen = choose(ends ?? 'completed', address, nth, nthToAddress) ?? 'completed';
  const end: FarEnd = typeof chosen === 'object' ? chosen : { result: chosen };
  const silentFromStart = end.result === 'silent' || end.result === 'bye';
  return {
    result: resultOf(end.result),
    progress: end.progress ?? (silentFromStart ? [] : [100]),
    startedMs: end.startedMs ?? 30,
    ringMs: end.ringMs ?? null,
    hangup: end.hangup ?? 'after',
    hangupGapMs: end.hangupGapMs ?? 20,
    dropsAfterFailure: end.dropsAfterFailure ?? false,
    code: end.code ?? '10015',
    talkMs: end.talkMs ?? 400,
  };
}

function choose(
  ends: FarEnds,
  address: string,
  nth: number,
  nthToAddress: number,
): FarEndScript | undefined {
  if (Array.isArray(ends)) return ends[nth] ?? ends.at(-1);
  if (typeof ends !== 'object' || 'result' in ends) return ends as FarEndScript;
  const user = address.replace(/^sips?:/i, '').split(/[@;]/)[0] ?? '';
  const own = ends[address] ?? ends[user] ?? ends['*'];
  return Array.isArray(own) ? (own[nthToAddress] ?? own.at(-1)) : own;
}

function resultOf(result: FarEndName | number): FarResult {
  if (typeof result === 'number') return result;
  if (result === 'silent_after_started') return 'silent';
  if (result === 'silent' || result === 'bye' || result === 'rejected') return result;
  return STATUS_OF[result] ?? 500;
}
