/**
 * Makes the decision for one call: the first rule that matches, its steps resolved for this call,
 * and for every rule above it the reason why it did not match.
 */
import type { CallFacts } from '../machine/call.ts';
import type { Decision, Moment, TraceLine } from '../machine/plan.ts';
import type { CompiledRoutes } from './compiled-routes.ts';
import { labelOf } from './label.ts';
import { lookupRequest, lookupsIn } from './lookup.ts';
import type { Check } from './match.ts';
import type { Overrides } from './override.ts';
import type { Resolving } from './resolving.ts';
import type { RouteStep, Rule } from './rule.ts';
import { visitCandidates } from './rule-index.ts';
import { Subject } from './subject.ts';
import { CallRows, NO_ROWS, type RowScope } from './tables/found-rows.ts';
import { pinPolicy, resolveSteps } from './targets/target.ts';
import { valuesFor } from './texts/placeholder.ts';
import { eventNumber, TRACE_LINES_MAX, traceAbove } from './trace.ts';

export function decide(
  routes: CompiledRoutes,
  facts: CallFacts,
  moment: Moment,
  overrides: Overrides,
  options: { fullTrace?: boolean } = {},
): Decision {
  const subject = new Subject(facts, moment, overrides, routes.index, routes.set.lookups);
  const search: Search = { routes, subject, refusals: null, warnings: [], missing: null };
  const winner = findWinner(search);
  if (search.missing !== null) return askFirst(routes, facts, search.missing);
  const linesMax = options.fullTrace === true ? Number.POSITIVE_INFINITY : TRACE_LINES_MAX;
  const above = winner?.number ?? routes.rules.length;
  const trace = traceAbove(routes.rules, above, subject, search.refusals, linesMax);
  const last = winner === null ? whenNoneMatched(search) : matched(search, winner, trace);
  if (search.missing !== null) return askFirst(routes, facts, search.missing);

  return {
    ...planOf(routes, facts, { rule: last.rule, made: last.made, rows: subject.rows }),
    trace,
    why: last.why,
    warnings: search.warnings,
  };
}

/**
 * Nothing is decided before every lookup is answered that a rule depends on or that its steps send.
 */
function askFirst(routes: CompiledRoutes, facts: CallFacts, name: string): Decision {
  const lookup = routes.set.lookups.get(name);
  return {
    ...planOf(routes, facts, { rule: null, made: null }),
    trace: [],
    why: `the lookup ${name} is asked first`,
    warnings: [],
    ...(lookup === undefined ? {} : { lookup: lookupRequest(lookup, facts) }),
  };
}

/** The steps of a rule (null: `otherwise`), made ready for one call. */
export function planOf(
  routes: CompiledRoutes,
  facts: CallFacts,
  chosen: Chosen,
): Omit<Decision, 'trace' | 'why' | 'warnings'> {
  const { set, allow } = routes;
  const { rule, made, assume } = chosen;
  const rows = chosen.rows ?? new CallRows(set.tables, facts);
  const using = (tables: RowScope, handlerMade: boolean): Resolving => {
    const valueFor = valuesFor(facts, (column) => rows.cell(column, tables));
    return { set, allow, facts, valueFor, handlerMade, assume, language: made?.language ?? null };
  };
  const general = using(NO_ROWS, false);
  return {
    rule,
    routeSet: set.hash,
    label: labelOf(set, facts.to),
    plan: made === null ? null : resolveSteps(made.steps, using(made.tables, made.handlerMade)),
    lastResort: resolveSteps(set.lastResort, general),
    policy: pinPolicy(general),
    ...(made === null || made.tables.length === 0 ? {} : { rows: rows.found(made.tables) }),
  };
}

export interface Chosen {
  rule: string | null;
  made: Made | null;
  assume?: Resolving['assume'];
  /** The rows of this call, if any were looked up already. */
  rows?: CallRows;
}

/** Steps as a route file or a handler wrote them. */
export interface Made {
  steps: readonly RouteStep[];
  handlerMade: boolean;
  /** Where their rows come from. */
  tables: RowScope;
  /** The rule's language; undefined: as the policy says. */
  language?: string | undefined;
}

interface Search {
  routes: CompiledRoutes;
  subject: Subject;
  /** The answers of handlers that did not match, by the number of their rule. */
  refusals: Map<number, string> | null;
  warnings: string[];
  /** A lookup that must be asked before anything can be decided. */
  missing: string | null;
}

interface Winner extends Made {
  number: number;
  rule: Rule;
  check: Check;
}

interface Conclusion {
  rule: string | null;
  made: Made | null;
  why: string;
}

function findWinner(search: Search): Winner | null {
  const { routes, subject } = search;
  let winner: Winner | null = null;
  visitCandidates(routes.index, eventNumber(subject.moment), subject, (number) => {
    const rule = routes.set.rules[number];
    const check = routes.rules[number]?.check;
    if (rule === undefined || check === undefined) return false;
    if (!meansDirection(routes, number, subject)) return false;
    if (routes.set.lookups.size > 0) {
      search.missing = check.missing(subject);
      if (search.missing !== null) return true;
    }
    if (!check.holds(subject)) return false;
    const made = stepsOf(rule, number, search);
    if (made === null) return false;
    search.missing = missingFor(made.steps, search);
    winner = { number, rule, check, ...made };
    return true;
  });
  return winner;
}

/** A lookup that was not asked yet and whose answer is part of what the steps send. */
function missingFor(steps: readonly RouteStep[], { routes, subject }: Search): string | null {
  if (routes.set.lookups.size === 0) return null;
  for (const name of lookupsIn(steps, routes.set)) {
    if (subject.lookup(name) === undefined) return name;
  }
  return null;
}

/** A rule without a direction is for incoming calls. The default event is in `eventsOf`. */
function meansDirection(routes: CompiledRoutes, number: number, { facts }: Subject): boolean {
  return facts.direction === 'incoming' || routes.incomingOnly[number] === 0;
}

function stepsOf(rule: Rule, number: number, search: Search): Made | null {
  const { tables, language } = rule;
  const from = { tables, language };
  if ('steps' in rule.action) return { steps: rule.action.steps, handlerMade: false, ...from };
  const answer = runHandler(rule.action, search.subject);
  if ('steps' in answer) return { steps: answer.steps, handlerMade: true, ...from };
  search.refusals ??= new Map();
  search.refusals.set(number, `${rule.action.handler}: ${answer.notMine}`);
  if (answer.warning) search.warnings.push(`rule ${rule.name}: ${answer.notMine}`);
  return null;
}

/** The loader's handler runner does not throw; if it ever does, the call is not lost. */
function runHandler(action: Extract<Rule['action'], { handler: string }>, subject: Subject) {
  try {
    return action.run(subject.facts, subject.moment);
  } catch (error) {
    return {
      notMine: `failed: ${error instanceof Error ? error.message : String(error)}`,
      warning: true,
    };
  }
}

function matched(search: Search, winner: Winner, trace: TraceLine[]): Conclusion {
  const { name, action } = winner.rule;
  const handler = 'handler' in action ? `; ${action.handler} returned steps` : '';
  const why = winner.check.held(search.subject) + handler;
  trace.push({ rule: name, matched: true, why });
  return { rule: name, made: winner, why };
}

function whenNoneMatched(search: Search): Conclusion {
  const { facts, moment } = search.subject;
  const unmanaged = (why: string): Conclusion => ({ rule: null, made: null, why });
  if (moment.event !== 'call.initiated') {
    return unmanaged(`no rule on ${moment.event} matched: the call stays as it is`);
  }
  if (facts.direction !== 'incoming') {
    return unmanaged(
      `no rule matched this ${facts.direction ?? 'call of unknown direction'} leg: left unmanaged`,
    );
  }
  const later = findLaterRule(search);
  if (later !== null) {
    return unmanaged(
      `no rule matched yet; "${later.name}" waits for a later event: left unmanaged until then`,
    );
  }
  const made = { steps: search.routes.set.otherwise, handlerMade: false, tables: NO_ROWS };
  search.missing = missingFor(made.steps, search);
  return { rule: null, made, why: 'no rule matched: otherwise' };
}

/** The first rule on a later event that this call could still match. */
function findLaterRule({ routes, subject }: Search): Rule | null {
  let found: { number: number; rule: Rule } | null = null;
  for (const event of [1, 2] as const) {
    visitCandidates(routes.index, event, subject, (number) => {
      const rule = routes.set.rules[number];
      if (rule === undefined || !meansDirection(routes, number, subject)) return false;
      if ((routes.rules[number]?.check.later(subject) ?? -1) < 0) return false;
      if (found === null || number < found.number) found = { number, rule };
      return true;
    });
  }
  return (found as { rule: Rule } | null)?.rule ?? null;
}
