/** `table` and `row` in `when`, and which tables a rule requires. */
import type { Condition } from '../../core/rules/rule.ts';
import { type RowScope, resolveColumn } from '../../core/rules/tables/found-rows.ts';
import { useName } from '../building/context.ts';
import type { Positions } from '../decode/positions.ts';
import type { WrittenWhen } from '../schema/when.ts';
import { columnOf, onlyTableWith } from '../tables/columns.ts';
import { type ConditionBuilder, listed, valuesOf } from './conditions.ts';

/** The tables that a rule requires: each `table` once, except those in a `not`. */
export class ScopeOfRule {
  readonly groups: string[][] = [];

  constructor(when: WrittenWhen) {
    this.#collect(when);
  }

  add(group: string[]): void {
    const known = this.groups.some((each) => each.join('\n') === group.join('\n'));
    if (!known) this.groups.push(group);
  }

  /** False: a table may be asked for in what could not be read. */
  isSure(when: WrittenWhen, positions: Positions): boolean {
    const parts = [when.all ?? [], when.any ?? []];
    if (!positions.isWhole(when)) return false;
    if (Array.isArray(when.table) && !positions.isWhole(when.table)) return false;
    return parts.every(
      (part) =>
        (part.length === 0 || positions.isWhole(part)) &&
        part.every((each) => this.isSure(each, positions)),
    );
  }

  #collect(when: WrittenWhen): void {
    if (when.table !== undefined) this.add(listed(when.table));
    for (const part of [...(when.all ?? []), ...(when.any ?? [])]) this.#collect(part);
  }
}

export function rowConditions(b: ConditionBuilder, when: WrittenWhen): Condition[] {
  const { context, positions, scope } = b;
  const conditions: Condition[] = [];
  for (const { value, at } of valuesOf(when, 'table', positions)) {
    useName(context, 'table', value, at);
  }
  if (when.table !== undefined) conditions.push(...tableCondition(b, listed(when.table)));
  if (when.row === undefined) return conditions;
  const { row } = when;
  const own = when.table === undefined ? scope.groups : [listed(when.table)];
  const only = own.length === 0 ? onlyTableWith(context, Object.keys(row)) : null;
  if (only !== null) {
    // `row` without `table` means the only table that has these columns.
    context.used.table.add(only.name);
    scope.add([only.name]);
    conditions.push(...tableCondition(b, [only.name]));
  }
  for (const [reference, values] of Object.entries(row)) {
    const where = { at: positions.atKey(row, reference), what: `row ${reference}` };
    const meant = scopeFor(b, reference, only === null ? own : [[only.name]]);
    const column = columnOf(context, reference, meant, where);
    if (column === null) continue;
    const clause = { key: 'row' as const, column: reference, scope: meant, values: listed(values) };
    conditions.push({ clause });
    for (const { value, at } of valuesOf(row, reference, positions)) {
      context.rowValues.push({ reference, scope: meant, value, at });
    }
  }
  return conditions;
}

/** The tables named beside it, or, if these do not have the column, those of the whole rule. */
function scopeFor(
  { context, scope }: ConditionBuilder,
  reference: string,
  own: RowScope,
): RowScope {
  const whole = resolveColumn(reference, scope.groups, context.tables);
  const near = resolveColumn(reference, own, context.tables);
  return 'problem' in near && !('problem' in whole) ? scope.groups : own;
}

function tableCondition({ context }: ConditionBuilder, names: readonly string[]): Condition[] {
  const of = (field: 'from' | 'to'): Condition[] => {
    const own = names.filter((name) => context.tables.get(name)?.key === field);
    if (own.length === 0) return [];
    return [{ clause: { key: field, values: own.map((name) => `table:${name}`) } }];
  };
  const both = [...of('to'), ...of('from')];
  return both.length < 2 ? both : [{ any: both }];
}
