/** Finds the B-leg of a transfer among the live legs of a connection. */
import type { Command, Outcome } from '../core/machine/command.ts';
import { readActiveCalls } from './active-calls.ts';
import { type Answer, outcomeOfAnswer } from './outcome.ts';

/** Bounds the search: 5,000 live legs. */
const ACTIVE_CALLS_PAGES_MAX = 20;
/**
 * Telnyx's maximum: the search has a few seconds, and with the default of 20 it would not get
 * beyond some 300 legs.
 */
const PAGE_SIZE = 'page[size]=250';

/**
 * Searches all pages for the leg with the envelope that the transfer put on its B-leg. The caller's
 * own leg is listed too, and has the same envelope from the transfer command itself.
 */
export async function findBLeg(
  command: Extract<Command, { action: 'active_calls' }>,
  path: string,
  ask: (path: string) => Promise<Answer>,
): Promise<Outcome> {
  let query: string | null = `?${PAGE_SIZE}`;
  for (let pages = 0; query !== null && pages < ACTIVE_CALLS_PAGES_MAX; pages += 1) {
    const answer = await ask(`${path}${query}`);
    const page = answer.status === 200 ? readActiveCalls(answer.body) : null;
    if (page === null) return outcomeOfAnswer(command.action, answer);
    const found = page.calls.find(
      ({ callControlId, clientState }) =>
        clientState === command.targetClientState && callControlId !== command.callId,
    );
    if (found !== undefined || page.next === null) {
      return { kind: 'accepted', status: 200, alive: null, bLeg: found?.callControlId ?? null };
    }
    query = page.next.includes('page[size]') ? page.next : `${page.next}&${PAGE_SIZE}`;
  }
  return { kind: 'unknown', detail: `more than ${ACTIVE_CALLS_PAGES_MAX} pages of active calls` };
}
