/**
 * How long a test waits for what must come. It is seen at once when it does, so this is spent only
 * where something is wrong, and it is long enough for a machine on which others work too.
 */
export const PATIENCE_MS = 30_000;
