/**
 * The rules of sending, as pure functions: may a claimed command be sent now, and what follows from
 * its outcome.
 */
import type { Outcome } from '../../core/machine/command.ts';
import { SAME_COMMAND_MS } from '../../core/machine/limits.ts';
import type { Settlement } from '../../store/contract/calls.ts';
import type { ClaimedCommand } from '../../store/contract/outbox.ts';
import { RETRY_MS_MAX, retryDelayMs } from './backoff.ts';

/** How long a claimed command is ours to send. */
export const LEASE_MS = 10_000;
/** How much our estimate of the store's clock may be off: the duration of the claim. */
const LEASE_MARGIN_MS = 1_000;
/** A command that could not be sent for this long is obsolete, whatever its step says. */
const COMMAND_AGE_MS_MAX = 10 * 60_000;
const CONFLICT = 409;
/** As often as Telnyx's own SDK sends a request; the last try is 1.5 s after the first. */
const CONFLICT_TRIES_MAX = 3;
/** Added to a wait that is given, with jitter. */
const SPREAD_MS = 250;

export type Permission =
  | { kind: 'send' }
  /** The lease has expired; the next process to claim it sends it. */
  | { kind: 'lapsed' }
  /** The lease could expire while the request is in flight, so the command is returned unsent. */
  | { kind: 'late'; outcome: Outcome }
  | { kind: 'cancelled'; outcome: Outcome }
  /** Never again: the command's time is over, and Telnyx may have forgotten its command_id. */
  | { kind: 'over'; outcome: Outcome };

/**
 * `now` by the store's clock; `requestMs` is how long a request may take; `sentAgoMs` is how long
 * ago the first one was made, by our own clocks.
 */
export function maySend(
  claimed: ClaimedCommand,
  now: number,
  requestMs: number,
  sentAgoMs = 0,
): Permission {
  const leftMs = claimed.leaseUntil - now - LEASE_MARGIN_MS;
  if (leftMs <= 0) return { kind: 'lapsed' };
  const over = whyOver(claimed, now, sentAgoMs);
  if (over !== null) return { kind: 'over', outcome: { kind: 'unknown', detail: over } };
  return leftMs < requestMs ? { kind: 'late', outcome: LATE } : { kind: 'send' };
}

/**
 * Returned early, because waiting for the lease to expire would cost the caller time and count as a
 * request.
 */
const LATE: Outcome = {
  kind: 'retry',
  status: null,
  detail: 'it waited too long to be sent within its lease',
  afterMs: 0,
  provenUnsent: true,
};

/** What was cancelled is not tried again; this says that the try was not made. */
export const CANCELLED: Permission = {
  kind: 'cancelled',
  outcome: {
    kind: 'retry',
    status: null,
    detail: 'it was taken back before it was written',
    afterMs: null,
    provenUnsent: true,
  },
};

function whyOver(claimed: ClaimedCommand, now: number, sentAgoMs: number): string | null {
  const { giveUpAt } = claimed.command;
  const before = whatWasBefore(claimed);
  if (claimed.firstSentAt > claimed.now) {
    return `${before}; not sent again: the store's clock was set back, so it is unknown how long ago that was`;
  }
  if (giveUpAt !== null && now >= giveUpAt) return `${before}; the time of its step is over`;
  if (Math.max(now - claimed.firstSentAt, sentAgoMs) >= SAME_COMMAND_MS) {
    return `${before}; not sent again, Telnyx soon forgets its command_id`;
  }
  if (now >= claimed.createdAt + COMMAND_AGE_MS_MAX) {
    return `${before}; it waited for more than ${COMMAND_AGE_MS_MAX / 60_000} minutes`;
  }
  return null;
}

/** An earlier try may have found no connection, or Telnyx may have turned it away. */
function whatWasBefore(claimed: ClaimedCommand): string {
  if (!isFirstOfWindow(claimed)) return 'sent before without a clear answer';
  return claimed.tries > 1 ? 'never executed' : 'never sent';
}

/**
 * The claim wrote `first_sent_at`, so no request of this command can have reached Telnyx before it.
 */
function isFirstOfWindow(claimed: ClaimedCommand): boolean {
  return claimed.firstSentAt === claimed.now;
}

/**
 * A conflict may be over in a moment, and giving up may cost the caller. Telnyx says that it did
 * not execute the command, and if it did after all, it recognises the command_id.
 */
export function asConflict({ tries }: ClaimedCommand, outcome: Outcome): Outcome {
  if (outcome.kind !== 'rejected' || outcome.status !== CONFLICT) return outcome;
  if (outcome.callEnded || outcome.notAnswered || tries >= CONFLICT_TRIES_MAX) return outcome;
  const { status, detail } = outcome;
  return { kind: 'retry', status, detail, afterMs: null, provenUnsent: true };
}

/**
 * What an answer means if an identical request was sent before with an unknown outcome. A refused
 * connection only proves that this try was not sent. A 4xx may refuse the repetition of a command
 * that Telnyx has executed. Facts about the leg are still valid: it has ended, or it is not
 * answered, so that nothing can have been executed.
 */
export function asRepetition(claimed: ClaimedCommand, outcome: Outcome): Outcome {
  if (isFirstOfWindow(claimed)) return outcome;
  if (outcome.kind === 'retry') return { ...outcome, provenUnsent: false };
  if (outcome.kind !== 'rejected' || outcome.callEnded || outcome.notAnswered) return outcome;
  const detail = `a repetition was refused, but an earlier try may have been executed: ${outcome.detail}`;
  return { kind: 'unknown', detail };
}

/** When it was first sent; null if it is proven that it never was. */
export function sentSince(
  claimed: ClaimedCommand,
  outcome: Outcome,
  requested: boolean,
): number | null {
  const unsent = !requested || (outcome.kind === 'retry' && outcome.provenUnsent);
  return unsent && isFirstOfWindow(claimed) ? null : claimed.firstSentAt;
}

/** What happens to the row: it is done, or due again at a given time. */
export function settlementOf(
  claimed: ClaimedCommand,
  outcome: Outcome,
  now: number,
  chance: number,
): Omit<Settlement, 'owner'> {
  const commandId = claimed.command.id;
  if (outcome.kind !== 'retry') return { commandId, outcome, retryAt: null };
  const delay =
    outcome.afterMs === null
      ? retryDelayMs(claimed.tries, chance)
      : outcome.afterMs + Math.ceil(chance * spreadMs(outcome.status, claimed.tries));
  // Not after the time from which the outcome is unknown; the next claim then records that.
  const window = outcome.provenUnsent ? Infinity : claimed.firstSentAt + SAME_COMMAND_MS;
  const until = Math.min(window, claimed.command.giveUpAt ?? Infinity);
  return { commandId, outcome, retryAt: Math.ceil(Math.max(now, Math.min(now + delay, until))) };
}

/**
 * Grows with each try that Telnyx refuses with 429: whole seconds may say "0 s", and commands that
 * all come again at once would keep the limit in force.
 */
function spreadMs(status: number | null, tries: number): number {
  return status === 429 ? Math.min(SPREAD_MS * 2 ** (tries - 1), RETRY_MS_MAX) : SPREAD_MS;
}
