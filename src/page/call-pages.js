/**
 * Pages of calls, newest first. The API takes one value per filter. A filter that needs several
 * (callers who were lost, every failed verdict) makes several requests and merges them; the cursor
 * keeps the rest, so that the pages stay in order.
 */
import { getJson } from './api.js';
import { ENDS, VERDICTS } from './states.js';

const PAGE_ROWS = 50;

/** Filters that exist only on this page, with the values of the API they stand for. */
export const FAILED = 'failed';
export const NOT_ARRIVED = 'not_arrived';
export const LOST = 'lost';
const FAILURES = VERDICTS.filter(
  (verdict) => !['completed', 'abandoned', 'skipped'].includes(verdict),
);
const ELSEWHERE = ENDS.filter(
  (ends) => !['referred', 'transferred', 'abandoned', 'ignored'].includes(ends),
);

export async function readPage(filter, cursor) {
  const queries = queriesOf(filter);
  const parts = await Promise.all(
    queries.map((query, index) => refill(query, cursor?.[index] ?? FRESH)),
  );
  const calls = new Map();
  for (;;) {
    const newest = newestOf(parts);
    if (newest === null) break;
    const [call] = newest.rest;
    if (calls.size === PAGE_ROWS && !calls.has(call.call_control_id)) break;
    if (isMeant(call, filter)) calls.set(call.call_control_id, call);
    newest.rest = newest.rest.slice(1);
    // After its last row, a list may have calls that are newer than those in the other lists.
    if (newest.rest.length === 0 && newest.next !== null) break;
  }
  const more = parts.some(({ rest, next }) => rest.length > 0 || next !== null);
  // A whole page may consist of rows that do not match.
  if (calls.size === 0 && more) return readPage(filter, parts);
  return { calls: [...calls.values()], next: more ? parts : null };
}

/**
 * A position that an address can hold; null for the newest, and for merged lists, whose position is
 * the rest of several.
 */
export function addressOf(cursor) {
  const [first, ...others] = cursor ?? [];
  return others.length === 0 && first?.rest.length === 0 ? (first.next ?? null) : null;
}

export function cursorOf(address) {
  return address === undefined ? null : [{ rest: [], next: address }];
}

const FRESH = { rest: [], next: undefined };

function queriesOf(filter) {
  const verdicts = filter.verdict === FAILED ? FAILURES : [filter.verdict];
  const ends = filter.ends === NOT_ARRIVED ? ELSEWHERE : [filter.ends];
  const outcomes = filter.outcome === LOST ? ['not_reached', 'gave_up'] : [filter.outcome];
  return outcomes.flatMap((outcome) =>
    verdicts.flatMap((verdict) => ends.map((end) => ({ ...filter, outcome, verdict, ends: end }))),
  );
}

async function refill(query, { rest, next }) {
  if (rest.length >= PAGE_ROWS || next === null) return { rest, next };
  const found = await getJson('/v1/calls', { ...query, limit: PAGE_ROWS, cursor: next });
  return { rest: [...rest, ...found.calls], next: found.next };
}

function newestOf(parts) {
  const filled = parts.filter(({ rest }) => rest.length > 0);
  if (filled.length === 0) return null;
  return filled.reduce((a, b) => (b.rest[0].created_at > a.rest[0].created_at ? b : a));
}

/** A caller who was never moved does not count as not arrived. */
function isMeant({ attempts }, { ends }) {
  return ends !== NOT_ARRIVED || attempts.length > 0;
}
