/**
 * Tables from SIP codes and hangup causes to verdicts. Which table counts is decided by the type of
 * the event: see `on-refer.ts` and `on-b-leg.ts`.
 */
export const VERDICTS = [
  'completed',
  'busy',
  'no_answer',
  'declined',
  'not_found',
  'not_allowed',
  'server_error',
  'other',
  'rejected',
  'no_verdict',
  'abandoned',
  /** Skipped without an attempt: nothing was sent. */
  'skipped',
] as const;
export type Verdict = (typeof VERDICTS)[number];
/** Verdicts of attempts that were made and failed. */
export type FailedVerdict = Exclude<Verdict, 'completed' | 'abandoned' | 'skipped'>;

/**
 * False: neither a success nor a failure, because the caller did not wait for the end or nothing
 * was sent.
 */
export function isJudged(verdict: Verdict | null): verdict is 'completed' | FailedVerdict {
  return verdict !== null && verdict !== 'abandoned' && verdict !== 'skipped';
}

export function isFailed(verdict: Verdict | null): verdict is FailedVerdict {
  return isJudged(verdict) && verdict !== 'completed';
}

export const FAILED_VERDICTS: readonly FailedVerdict[] = VERDICTS.filter(isFailed);

/** Of a question about attempts: one verdict, or whichever says that it failed. */
export type AskedVerdict = Verdict | 'failed';

export function verdictsAsked(asked: AskedVerdict): readonly Verdict[] {
  return asked === 'failed' ? FAILED_VERDICTS : [asked];
}

/**
 * Verdict of a `call.refer.failed` by its `sip_notify_response`: the status line of the NOTIFY's
 * sipfrag body (RFC 3515, 2.4.5) or, if there was no NOTIFY, the answer to the REFER itself. In
 * that case 603 (Asterisk without allow_transfer), 501 (jambonz), 420 and 481 refuse the REFER, not
 * the caller.
 */
export function verdictOfReferFailure(code: number | null, progress: boolean): Verdict {
  if (!progress && code !== null && REFER_REFUSED.has(code)) return 'not_allowed';
  return verdictOfSipCode(code);
}

/** `call.refer.failed` with a success code: it is unknown where the caller is. */
export function isContradictory(code: number | null): boolean {
  return code !== null && code >= 200 && code <= 299;
}

/** Verdict of a SIP response code. */
export function verdictOfSipCode(code: number | null): Verdict {
  if (code === null) return 'other';
  const known = SIP_VERDICTS.get(code);
  if (known !== undefined) return known;
  return code >= 500 && code <= 599 ? 'server_error' : 'other';
}

/** Verdict of a transfer whose B-leg hung up before it was bridged. */
export function verdictOfHangup(cause: string | null, sipCause: string | null): Verdict {
  const known = cause === null ? undefined : HANGUP_VERDICTS.get(cause);
  if (known !== undefined) return known;
  return verdictOfSipCode(sipCause !== null && /^\d{3}$/.test(sipCause) ? Number(sipCause) : null);
}

/** The only response that says that a phone rings (RFC 3261, 21.1.2). */
export const RINGING = 180;
/** Somebody is at work on the request, not yet the target (RFC 3261, 21.1.1). */
export const TRYING = 100;

const REFER_REFUSED: ReadonlySet<number> = new Set([420, 481, 501, 603]);

const SIP_VERDICTS: ReadonlyMap<number, Verdict> = new Map<number, Verdict>([
  [486, 'busy'],
  [600, 'busy'],
  [408, 'no_answer'],
  [480, 'no_answer'],
  [487, 'no_answer'],
  [603, 'declined'],
  [607, 'declined'],
  [608, 'declined'],
  [404, 'not_found'],
  [410, 'not_found'],
  [484, 'not_found'],
  [604, 'not_found'],
  [401, 'not_allowed'],
  [403, 'not_allowed'],
  [405, 'not_allowed'],
  [407, 'not_allowed'],
]);

// Telnyx's hangup_cause enum. For all other causes the SIP code decides.
const HANGUP_VERDICTS: ReadonlyMap<string, Verdict> = new Map<string, Verdict>([
  ['user_busy', 'busy'],
  ['timeout', 'no_answer'],
  ['no_answer', 'no_answer'],
  ['originator_cancel', 'no_answer'],
  ['call_rejected', 'declined'],
  ['not_found', 'not_found'],
]);
