/** Finds the B-leg of a transfer among the live legs of a connection. */
import type { Command, Outcome } from '../core/machine/command.ts';
import { readActiveCalls } from './active-calls.ts';
import { asObject } from './fields.ts';
import { type Answer, outcomeOfAnswer } from './outcome.ts';
import { nextPage } from './pages.ts';

/** Bounds the search: 5,000 live legs. */
const ACTIVE_CALLS_PAGES_MAX = 20;
/**
 * Telnyx's maximum: the search has a few seconds, and with the default of 20 it would not get
 * beyond some 300 legs.
 */
const PAGE_SIZE = '250';

/**
 * Searches all pages for the leg with the envelope that the transfer put on its B-leg. The caller's
 * own leg is listed too, and has the same envelope from the transfer command itself.
 */
export async function findBLeg(
  command: Extract<Command, { action: 'active_calls' }>,
  path: string,
  ask: (path: string) => Promise<Answer>,
): Promise<Outcome> {
  let query: Record<string, string> = { 'page[size]': PAGE_SIZE };
  for (let pages = 0; pages < ACTIVE_CALLS_PAGES_MAX; pages += 1) {
    const answer = await ask(`${path}?${written(query)}`);
    const legs = answer.status === 200 ? readActiveCalls(answer.body) : null;
    if (legs === null) return outcomeOfAnswer(command.action, answer);
    const found = legs.find(
      ({ callControlId, clientState }) =>
        clientState === command.targetClientState && callControlId !== command.callId,
    );
    const next = nextPage(asObject(answer.body) ?? {});
    if (found !== undefined || next === null) {
      return { kind: 'accepted', status: 200, alive: null, bLeg: found?.callControlId ?? null };
    }
    query = { ...query, ...next };
  }
  return { kind: 'unknown', detail: `more than ${ACTIVE_CALLS_PAGES_MAX} pages of active calls` };
}

/** With the brackets of page[size] as Telnyx documents them. */
function written(query: Record<string, string>): string {
  const parts = Object.entries(query).map(
    ([name, value]) => `${name}=${encodeURIComponent(value)}`,
  );
  return parts.join('&');
}
