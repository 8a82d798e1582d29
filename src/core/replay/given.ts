/** How targets really answered on a recorded call. */
import { nameOf } from '../machine/attempt.ts';
import type { Attempt, Verdict } from '../machine/call.ts';
import { verdictOfReferFailure } from '../machine/verdict.ts';
import type { RecordedCall, RecordedEvent } from '../recording/recorded-call.ts';

/** How a target answers when it is tried again. */
export interface Answer {
  /** Null: no answer until the leg itself ends. */
  verdict: Verdict | null;
  rings: boolean;
  tookMs: number;
  sipNotifyResponse: number | null;
  /** The caller hung up while it rang, and a NOTIFY said so. */
  cancelled: boolean;
  /** The leg ended with this attempt, as it does when a REFER succeeds without a NOTIFY. */
  endsTheLeg: boolean;
}

type Recorded = Pick<RecordedCall, 'stored' | 'events'>;

export interface Given {
  /** The next answer of this destination; null if it was not tried on the recorded call. */
  next(move: Pick<Attempt, 'kind' | 'target' | 'sipAddress'>): Answer | null;
}

/**
 * `tried`: the attempts that the call under other routes has already made. A destination that is
 * tried more often than on the recorded call repeats its last answer.
 */
export function givenBy(recorded: Recorded, tried: readonly Attempt[]): Given {
  const { stored } = recorded;
  const asked = tried.map((attempt) => ({ ...attempt }));
  const known = stored.attempts.filter(({ unsent }) => !unsent);
  return {
    next(move) {
      const answers = known.filter((attempt) => answersFor(attempt, move));
      const before = asked.filter((attempt) => !attempt.unsent && answersFor(attempt, move)).length;
      asked.push({ ...move, unsent: false } as Attempt);
      const attempt = answers[Math.min(before, answers.length - 1)];
      return attempt === undefined ? null : answerOf(attempt, recorded);
    },
  };
}

type Move = Pick<Attempt, 'kind' | 'target' | 'sipAddress'>;

/** Matches a target by its name, or by its address if its name was different. */
function answersFor(attempt: Attempt, move: Move): boolean {
  if (nameOf(attempt) !== nameOf(move) && attempt.sipAddress !== move.sipAddress) return false;
  // Telnyx or the SIP side refused one way of moving, which says nothing about the other way.
  return attempt.kind === move.kind || !REFUSED.has(attempt.verdict);
}

const REFUSED: ReadonlySet<Verdict | null> = new Set<Verdict>(['rejected', 'not_allowed']);

function answerOf(attempt: Attempt, { stored, events }: Recorded): Answer {
  const { verdict, kind, final, endedAt, acceptedAt, startedAt } = attempt;
  const tookMs = Math.max(0, (endedAt ?? startedAt) - (acceptedAt ?? startedAt));
  const endsTheLeg =
    kind === 'refer' && !final && acceptedAt !== null && endedAt === stored.endedAt;
  const open = verdict === 'abandoned' || verdict === null || endsTheLeg;
  return {
    verdict: open ? null : verdict,
    rings: rang(attempt, events),
    tookMs,
    sipNotifyResponse: codeOf(attempt),
    cancelled: kind === 'refer' && verdict === 'abandoned' && final,
    endsTheLeg: endsTheLeg && endedAt !== null,
  };
}

/**
 * Looks only before the attempt's end: one that was given up may be reported as ringing when the
 * next one has begun to ring.
 */
function rang(attempt: Attempt, events: readonly RecordedEvent[]): boolean {
  const { progress, startedAt, endedAt } = attempt;
  if (!progress) return false;
  return events.some(
    ({ event, now }) =>
      event.type === 'call.refer.started' &&
      now >= startedAt &&
      (endedAt === null || now <= endedAt),
  );
}

/** Only if it leads to the same verdict again. */
function codeOf({ kind, final, verdict, sipNotifyResponse, progress }: Attempt): number | null {
  if (kind !== 'refer' || !final || verdict === 'completed') return null;
  return verdictOfReferFailure(sipNotifyResponse, progress) === verdict ? sipNotifyResponse : null;
}
