/** The problem for a request field that has the right type but an impossible value. */
import { notAMoment, readMoment } from '../../core/iso-time.ts';
import type { Problem } from '../problem.ts';

type Where = 'body' | 'querystring';

/** `why` says what is wrong with the value and what is expected. */
export function badField(where: Where, field: string, why: string): Problem {
  return {
    status: 400,
    reason: where === 'body' ? 'invalid_body' : 'invalid_parameter',
    field,
    detail: `${where} field "${field}": ${why}`,
  };
}

/** For a time that `readMoment` cannot parse. */
export function badMoment(where: Where, field: string, given: string): Problem {
  const { problem, hint } = notAMoment(given);
  return badField(where, field, `${problem}; ${hint}`);
}

/** The times of a query that were given, or the problem with the first that cannot be parsed. */
export function momentsIn<Name extends string>(
  query: Record<Name, string | undefined>,
): { moments: Partial<Record<Name, number>> } | { problem: Problem } {
  const moments: Partial<Record<Name, number>> = {};
  for (const [name, given] of Object.entries(query) as [Name, string | undefined][]) {
    const ms = given === undefined ? undefined : readMoment(given);
    if (ms === null) return { problem: badMoment('querystring', name, given ?? '') };
    if (ms !== undefined) moments[name] = ms;
  }
  return { moments };
}
