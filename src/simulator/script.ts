/**
 * What happens to one call: who calls whom, and what the far ends, the caller and the network do.
 */
import type { ScriptedFault } from './faults.ts';

/**
 * What a REFER or a transfer meets.
 * - a number, or its name: the final SIP status (completed 200, busy 486, no_answer 480, declined 603,
 *   not_found 404, not_allowed 405, server_error 503)
 * - silent: accepted, then nothing, ever; silent_after_started: the same after a 100
 * - bye: the phone answers, the caller is moved, their leg hangs up, and nobody sends a NOTIFY
 * - rejected: the API refuses the command with 422
 */
export type FarEndName =
  | 'completed'
  | 'busy'
  | 'no_answer'
  | 'declined'
  | 'not_found'
  | 'not_allowed'
  | 'server_error'
  | 'silent'
  | 'silent_after_started'
  | 'bye'
  | 'rejected';

export interface FarEnd {
  result: FarEndName | number;
  /** 1xx NOTIFYs before the result; default [100]. Not before `silent` and `bye`'s own. */
  progress?: number[];
  /** From the acceptance to the first NOTIFY; default 30 ms. */
  startedMs?: number;
  /**
   * From the acceptance to the result; default 400 ms. A transfer nobody answers rings its
   * timeout_secs.
   */
  ringMs?: number;
  /** After a completed REFER the caller's leg hangs up; default after. */
  hangup?: 'after' | 'before' | 'never';
  /** Between result and hangup; default 20 ms. */
  hangupGapMs?: number;
  /** After a failed REFER the leg stays (default) or drops. */
  dropsAfterFailure?: boolean;
  /** What `rejected` says; default 10015. */
  code?: string;
  /** A transfer's conversation; default 400 ms, then the called side hangs up. */
  talkMs?: number;
}

export type FarEndScript = FarEndName | number | FarEnd;
/** In order (the last one repeats), or by SIP address, number, or user part; "*" for the rest. */
export type FarEnds = FarEndScript | FarEndScript[] | Record<string, FarEndScript | FarEndScript[]>;

/** The caller hangs up: `afterMs` after the nth time something happens to their call. */
export interface CallerHangup {
  /**
   * What they hang up at; refer_rings and transfer_rings are the first 1xx or the acceptance
   * without one.
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
  /** silent: the call is answered and nobody says so; refused: the API refuses with 422. */
  answer?: 'normal' | 'silent' | 'refused';
  answerMs?: number;
  /** What each REFER meets; default completed. */
  refers?: FarEnds;
  /** What each transfer meets; default completed. */
  transfers?: FarEnds;
  /** The caller's keys, one entry a try of a menu; null presses nothing; the last one repeats. */
  digits?: (string | null)[];
  keyMs?: number;
  /** One speech; default 20 ms a character, at most 2 s. */
  speakMs?: number;
  playbackMs?: number;
  /** Whichever comes first; `{ when: 'initiated', afterMs }` is their patience. */
  callerHangup?: CallerHangup | CallerHangup[];
  /** When the caller hangs up while a REFER rings, a `failed` 487 still comes after the hangup. */
  lateFinal?: boolean;
  /** call.cost after the hangup of each leg; default as the application says. */
  cost?: boolean;
  /** Every webhook this often; default 1. */
  copies?: number;
  /** Every copy of every webhook is late by chance, so that they arrive out of order. */
  shuffle?: boolean;
  /** Faults of this call only, on top of the simulator's rates. */
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

export type FarResult = number | 'silent' | 'bye' | 'rejected';

export interface ResolvedFarEnd {
  result: FarResult;
  progress: number[];
  startedMs: number;
  /** Null: a transfer that nobody answers rings as long as its own time limit. */
  ringMs: number | null;
  hangup: 'after' | 'before' | 'never';
  hangupGapMs: number;
  dropsAfterFailure: boolean;
  code: string;
  talkMs: number;
}

/**
 * The far end for the nth (from 0) move of this kind, of which `nthToAddress` went to this address.
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
