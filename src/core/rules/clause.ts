/** One clause of `when`: its check, and what it expected and got, in words. */
import { compileGlob, isGlob } from './glob.ts';
import { hashUnit } from './hash.ts';
import type { Check, Surroundings } from './match.ts';
import type { Clause } from './rule.ts';
import { closedBecause, isOpen } from './schedule.ts';
import { quote, type Subject } from './subject.ts';
import { isOn, switchWords } from './switch.ts';
import { resolveColumn, tableName } from './table.ts';
import { wallText } from './wall.ts';

/** Collects `from` and `to` clauses while rules are compiled; see `rule-index.ts`. */
export interface AddressClauses {
  /** The clause's number, by which postings name it. */
  add(field: 'from' | 'to', values: readonly string[]): number;
}

/** How many values are listed before "and 97 more". */
const VALUES_NAMED_MAX = 4;

export function compileClause(clause: Clause, around: Surroundings): Check {
  switch (clause.key) {
    case 'from':
    case 'to':
      return addressClause(clause.key, clause.values, around);
    case 'direction':
      return directionClause(clause.values);
    case 'connection_id':
      return oneOf(
        'connection_id',
        clause.values,
        ({ facts }) => facts.connectionId,
        () => 'the call names none',
      );
    case 'caller_type':
      return oneOf(
        'caller_type',
        clause.values,
        ({ facts }) => facts.callerType,
        () => 'not known of this call',
      );
    case 'country': {
      const codes = clause.values.map((code) => code.toUpperCase());
      return oneOf('country', codes, (subject) => subject.country(), whyNoCountry);
    }
    case 'event':
      return perhapsLater(
        oneOf(
          'event',
          clause.values,
          ({ moment }) => moment.event,
          () => 'none',
        ),
      );
    case 'digits':
      return perhapsLater(
        oneOf(
          'digits',
          clause.values,
          ({ moment }) => moment.digits,
          () => 'no key was pressed',
        ),
      );
    case 'tags':
      return tagsClause(clause.values);
    case 'attestation':
      return attestationClause(clause.values);
    case 'anonymous':
      return anonymousClause(clause.value);
    case 'header':
      return headerClause(clause.name, clause.values);
    case 'row':
      return rowClause(clause, around);
    case 'lookup':
      return lookupClause(clause);
    case 'percent':
      return percentClause(clause.value, around.rule);
    case 'schedule':
      return perhapsLater(scheduleClause(clause.values, around));
    case 'closed_because':
      return perhapsLater(closedBecauseClause(clause, around));
    case 'switch':
      return perhapsLater(switchClause(clause.values, around));
    case 'dates':
      return perhapsLater(datesClause(clause));
  }
}

/** A single clause. `failed` gives the reason; only call it if the clause does not match. */
interface Plain {
  holds(subject: Subject): boolean;
  failed(subject: Subject): string;
  held(subject: Subject): string;
}

/** Facts of a call do not change, so a clause that does not match now never will. */
function lasting({ holds, failed, held }: Plain): Check {
  return {
    holds,
    later: (subject) => (holds(subject) ? 1 : -1),
    someCall: () => 0,
    missing: () => null,
    failed: (subject) => (holds(subject) ? null : failed(subject)),
    held,
    first: null,
  };
}

function perhapsLater(check: Check): Check {
  return { ...check, later: () => 0 };
}

function addressClause(
  field: 'from' | 'to',
  values: readonly string[],
  around: Surroundings,
): Check {
  const id = around.addresses.add(field, values);
  const [only = ''] = values;
  const many = values.length === 1 ? null : someOf(values);
  // Built once, so that a decision reads one text and not the values.
  const failure = many === null ? ` ${relation(only, ' not')}` : ` is none of ${many}`;
  const success = many === null ? ` ${relation(only, '')}` : ` is one of ${many}`;
  const tables = values.map(tableName).filter((name) => name !== null);
  const check = lasting({
    holds: (subject) => subject.isHit(field, id),
    failed: (subject) => subject.word(field) + failure,
    held: (subject) => subject.word(field) + success + rowWords(subject, tables),
  });
  const someCall = field === 'to' ? check.later : check.someCall;
  return { ...check, someCall, first: { field, clause: id, failure } };
}

function relation(value: string, not: '' | ' not'): string {
  if (/^(?:list|table):/.test(value)) return `is${not} in ${value}`;
  if (!isGlob(value)) return `is${not} ${value}`;
  return not === '' ? `matches ${value}` : `does not match ${value}`;
}

/** How much of a row a trace shows. */
const ROW_CHARS_MAX = 200;

/** ` (tables/sites.csv:12 number=+14155550100, site=berlin)` of the row that a table has for this call. */
function rowWords(subject: Subject, tables: readonly string[]): string {
  for (const name of tables) {
    const row = subject.rows.of(name);
    if (row === null) continue;
    const cells = row.table.columns.map((column, index) => `${column}=${row.cells[index] ?? ''}`);
    const place = `${row.table.file}:${row.table.line(row.number)}`;
    return ` (${place} ${quote(cells.join(', '), '', ROW_CHARS_MAX)})`;
  }
  return '';
}

/** A fact that must be one of a few texts. */
function oneOf(
  key: string,
  values: readonly string[],
  read: (subject: Subject) => string | null,
  unknown: (subject: Subject) => string,
): Check {
  const wanted = new Set(values);
  // Lists all of them: few words, except for countries, of which there are 245.
  const expected = values.length === 1 ? `is not ${values[0]}` : `is none of ${values.join(', ')}`;
  return lasting({
    holds(subject) {
      const got = read(subject);
      return got !== null && wanted.has(got);
    },
    failed(subject) {
      const got = read(subject);
      return got === null
        ? `${key}: ${unknown(subject)}, expected ${values.join(' or ')}`
        : `${key}: ${quote(got)} ${expected}`;
    },
    held: (subject) => `${key}: ${quote(read(subject))}`,
  });
}

function directionClause(values: readonly string[]): Check {
  const check = oneOf(
    'direction',
    values,
    ({ facts }) => facts.direction,
    () => 'not known of this call',
  );
  return { ...check, someCall: () => (values.includes('incoming') ? 1 : -1) };
}

function whyNoCountry(subject: Subject): string {
  const from = quote(subject.facts.from);
  if (subject.facts.from === null) return 'the caller sent no number';
  if (subject.isAnonymous()) return `the caller (${from}) withholds the number`;
  if (subject.from.number === null) return `the caller ${from} has no number`;
  return `${from} is a number of no country`;
}

function tagsClause(values: readonly string[]): Check {
  const find = (subject: Subject) => values.find((tag) => subject.facts.tags.includes(tag));
  return lasting({
    holds: (subject) => find(subject) !== undefined,
    failed: ({ facts }) =>
      facts.tags.length === 0
        ? `tags: the call has none, expected ${someOf(values)}`
        : `tags: ${quote(facts.tags.join(', '))} has none of ${someOf(values)}`,
    held: (subject) => `tags: has ${find(subject)}`,
  });
}

/** Without Telnyx's validation the level is only the caller's claim. */
function attestationClause(values: readonly string[]): Check {
  return lasting({
    holds: ({ facts }) =>
      facts.attestationValidated &&
      facts.attestation !== null &&
      values.includes(facts.attestation),
    failed: ({ facts }) => {
      if (facts.attestation !== null && !facts.attestationValidated) {
        return `attestation: ${quote(facts.attestation)} was not validated, expected ${someOf(values)}`;
      }
      return facts.attestation === null
        ? `attestation: the call carries none, expected ${values.join(' or ')}`
        : `attestation: ${quote(facts.attestation)} is none of ${values.join(', ')}`;
    },
    held: ({ facts }) => `attestation: ${facts.attestation}, validated`,
  });
}

function anonymousClause(wanted: boolean): Check {
  const words = (subject: Subject) => {
    if (subject.facts.from === null) return 'anonymous: the caller sent no number';
    const is = subject.isAnonymous() ? 'is' : 'is not';
    return `anonymous: the caller ${quote(subject.facts.from)} ${is} anonymous`;
  };
  return lasting({
    holds: (subject) => subject.isAnonymous() === wanted,
    failed: words,
    held: words,
  });
}

function headerClause(name: string, values: readonly string[]): Check {
  const key = name.toLowerCase();
  const globs = values.map(compileGlob);
  const find = (subject: Subject) =>
    subject.header(key).find((value) => globs.some((glob) => glob.matches(value)));
  return lasting({
    holds: (subject) => find(subject) !== undefined,
    failed(subject) {
      const sent = subject.header(key);
      if (sent.length === 0) return `header ${name}: not sent, expected ${someOf(values)}`;
      const got = sent.map((value) => quote(value, 'an empty value')).join(', ');
      return `header ${name}: ${quote(got)} does not match ${someOf(values)}`;
    },
    held: (subject) =>
      `header ${name}: ${quote(find(subject) ?? null, 'an empty value')} matches ${someOf(values)}`,
  });
}

function rowClause(clause: Extract<Clause, { key: 'row' }>, around: Surroundings): Check {
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

/** What a lookup brought; whoever runs the other server wrote it. */
function lookupClause(clause: Extract<Clause, { key: 'lookup' }>): Check {
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

/**
 * Sticky: a caller within 10 percent is also within 20, so raising the share never moves a caller
 * back.
 */
function percentClause(share: number, rule: string): Check {
  const place = (subject: Subject) => hashUnit('percent', rule, subject.caller()) * 100;
  return lasting({
    holds: (subject) => place(subject) < share,
    failed: (subject) =>
      `percent: this caller is at ${place(subject).toFixed(1)}, not below ${share}`,
    held: (subject) => `percent: this caller is at ${place(subject).toFixed(1)}, below ${share}`,
  });
}

function scheduleClause(names: readonly string[], around: Surroundings): Check {
  const schedules = names.map((name) => named(around, 'schedules', name));
  const words = (subject: Subject, open: boolean) =>
    schedules
      .filter((schedule) => subject.isOpen(schedule) === open)
      .map((schedule) => isOpen(schedule, subject.moment.at, subject.overrides).why)
      .join(', ');
  return lasting({
    holds: (subject) => schedules.some((schedule) => subject.isOpen(schedule)),
    failed: (subject) => `schedule: ${words(subject, false)}`,
    held: (subject) => `schedule: ${words(subject, true)}`,
  });
}

function closedBecauseClause(
  { schedule: name, values }: Extract<Clause, { key: 'closed_because' }>,
  around: Surroundings,
): Check {
  const schedule = named(around, 'schedules', name);
  const reasons = ({ moment, overrides }: Subject) => closedBecause(schedule, moment.at, overrides);
  const find = (subject: Subject) => reasons(subject).find((reason) => values.includes(reason));
  const words = ({ moment, overrides }: Subject) => isOpen(schedule, moment.at, overrides).why;
  return lasting({
    holds: (subject) => find(subject) !== undefined,
    failed: (subject) => `closed_because: ${words(subject)}, not because of ${someOf(values)}`,
    held: (subject) => `closed_because: ${words(subject)}, because of ${find(subject)}`,
  });
}

function switchClause(names: readonly string[], around: Surroundings): Check {
  const switches = names.map((name) => named(around, 'switches', name));
  const words = ({ moment, overrides }: Subject, on: boolean) =>
    switches
      .filter((one) => isOn(one, moment.at, overrides) === on)
      .map((one) => switchWords(one, moment.at, overrides))
      .join(', ');
  return lasting({
    holds: ({ moment, overrides }) => switches.some((one) => isOn(one, moment.at, overrides)),
    failed: (subject) => `switch: ${words(subject, false)}`,
    held: (subject) => `switch: ${words(subject, true)}`,
  });
}

/** The loader has checked that it exists. */
function named<Kind extends 'schedules' | 'switches'>(
  around: Surroundings,
  kind: Kind,
  name: string,
): NonNullable<ReturnType<Surroundings[Kind]['get']>> {
  const found = around[kind].get(name);
  if (found === undefined) throw new Error(`rule ${around.rule}: none of its ${kind} is ${name}`);
  return found as NonNullable<ReturnType<Surroundings[Kind]['get']>>;
}

function datesClause({ fromMs, untilMs, zone }: Extract<Clause, { key: 'dates' }>): Check {
  const isEarly = ({ moment }: Subject) => fromMs !== null && moment.at < fromMs;
  const isLate = ({ moment }: Subject) => untilMs !== null && moment.at >= untilMs;
  const text = (ms: number | null) => (ms === null ? '' : wallText(zone, ms));
  return lasting({
    holds: (subject) => !isEarly(subject) && !isLate(subject),
    failed: (subject) =>
      isEarly(subject)
        ? `the rule begins on ${text(fromMs)}`
        : `the rule expired on ${text(untilMs)}`,
    held: () =>
      untilMs === null ? `in force since ${text(fromMs)}` : `in force until ${text(untilMs)}`,
  });
}

function someOf(values: readonly string[]): string {
  const named = values.slice(0, VALUES_NAMED_MAX).join(', ');
  const more = values.length - VALUES_NAMED_MAX;
  return more > 0 ? `${named} and ${more} more` : named;
}
