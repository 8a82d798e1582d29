/**
 * How long a test waits for something that must happen. It returns as soon as that happens, so the
 * whole time is only spent on failures. It is long enough for a busy machine.
 */
export const PATIENCE_MS = 30_000;
