/**
 * Watches whether the server is ready: the stream may be open although the store does not answer.
 */
const LOOK_EVERY_MS = 3_000;
const PATIENCE_MS = 5_000;

/** Reports null, or the reason and detail from /health/ready, whenever they change. */
export function readiness(report) {
  /** @type {{ reason: string, detail: string } | null} */
  let last = null;

  async function look() {
    if (document.visibilityState === 'visible') {
      const found = await ask();
      if (JSON.stringify(found) !== JSON.stringify(last)) {
        last = found;
        report(found);
      }
    }
    setTimeout(look, LOOK_EVERY_MS);
  }
  void look();
}

/** Without an answer nothing is known; the stream reports a lost connection. */
async function ask() {
  try {
    const answer = await fetch('/health/ready', {
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.ok) return null;
    const { reason, detail } = await answer.json();
    return { reason, detail };
  } catch {
    return null;
  }
}
