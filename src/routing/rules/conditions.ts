/**
 * Builds a condition from `when`: keys are ANDed, values ORed. The core adds defaults: incoming,
 * call.initiated.
 */
import { getCountries, isSupportedCountry } from 'libphonenumber-js';
import type { Clause, Condition } from '../../core/rules/rule.ts';
import type { RowScope } from '../../core/rules/tables/found-rows.ts';
import { type SetContext, useName } from '../building/context.ts';
import type { Positions } from '../decode/positions.ts';
import { checkNumber, quoted } from '../numbers/number.ts';
import { didYouMean, type Place } from '../problem.ts';
import { isOnWord } from '../schema/schedule.ts';
import type { WrittenRule } from '../schema/schema.ts';
import type { WrittenWhen } from '../schema/when.ts';
import { useLookup } from '../targets/lookups.ts';
import { rowConditions, ScopeOfRule } from './table-conditions.ts';

/** `tables`: collects the tables whose rows the rule's steps may use. */
export function buildCondition(
  context: SetContext,
  rule: WrittenRule,
  positions: Positions,
): { when: { all: Condition[] }; tables: RowScope } {
  const when = rule.when ?? {};
  const scope = new ScopeOfRule(when);
  const isSure = rule.when ? scope.isSure(when, positions) : !positions.has(rule, 'when');
  if (!isSure) context.unsureRows.add(scope.groups);
  const all = conjuncts({ context, positions, scope }, when);
  checkDigits(context, when, positions);
  return { when: { all }, tables: scope.groups };
}

export interface ConditionBuilder {
  context: SetContext;
  positions: Positions;
  scope: ScopeOfRule;
}

function conjuncts(b: ConditionBuilder, when: WrittenWhen): Condition[] {
  const { context, positions } = b;
  const all: Condition[] = clauses(context, when, positions).map((clause) => ({ clause }));
  all.push(...switchClauses(context, when, positions));
  all.push(...rowConditions(b, when));
  const nested = (parts: WrittenWhen[]): Condition[] =>
    parts.map((part) => ({ all: conjuncts(b, part) }));
  if (when.all !== undefined) all.push({ all: nested(when.all) });
  if (when.any !== undefined) all.push({ any: nested(when.any) });
  if (when.not !== undefined) {
    checkNot(context, when.not, positions);
    all.push({ not: { all: conjuncts(b, when.not) } });
  }
  return all;
}

/** `{}` matches every call, so a rule with `not: {}` never runs. */
function checkNot(context: SetContext, not: WrittenWhen, positions: Positions): void {
  const at = positions.at(not);
  if (Object.keys(not).length > 0) return;
  if (!positions.isWhole(not)) return;
  context.problems.problem(at, '"not" is empty', 'for example not: { anonymous: true }');
}

function clauses(context: SetContext, when: WrittenWhen, positions: Positions): Clause[] {
  const found: Clause[] = [];
  const each = (key: keyof WrittenWhen, check: (value: string, at: Place) => void): void => {
    for (const { value, at } of valuesOf(when, key, positions)) check(value, at);
  };
  each('from', (value, at) => checkParty(context, value, at));
  each('to', (value, at) => checkParty(context, value, at));
  each('schedule', (value, at) => useName(context, 'schedule', value, at));
  each('country', (value, at) => checkCountry(context, value, at));

  if (when.from !== undefined) found.push({ key: 'from', values: listed(when.from) });
  if (when.to !== undefined) found.push({ key: 'to', values: listed(when.to) });
  if (when.direction !== undefined)
    found.push({ key: 'direction', values: listed(when.direction) });
  if (when.connection_id !== undefined)
    found.push({ key: 'connection_id', values: listed(when.connection_id) });
  if (when.caller_type !== undefined)
    found.push({ key: 'caller_type', values: listed(when.caller_type) });
  for (const [name, values] of Object.entries(when.header ?? {})) {
    found.push({ key: 'header', name, values: listed(values) });
  }
  if (when.schedule !== undefined) found.push({ key: 'schedule', values: listed(when.schedule) });
  for (const [schedule, values] of Object.entries(when.closed_because ?? {})) {
    checkReasons(context, when.closed_because ?? {}, schedule, positions);
    found.push({ key: 'closed_because', schedule, values: listed(values) });
  }
  if (when.country !== undefined) found.push({ key: 'country', values: listed(when.country) });
  if (when.attestation !== undefined)
    found.push({ key: 'attestation', values: listed(when.attestation) });
  if (when.anonymous !== undefined) found.push({ key: 'anonymous', value: when.anonymous });
  if (when.percent !== undefined) found.push({ key: 'percent', value: when.percent });
  if (when.tags !== undefined) found.push({ key: 'tags', values: listed(when.tags) });
  if (when.event !== undefined) found.push({ key: 'event', values: listed(when.event) });
  if (when.digits !== undefined) found.push({ key: 'digits', values: listed(when.digits) });
  // Lookups come last, so that a trace first names what does not match in the call itself.
  found.push(...lookupClauses(context, when, positions));
  return found;
}

/** A list of names: one of these switches is on. A map: each switch is in the given state. */
function switchClauses(context: SetContext, when: WrittenWhen, positions: Positions): Condition[] {
  const written = when.switch;
  if (written === undefined) return [];
  if (typeof written === 'string' || Array.isArray(written)) {
    for (const { value, at } of valuesOf(when, 'switch', positions)) {
      useName(context, 'switch', value, at);
    }
    return [{ clause: { key: 'switch', values: listed(written) } }];
  }
  return Object.entries(written).map(([name, wanted]) => {
    useName(context, 'switch', name, positions.atKey(written, name));
    const clause: Condition = { clause: { key: 'switch', values: [name] } };
    return isOnWord(wanted) ? clause : { not: clause };
  });
}

/** A misspelt reason would never match, and nobody would notice. */
function checkReasons(
  context: SetContext,
  written: NonNullable<WrittenWhen['closed_because']>,
  schedule: string,
  positions: Positions,
): void {
  if (!useName(context, 'schedule', schedule, positions.atKey(written, schedule))) return;
  if (context.broken.has(schedule)) return;
  const known = context.reasons.get(schedule) ?? new Set<string>();
  const values = written[schedule] ?? [];
  for (const [index, reason] of listed(values).entries()) {
    if (known.has(reason)) continue;
    context.problems.problem(
      Array.isArray(values) ? positions.at(values, index) : positions.at(written, schedule),
      `the schedule ${quoted(schedule)} is never closed because of ${quoted(reason)}`,
      known.size === 0
        ? `give a day a reason: closed: [ { days: "2026-12-25", because: ${reason} } ]`
        : didYouMean(reason, known),
    );
  }
}

function lookupClauses(context: SetContext, when: WrittenWhen, positions: Positions): Clause[] {
  const lookups = when.lookup ?? {};
  return Object.entries(lookups).flatMap(([lookup, fields]) =>
    Object.entries(fields).map(([field, values]): Clause => {
      const at = {
        lookup: positions.atKey(lookups, lookup),
        field: positions.atKey(fields, field),
      };
      useLookup(context, lookup, field, at);
      return { key: 'lookup', lookup, field, values: listed(values) };
    }),
  );
}

export function listed<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

export function valuesOf<Owner extends object>(
  when: Owner,
  key: keyof Owner & string,
  positions: Positions,
): { value: string; at: Place }[] {
  const written: unknown = when[key];
  if (typeof written === 'string') return [{ value: written, at: positions.at(when, key) }];
  if (!Array.isArray(written)) return [];
  return written.map((value, index) => ({
    value: String(value),
    at: positions.at(written, index),
  }));
}

function checkParty(context: SetContext, value: string, at: Place): void {
  if (value.startsWith('list:')) {
    useName(context, 'list', value.slice('list:'.length), at);
    return;
  }
  if (value.startsWith('table:')) {
    const name = value.slice('table:'.length).trim();
    const hint = `write when: { table: ${name === '' ? 'extensions' : name} }`;
    context.problems.problem(at, `${quoted(value)} is not a number, SIP URI or pattern`, hint);
    return;
  }
  const check = checkNumber(value, context.country);
  if (check === null) return;
  if ('problem' in check) {
    const list = context.names.list.has(value) ? `did you mean "list:${value}"?` : check.hint;
    context.problems.problem(at, check.problem, list);
  } else if (context.names.list.has(value)) {
    context.problems.problem(at, `${quoted(value)} is the name of a list`, `write "list:${value}"`);
  } else context.problems.warning(at, check.warning, check.hint);
}

function checkCountry(context: SetContext, code: string, at: Place): void {
  if (isSupportedCountry(code)) return;
  context.problems.problem(
    at,
    `unknown country ${quoted(code)}`,
    code === 'UK' ? 'did you mean GB?' : didYouMean(code, getCountries()),
  );
}

/** Only call.dtmf.received has digits; with any other event the clause can never match. */
function checkDigits(context: SetContext, when: WrittenWhen, positions: Positions): void {
  const seesDigits = (part: WrittenWhen): boolean =>
    (part.event !== undefined && listed(part.event).includes('call.dtmf.received')) ||
    partsOf(part).some(seesDigits);
  const visit = (part: WrittenWhen): void => {
    if (part.digits !== undefined && !seesDigits(when)) {
      context.problems.problem(
        positions.atKey(part, 'digits'),
        'digits without event: call.dtmf.received never matches',
        'add event: call.dtmf.received; digits of a menu belong in the step menu',
      );
    }
    for (const { value, at } of valuesOf(part, 'digits', positions)) {
      if (value.length === 1) continue;
      context.problems.warning(
        at,
        `digits ${quoted(value)} never match: Telnyx sends an event for each key`,
        'name one key, or ask with the step menu',
      );
    }
    partsOf(part).forEach(visit);
  };
  visit(when);
}

function partsOf({ all = [], any = [], not }: WrittenWhen): WrittenWhen[] {
  return [...all, ...any, ...(not === undefined ? [] : [not])];
}
