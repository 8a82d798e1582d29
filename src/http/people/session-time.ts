/** How long a session lasts. */

/** One that is not used. */
export const SESSION_IDLE_MS = 12 * 60 * 60_000;
/** Used or not. */
export const SESSION_MS_MAX = 7 * 24 * 60 * 60_000;
