/**
 * Compiles `when` once: each condition becomes a check that only builds its reason when asked.
 * The clauses are in clause/; this file combines them.
 */
import { compileClause } from './clause/clause.ts';
import type { Condition, Schedule, Switch } from './rule.ts';
import type { Subject } from './subject.ts';
import type { Tables } from './tables/table.ts';

export interface Check {
  holds(subject: Subject): boolean;
  /**
   * Whether it could match at a later event of the same call: -1 no, 0 perhaps (it depends on the
   * event, on digits or on the time), 1 yes. Three values, so that `not` of perhaps is perhaps.
   */
  later(subject: Subject): number;
  /**
   * Whether it could match any incoming call to the subject's number over its connection, from any
   * caller at any time from now on; three values, as for `later`.
   */
  someCall(subject: Subject): number;
  /**
   * The lookup that must be asked before it is known whether this matches; null if it is known.
   * Until then, whatever depends on a lookup counts as not matching.
   */
  missing(subject: Subject): string | null;
  /** Why it does not match: the first failed clause, expected and got. Null if it matches. */
  failed(subject: Subject): string | null;
  /** Why it matches. */
  held(subject: Subject): string;
  /** The clause checked first, if that is a `from` or `to`; see trace.ts. */
  first: AddressFailure | null;
}

/** A clause of `from` or `to`, and its reason if it does not match: `to: +14155550100` and this. */
export interface AddressFailure {
  field: 'from' | 'to';
  /** The clause's number, by which postings name it. */
  clause: number;
  failure: string;
}

/** Collects `from` and `to` clauses while rules are compiled; see `rule-index.ts`. */
export interface AddressClauses {
  /** The clause's number, by which postings name it. */
  add(field: 'from' | 'to', values: readonly string[]): number;
}

/** What compiling a condition needs from outside. */
export interface Surroundings {
  rule: string;
  schedules: ReadonlyMap<string, Schedule>;
  switches: ReadonlyMap<string, Switch>;
  tables: Tables;
  addresses: AddressClauses;
}

export function compileCondition(condition: Condition, around: Surroundings): Check {
  if ('clause' in condition) return compileClause(condition.clause, around);
  if ('not' in condition) return not(compileCondition(condition.not, around));
  if ('all' in condition) return all(condition.all.map((one) => compileCondition(one, around)));
  return any(condition.any.map((one) => compileCondition(one, around)));
}

function all(checks: Check[]): Check {
  const [only, ...others] = checks;
  if (only !== undefined && others.length === 0) return only;
  return {
    holds(subject) {
      for (const check of checks) if (!check.holds(subject)) return false;
      return true;
    },
    later: (subject) => Math.min(1, ...checks.map((check) => check.later(subject))),
    someCall: (subject) => Math.min(1, ...checks.map((check) => check.someCall(subject))),
    missing: (subject) => missingIn(checks, subject, false),
    failed(subject) {
      for (const check of checks) {
        const why = check.failed(subject);
        if (why !== null) return why;
      }
      return null;
    },
    held(subject) {
      if (checks.length === 0) return 'it has no conditions';
      return checks.map((check) => check.held(subject)).join('; ');
    },
    first: checks[0]?.first ?? null,
  };
}

function any(checks: Check[]): Check {
  return {
    holds(subject) {
      for (const check of checks) if (check.holds(subject)) return true;
      return false;
    },
    later: (subject) => Math.max(-1, ...checks.map((check) => check.later(subject))),
    someCall: (subject) => Math.max(-1, ...checks.map((check) => check.someCall(subject))),
    missing: (subject) => missingIn(checks, subject, true),
    failed(subject) {
      const reasons: string[] = [];
      for (const check of checks) {
        const why = check.failed(subject);
        if (why === null) return null;
        reasons.push(why);
      }
      return `any: none of (${reasons.join(' | ')})`;
    },
    held(subject) {
      for (const check of checks) if (check.holds(subject)) return check.held(subject);
      return 'nothing held';
    },
    first: null,
  };
}

/** `decisive`: the value of one part that decides about the whole, whatever the lookups answer. */
function missingIn(checks: Check[], subject: Subject, decisive: boolean): string | null {
  let first: string | null = null;
  for (const check of checks) {
    const missing = check.missing(subject);
    if (missing !== null) first ??= missing;
    else if (check.holds(subject) === decisive) return null;
  }
  return first;
}

function not(check: Check): Check {
  return {
    holds: (subject) => !check.holds(subject),
    // Adding zero avoids -0, which would be a second value for perhaps.
    later: (subject) => 0 - check.later(subject),
    someCall: (subject) => 0 - check.someCall(subject),
    missing: (subject) => check.missing(subject),
    failed: (subject) => (check.holds(subject) ? `not: ${check.held(subject)}` : null),
    held: (subject) => `not (${check.failed(subject) ?? ''})`,
    first: null,
  };
}
