/** Every time limit of the machine, in one place. The figures are the contract's; the comments say why. */

/** `new`: without a direction nothing can be decided. */
export const UNDECIDED_MS = 60_000;
/** `answering`: after the answer was accepted. */
export const ANSWERED_WITHIN_MS = 10_000;
/** How long an answer is worth sending: a caller who hears ringing for longer has gone. */
export const ANSWER_SEND_MS = 30_000;
/** An outgoing leg rings until its far end answers: at most so long, Telnyx's greatest `timeout_secs`. */
export const RINGING_MS_MAX = 600_000;
/** How long a prompt is worth sending. */
export const PROMPT_SEND_MS = 10_000;
/** A step without any outcome of its command: sending time, the dispatcher's lease, and some. */
export const OUTCOME_GRACE_MS = 12_000;
/** Telnyx forgets a command_id after 60 s; up to here the identical command may be sent again. */
export const SAME_COMMAND_MS = 55_000;
/**
 * RFC 3261's timer F, 64 times T1: a REFER that has had no answer after this has failed, and a
 * subscription that never sent a NOTIFY does not begin later.
 */
export const REFER_SILENT_MS = 32_000;
/** A request of which nobody knows had its step's time but for this: what sending takes. */
export const UNKNOWN_LEFT_MS_MIN = 1_000;
/** Our deadline after a transfer's own `timeout_secs`. */
export const TRANSFER_GRACE_MS = 5_000;
/** What Telnyx takes as a transfer's `timeout_secs`; a shorter step ends by our own deadline. */
export const TRANSFER_SECS_MIN = 5;
export const TRANSFER_SECS_MAX = 600;
/** `referred`: the far end's hangup is expected within this time. */
export const HANGUP_EXPECTED_MS = 10_000;
/** `releasing`: the hangup is sent again after these, one after the other. */
export const RELEASE_AGAIN_MS: readonly number[] = [5_000, 30_000, 120_000];
/** After the last of them, before a human is asked. */
export const RELEASE_STUCK_MS = 30_000;
/** A final event within this time after the hangup still corrects a verdict. */
export const CORRECTION_MS = 30_000;
/** Put off late deadlines once by this: Telnyx's retried webhooks come first. */
export const PUT_OFF_MS = 15_000;
/** Between the tries of a probe; three of them make the 15 s after which the machine goes on without. */
export const PROBE_EVERY_MS = 5_000;
export const PROBE_TRIES_MAX = 3;
/** What Telnyx says of a new B-leg has reached us within this, if webhooks reach us at all. */
export const B_LEG_NEWS_MS = 2_000;
/** Before Telnyx is asked again for the B-leg of a transfer of which nobody has news: ever more seldom. */
export const B_LEG_AGAIN_MS_MIN = 15_000;
export const B_LEG_AGAIN_MS_MAX = 300_000;
/** Telnyx ends every call after this (time_limit_secs, 14400 at most): nobody is talking any more. */
export const CALL_MS_MAX = 14_400_000;
/** Attempts that one call keeps; beyond, those that never left go first. */
export const ATTEMPTS_MAX = 100;
/** Slow probe of calls that somebody else looks after, or that talk. */
export const WATCH_MS = 15 * 60_000;
/** Slow probes in a row without an answer: 4 h, Telnyx's longest call (time_limit_secs 14400). */
export const UNSEEN_MAX = 16;
/** Slowest speech that is still speech, and the set-up around it: when a say should have ended. */
export const SPEECH_MS_PER_CHARACTER = 110;
export const SPEECH_EXTRA_MS = 6_000;
/** Fastest speech: what ends sooner was another voice. */
export const SPEECH_MS_PER_CHARACTER_MIN = 25;
/** A recording is followed for at most this long. */
export const PLAY_MS_MAX = 180_000;
/** One that plays has told so within this. */
export const PLAY_STARTS_MS = 5_000;
/** Patience for a call that no decision pinned one on. */
export const PATIENCE_MS = 120_000;
/** Telnyx calls a leg ended of which an event came within this time: that does not fit together. */
export const HEARD_LATELY_MS = 10_000;
/** What reaches us within this time of each other may have happened in either order. */
export const TOGETHER_MS = 250;
