/** Every time limit of the state machine. */

/** `new`: how long to wait for a direction, without which nothing can be decided. */
export const UNDECIDED_MS = 60_000;
/** `answering`: time for call.answered after the answer command was accepted. */
export const ANSWERED_WITHIN_MS = 10_000;
/** How long an answer command may be sent; a caller who hears ringing for longer hangs up. */
export const ANSWER_SEND_MS = 30_000;
/**
 * Added to a lookup's own time, which the sender keeps. The deadline comes first only if nobody is
 * there to send the lookup or to report its outcome.
 */
export const LOOKUP_GRACE_MS = 300;
/** How many events may wait for a lookup before they are decided on. */
export const MOMENTS_WAITING_MAX = 20;
/** How long an outgoing leg may ring: Telnyx's maximum `timeout_secs`. */
export const RINGING_MS_MAX = 600_000;
/** How long a prompt may be sent. */
export const PROMPT_SEND_MS = 10_000;
/** Extra time for a command without an outcome: sending, the dispatcher's lease, and a margin. */
export const OUTCOME_GRACE_MS = 12_000;
/** Telnyx forgets a command_id after 60 s; until then the identical command may be sent again. */
export const SAME_COMMAND_MS = 55_000;
/**
 * No command is sent again sooner, unless Telnyx names a time. Telnyx recommends to repeat the
 * identical command at once or after 500 ms (command retries page).
 */
export const RETRY_MS_MIN = 500;
/**
 * RFC 3261's timer F, 64 times T1: a REFER without an answer has then failed, and a subscription
 * that sent no NOTIFY until then will not send one later.
 */
export const REFER_SILENT_MS = 32_000;
/** Time that sending takes, subtracted from the step's timeout if the outcome is unknown. */
export const UNKNOWN_LEFT_MS_MIN = 1_000;
/** Our deadline after a transfer's own `timeout_secs`. */
export const TRANSFER_GRACE_MS = 5_000;
/**
 * Range that Telnyx accepts for a transfer's `timeout_secs`; a shorter step ends by our own
 * deadline.
 */
export const TRANSFER_SECS_MIN = 5;
export const TRANSFER_SECS_MAX = 600;
/** `referred`: the far end's hangup is expected within this time. */
export const HANGUP_EXPECTED_MS = 10_000;
/** `releasing`: the hangup is repeated after each of these in turn. */
export const RELEASE_AGAIN_MS: readonly number[] = [5_000, 30_000, 120_000];
/** From the last repetition until an operator is asked to look. */
export const RELEASE_STUCK_MS = 30_000;
/** A final event within this time after the hangup still corrects a verdict. */
export const CORRECTION_MS = 30_000;
/** Overdue deadlines are postponed once by this, so that webhooks delivered again come first. */
export const PUT_OFF_MS = 15_000;
/**
 * Between the tries of a probe. After three (15 s) the state machine continues without an answer.
 */
export const PROBE_EVERY_MS = 5_000;
export const PROBE_TRIES_MAX = 3;
/** Events of a new B-leg arrive within this time, if webhooks arrive at all. */
export const B_LEG_NEWS_MS = 2_000;
/** Interval between requests for the B-leg of a transfer without events; it grows. */
export const B_LEG_AGAIN_MS_MIN = 15_000;
export const B_LEG_AGAIN_MS_MAX = 300_000;
/** Telnyx ends every call after this time (time_limit_secs, at most 14400). */
export const CALL_MS_MAX = 14_400_000;
/** Attempts kept per call; those that were never sent are dropped first. */
export const ATTEMPTS_MAX = 100;
/** Interval of the slow probe, for unmanaged and bridged calls. */
export const WATCH_MS = 15 * 60_000;
/** Slow probes in a row without an answer: 4 h, Telnyx's longest call (time_limit_secs 14400). */
export const UNSEEN_MAX = 16;
/** The slowest speech and its set-up time: when a `say` must have ended. */
export const SPEECH_MS_PER_CHARACTER = 110;
export const SPEECH_EXTRA_MS = 6_000;
/**
 * The fastest speech, and its set-up with the way of the webhook: an `ended` event that comes
 * sooner belongs to another prompt.
 */
export const SPEECH_MS_PER_CHARACTER_MIN = 25;
export const SPEECH_EXTRA_MS_MIN = 500;
/** A recording is followed for at most this long. */
export const PLAY_MS_MAX = 180_000;
/** A recorded menu is assumed to take this long; the docs ask for shorter ones. */
export const MENU_PLAY_MS_MAX = 60_000;
/** `playback.started` arrives within this time. */
export const PLAY_STARTS_MS = 5_000;
/**
 * While Telnyx is not reached, a caller is told the last words of their plan for this long after
 * their last webhook.
 */
export const LAST_WORDS_MS = 600_000;
/** Patience of a call without a decision. */
export const PATIENCE_MS = 120_000;
/**
 * Telnyx says that a leg has ended, but an event of it arrived within this time: a contradiction.
 */
export const HEARD_LATELY_MS = 10_000;
/** Two events that arrive within this time may have happened in either order. */
export const TOGETHER_MS = 250;
