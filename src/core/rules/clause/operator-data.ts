/** Clauses about the operator's data: a row of a table, the answer of a lookup. */
import { compileGlob } from '../addresses/glob.ts';
import type { Check, Surroundings } from '../match.ts';
import type { Clause } from '../rule.ts';
import { quote, type Subject } from '../subject.ts';
import { resolveColumn } from '../tables/found-rows.ts';
import { lasting, someOf } from './lasting.ts';

export function rowClause(clause: Extract<Clause, { key: 'row' }>, around: Surroundings): Check {
  const { column, scope, values } = clause;
  const globs = values.map(compileGlob);
  const field = around.tables.get(scope[0]?.[0] ?? '')?.key;
  const wanted = resolveColumn(column, scope, around.tables);
  if ('problem' in wanted) throw new Error(`rule ${around.rule}: no column ${column}`);
  const cell = (subject: Subject) => subject.rows.cellOf(wanted);
  const check = lasting({
    holds(subject) {
      const got = cell(subject);
      return got !== null && globs.some((glob) => glob.matches(got));
    },
    failed(subject) {
      const got = cell(subject);
      return got === null
        ? `row ${column}: the call has no row in ${scope.flat().join(' or ')}`
        : `row ${column}: ${quote(got, 'an empty cell')} does not match ${someOf(values)}`;
    },
    held: (subject) =>
      `row ${column}: ${quote(cell(subject), 'an empty cell')} matches ${someOf(values)}`,
  });
  return field === 'to' ? { ...check, someCall: check.later } : check;
}

/** The answer of a lookup; its text comes from another server. */
export function lookupClause(clause: Extract<Clause, { key: 'lookup' }>): Check {
  const { lookup, field, values } = clause;
  const globs = values.map(compileGlob);
  const fact = (subject: Subject) => subject.lookup(lookup);
  const kept = (subject: Subject): string | null => {
    const known = fact(subject)?.values ?? {};
    return Object.hasOwn(known, field) ? (known[field] ?? null) : null;
  };
  const what = `lookup ${lookup}.${field}`;
  const check = lasting({
    holds(subject) {
      const value = kept(subject);
      return value !== null && globs.some((glob) => glob.matches(value));
    },
    failed(subject) {
      const known = fact(subject);
      if (known === undefined) return `lookup ${lookup}: not asked, something else decides`;
      if (known.failed !== null) return `lookup ${lookup}: ${quote(known.failed)}`;
      const value = kept(subject);
      if (value === null) return `${what}: not in its answer, expected ${someOf(values)}`;
      return `${what}: ${quote(value, 'an empty value')} does not match ${someOf(values)}`;
    },
    held: (subject) => `${what}: ${quote(kept(subject))} matches ${someOf(values)}`,
  });
  return {
    ...check,
    later: (subject) => (fact(subject) === undefined ? 0 : check.later(subject)),
    missing: (subject) => (fact(subject) === undefined ? lookup : null),
  };
}
