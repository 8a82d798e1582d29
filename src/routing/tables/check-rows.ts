/**
 * Checks every row against its use in rules: a cell that a destination needs must not be empty, and
 * the resulting destination must be valid. So mistakes are found before a call meets them.
 */
import { isE164 } from '../../core/rules/addresses/sip-uri.ts';
import {
  everyStep,
  type Reaching,
  type RouteSet,
  type RouteStep,
  type Rule,
  type Template,
  targetsOf,
} from '../../core/rules/rule.ts';
import { type Column, NO_ROWS, type RowScope } from '../../core/rules/tables/found-rows.ts';
import { letsThrough, type RowFilter, rowFilter } from '../../core/rules/tables/row-filter.ts';
import type { Table } from '../../core/rules/tables/table.ts';
import { malformed } from '../../core/rules/targets/reach.ts';
import { textsOf } from '../../core/rules/texts/language.ts';
import { placeholderText, type ValueFor } from '../../core/rules/texts/placeholder.ts';
import { SPOKEN_CHARS_MAX } from '../../core/rules/texts/spoken.ts';
import {
  fillDestination,
  fillText,
  isOperators,
  templateText,
} from '../../core/rules/texts/template.ts';
import type { SetContext } from '../building/context.ts';
import { quoted } from '../numbers/number.ts';
import type { Place, Problems } from '../problem.ts';
import { destinationHint } from '../targets/destinations.ts';
import { columnOf } from './columns.ts';

/** A text with placeholders in a step or in its target. */
interface Use {
  kind: 'refer' | 'transfer' | 'from' | 'text' | 'spoken';
  template: Template;
  /** For messages: `refer "sip:{row:extension}@…"`. */
  what: string;
  at: Place;
}

/** What one rule requires of the rows of one table. */
interface Need extends Use {
  rule: string;
  /** The column of each placeholder of this table, by its name in the template. */
  columns: Map<string, number>;
  /**
   * Whether all placeholders are columns of this table, so that the text can be completed for every
   * row.
   */
  whole: boolean;
  /** Rows that the rule's own `row` clauses exclude are not checked. */
  filter: RowFilter;
}

/** Yields regularly, see slices.ts. */
export function* checkRows(context: SetContext, set: RouteSet): Generator<void, void> {
  const needs = new Map<string, Need[]>();
  for (const rule of set.rules) {
    if (!('steps' in rule.action)) continue;
    for (const use of usesOf(context, set, rule.action.steps)) enter(context, rule, use, needs);
  }
  const general = [...usesOf(context, set, set.otherwise), ...usesOf(context, set, set.lastResort)];
  for (const use of general) columnsOf(context, use, NO_ROWS);
  for (const [name, ofTable] of needs) {
    const table = set.tables.get(name);
    if (table === undefined || context.unreadTables.has(name)) continue;
    for (let row = 0; row < table.rows; row += 1) {
      checkRow(context.problems, table, row, ofTable);
      yield;
    }
  }
}

function enter(context: SetContext, rule: Rule, use: Use, needs: Map<string, Need[]>): void {
  const columns = columnsOf(context, use, rule.tables);
  const names = new Set([...columns.values()].flatMap(({ tables }) => tables));
  for (const name of names) {
    const table = context.tables.get(name);
    if (table === undefined) continue;
    const own = [...columns].filter(([, { tables }]) => tables.includes(name));
    const need: Need = {
      ...use,
      rule: rule.name,
      columns: new Map(own.map(([text, { column }]) => [text, table.columns.indexOf(column)])),
      whole: isOperators(use.template) && own.length === placesOf(use.template).size,
      filter: rowFilter(rule.when, table, context.tables),
    };
    const known = needs.get(name);
    if (known === undefined) needs.set(name, [need]);
    else known.push(need);
  }
}

/** The columns, by the text of the placeholder. */
function columnsOf(context: SetContext, use: Use, scope: RowScope): Map<string, Column> {
  const columns = new Map<string, Column>();
  for (const [text, reference] of placesOf(use.template)) {
    const what = `${text} of ${use.what}`;
    const column = columnOf(context, reference, scope, { at: use.at, what });
    if (column !== null) columns.set(text, column);
  }
  return columns;
}

/** What the template asks of rows, by the text of the placeholder. */
function placesOf(template: Template): Map<string, string> {
  const places = new Map<string, string>();
  for (const piece of template) {
    if ('place' in piece && piece.place === 'row') places.set(placeholderText(piece), piece.column);
  }
  return places;
}

function checkRow(problems: Problems, table: Table, row: number, needs: readonly Need[]): void {
  const cells = table.cells(row);
  const here = () => ({ file: table.file, line: table.line(row), column: 1 });
  const empty = new Set<number>();
  for (const need of needs) {
    if (!letsThrough(need.filter, cells)) continue;
    const lacking =
      need.kind === 'spoken'
        ? []
        : [...need.columns.values()].filter((column) => (cells[column] ?? '').trim() === '');
    for (const column of lacking) {
      if (empty.has(column)) continue;
      empty.add(column);
      problems.problem(
        here(),
        `the cell ${quoted(table.columns[column] ?? '')} is empty, and ${need.what} of the rule ${quoted(need.rule)} needs it`,
        'fill it, or leave such rows to another rule: when: { row: { … } }',
      );
    }
    if (lacking.length > 0 || !need.whole) continue;
    const wrong = wrongWith(need, cells);
    if (wrong === null) continue;
    problems.problem(
      here(),
      `${wrong.problem}; ${need.what} of the rule ${quoted(need.rule)} makes this of the row`,
      wrong.hint,
    );
  }
}

function wrongWith(need: Need, cells: readonly string[]): { problem: string; hint: string } | null {
  const { kind, template, columns } = need;
  const valueFor: ValueFor = (piece) => cells[columns.get(placeholderText(piece)) ?? -1] ?? null;
  if (kind === 'spoken') return wrongWithSpoken(template, valueFor);
  if (kind === 'text' || kind === 'from') {
    const filled = fillText(template, valueFor);
    if ('problem' in filled) return { problem: filled.problem, hint: '' };
    if (kind === 'text' || isCallerId(filled.text)) return null;
    const problem = `${quoted(filled.text)} is not a caller id`;
    return { problem, hint: destinationHint(filled.text) || 'a number or a SIP URI' };
  }
  const filled = fillDestination(template, valueFor);
  if ('problem' in filled) return { problem: filled.problem, hint: '' };
  const destination = filled.text;
  const problem =
    kind === 'refer' && isE164(destination)
      ? `${quoted(destination)} is a number, and a refer needs a SIP URI`
      : malformed(destination);
  if (problem === null) return null;
  return { problem, hint: /^sips?:/i.test(destination) ? '' : destinationHint(destination) };
}

function wrongWithSpoken(
  template: Template,
  valueFor: ValueFor,
): { problem: string; hint: string } | null {
  const text = template
    .map((piece) => ('literal' in piece ? piece.literal : (valueFor(piece) ?? '')))
    .join('');
  if (text.trim() === '') return { problem: 'the text is empty', hint: 'write what to say' };
  if (text.length <= SPOKEN_CHARS_MAX) return null;
  const problem = `the text has ${text.length} characters, more than ${SPOKEN_CHARS_MAX}`;
  return { problem, hint: 'Telnyx does not speak longer texts' };
}

/** Whether `transfer` may show this text as the caller id. */
export function isCallerId(text: string): boolean {
  return isE164(text) || /^sips?:[^@\s]+@[^@\s]+$/i.test(text);
}

/** Every text in the steps and their targets that uses a column of a table. */
function usesOf(context: SetContext, set: RouteSet, steps: readonly RouteStep[]): Use[] {
  return everyStep(steps).flatMap((step) =>
    ownUses(set, step, context.stepPlaces.get(step) ?? { file: '.', line: 1, column: 1 }),
  );
}

function ownUses(set: RouteSet, step: RouteStep, at: Place): Use[] {
  const uses: Use[] = [];
  const use = (kind: Use['kind'], template: Template | null, prefix: string): void => {
    const asks = template?.some((piece) => 'place' in piece && piece.place === 'row') ?? false;
    if (template === null || !asks) return;
    uses.push({ kind, template, what: `${prefix} ${quoted(templateText(template))}`, at });
  };
  const useReaching = (reaching: Reaching | undefined, of: string): void => {
    use('text', reaching?.userToUser ?? null, `user_to_user ${of}`);
    for (const { name, value } of reaching?.headers ?? []) use('text', value, `${name} ${of}`);
  };
  switch (step.do) {
    case 'say':
      for (const text of textsOf(step.text, set.prompts)) use('spoken', text, step.do);
      return uses;
    case 'menu':
      if ('play' in step.prompt) return uses;
      for (const text of textsOf(step.prompt.say, set.prompts)) use('spoken', text, step.do);
      return uses;
    case 'refer':
    case 'transfer': {
      if (step.do === 'transfer') use('from', step.from, 'from:');
      const { to } = step;
      if (to.kind === 'literal') {
        use(step.do, to.template, step.do);
        useReaching(to.more, `of the ${step.do} to ${templateText(to.template)}:`);
      }
      for (const name of targetsOf(to)) {
        const target = set.targets.get(name);
        use(step.do, target?.sip ?? null, `the target ${name}:`);
        useReaching(target, `of the target ${name}:`);
      }
      return uses;
    }
    default:
      return uses;
  }
}
