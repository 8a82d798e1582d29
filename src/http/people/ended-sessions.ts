/**
 * Sessions that were ended by signing out, kept until they would have expired anyway. The list is
 * bounded per person: beyond that, older sessions of the same person end too, so nobody can make
 * the list forget another person's sign-out.
 */
import { SESSION_MS_MAX } from './session-time.ts';

interface EndedOf {
  /** All sessions that began before this time (milliseconds) have ended; 0: only those in `ids`. */
  before: number;
  /** When each ended session began, by its id. */
  ids: Record<string, number>;
}

/** By the name of the person. */
export type Ended = Record<string, EndedOf>;

interface Begun {
  id: string;
  name: string;
  since: number;
}

const PER_PERSON_MAX = 50;

export function hasEnded(ended: Ended, { id, name, since }: Begun): boolean {
  const own = Object.hasOwn(ended, name) ? ended[name] : undefined;
  return own !== undefined && (since < own.before || Object.hasOwn(own.ids, id));
}

export function withEnded(ended: Ended, { id, name, since }: Begun): Ended {
  return bothEnded(ended, { [name]: { before: 0, ids: { [id]: since } } });
}

export function bothEnded(one: Ended, other: Ended): Ended {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries([...names].map((name) => [name, bounded(one[name], other[name])]));
}

/** Drops sessions that have expired by now. */
export function stillToKnow(ended: Ended, now: number): Ended {
  const isOver = (since: number) => since + SESSION_MS_MAX <= now;
  const left = Object.entries(ended).map(([name, { before, ids }]): [string, EndedOf] => {
    const living = Object.entries(ids).filter(([, since]) => !isOver(since));
    return [name, { before: isOver(before) ? 0 : before, ids: Object.fromEntries(living) }];
  });
  return Object.fromEntries(
    left.filter(([, { before, ids }]) => before > 0 || Object.keys(ids).length > 0),
  );
}

const NONE: EndedOf = { before: 0, ids: {} };

function bounded(one: EndedOf = NONE, other: EndedOf = NONE): EndedOf {
  const before = Math.max(one.before, other.before);
  const all = Object.entries({ ...one.ids, ...other.ids })
    .filter(([, since]) => since >= before)
    .toSorted(([, a], [, b]) => b - a);
  const [oldest] = all.slice(PER_PERSON_MAX);
  const ids = Object.fromEntries(all.slice(0, PER_PERSON_MAX));
  return { before: oldest === undefined ? before : oldest[1] + 1, ids };
}
