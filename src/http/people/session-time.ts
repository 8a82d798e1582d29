/** How long a session lasts. */

/** After this time without use a session ends. */
export const SESSION_IDLE_MS = 12 * 60 * 60_000;
/** After this time a session ends, even if it is in use. */
export const SESSION_MS_MAX = 7 * 24 * 60 * 60_000;
