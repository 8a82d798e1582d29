/**
 * Pages of calls, newest first. The API takes one outcome and one end. A filter that needs several
 * (callers who were lost, who did not arrive) makes several requests and merges them; the cursor
 * keeps the rest, so that the pages stay in order.
 */
import { getJson } from '../server/api.js';
import { ENDS } from '../words/states.js';

const PAGE_ROWS = 50;

/** The API's own filter for all verdicts that mean failure. */
export const FAILED = 'failed';
/** Filters that exist only on this page, with the API's values that they stand for. */
export const NOT_ARRIVED = 'not_arrived';
export const LOST = 'lost';
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
    // Beyond its last row a list may have calls that are newer than those in the other lists.
    if (newest.rest.length === 0 && newest.next !== null) break;
  }
  const more = parts.some(({ rest, next }) => rest.length > 0 || next !== null);
  // A whole page may consist of rows that do not match.
  if (calls.size === 0 && more) return readPage(filter, parts);
  return { calls: [...calls.values()], next: more ? parts : null };
}

/**
 * The position in the form used in the page's address; null for the newest page. For merged lists,
 * which have several cursors, it is the time of the first call shown.
 */
export function addressOf(cursor, calls) {
  if (cursor === null) return null;
  const [first, ...others] = cursor;
  const isPlain = others.length === 0 && first.rest.length === 0 && first.before === undefined;
  return isPlain ? (first.next ?? null) : (calls[0]?.created_at ?? null);
}

/** Null if the address has no position, or one for another filter. */
export function cursorOf(address, filter) {
  if (address === undefined) return null;
  const queries = queriesOf(filter);
  const isTime = !Number.isNaN(Date.parse(address)) && address.includes('T');
  if (!isTime) return queries.length === 1 ? [{ rest: [], next: address }] : null;
  // One millisecond later, because the filter excludes its own time and this call must be shown.
  const before = new Date(Date.parse(address) + 1).toISOString();
  return queries.map(() => ({ rest: [], next: undefined, before }));
}

const FRESH = { rest: [], next: undefined, before: undefined };

function queriesOf(filter) {
  const ends = filter.ends === NOT_ARRIVED ? ELSEWHERE : [filter.ends];
  const outcomes = filter.outcome === LOST ? ['not_reached', 'gave_up'] : [filter.outcome];
  return outcomes.flatMap((outcome) => ends.map((end) => ({ ...filter, outcome, ends: end })));
}

/** `before`: the time at which the list begins, if not at the newest call. */
async function refill(query, { rest, next, before }) {
  if (rest.length >= PAGE_ROWS || next === null) return { rest, next, before };
  const until = [query.until, before].filter((time) => time !== undefined).toSorted(byTime)[0];
  const found = await getJson('/v1/calls', { ...query, until, limit: PAGE_ROWS, cursor: next });
  return { rest: [...rest, ...found.calls], next: found.next, before };
}

function byTime(a, b) {
  return Date.parse(a) - Date.parse(b);
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
