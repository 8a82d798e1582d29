/**
 * Finds the rules that could match a call without trying every rule. A rule that requires one of
 * certain `from` or `to` values is entered under those values (its guard); the few others are tried
 * for every call. Candidates are returned in ascending order, so the first match is still the first
 * rule in order.
 */
import { AddressIndex } from './addresses/address-index.ts';
import { countUses, guardOf } from './guard.ts';
import type { AddressClauses } from './match.ts';
import {
  emptyPosting,
  FEW_HITS,
  type Posting,
  type Postings,
  packPostings,
  rulesAt,
} from './postings.ts';
import type { Condition, RouteSet, Rule } from './rule.ts';
import type { Subject } from './subject.ts';
import { type Tables, tableName } from './tables/table.ts';

export const EVENTS = ['call.initiated', 'call.answered', 'call.dtmf.received'] as const;
const INITIATED = 1;
const EVERY_EVENT = 7;

export interface RuleIndex {
  from: AddressIndex;
  to: AddressIndex;
  postings: Postings;
  tables: Tables;
  /** Tables that rules refer to: a call with a row in the table hits its posting. */
  tableHits: { name: string; field: 'from' | 'to'; posting: number }[];
  /** Rules without a guard, by event; ascending. */
  unguarded: [Int32Array, Int32Array, Int32Array];
}

/** A value of `from` or `to` and what it stands for. */
interface Value {
  field: 'from' | 'to';
  value: string;
  posting: Posting;
}

/**
 * Numbers the `from` and `to` clauses in the order in which `compileCondition` meets them. So
 * compile every rule in order with the returned `clauses`, then take the index. Both yield where
 * they may be interrupted.
 */
export function* indexRules(
  rules: readonly Rule[],
  { lists, tables }: Pick<RouteSet, 'lists' | 'tables'>,
): Generator<void, { clauses: AddressClauses; index(): Generator<void, RuleIndex> }> {
  const uses = yield* countUses(rules);
  const known = { from: new Map<string, Posting>(), to: new Map<string, Posting>() };
  const all: Value[] = [];
  const unguarded: [number[], number[], number[]] = [[], [], []];

  const postingOf = (field: 'from' | 'to', value: string): Posting => {
    let posting = known[field].get(value);
    if (posting === undefined) {
      posting = emptyPosting();
      known[field].set(value, posting);
      all.push({ field, value, posting });
    }
    return posting;
  };

  let clauseCount = 0;
  const clauses: AddressClauses = {
    add(field, values) {
      const id = clauseCount;
      clauseCount += 1;
      for (const value of values) {
        const posting = postingOf(field, value);
        if (posting.clauses.at(-1) !== id) posting.clauses.push(id);
      }
      return id;
    },
  };

  for (const [number, rule] of rules.entries()) {
    yield;
    const events = eventsOf(rule.when);
    const guard = guardOf(rule.when, uses);
    for (const event of [0, 1, 2] as const) {
      if ((events & (1 << event)) === 0) continue;
      if (guard === null) unguarded[event].push(number);
      for (const { field, value } of guard?.values ?? []) {
        const entered = postingOf(field, value).rules[event];
        if (entered.at(-1) !== number) entered.push(number);
      }
    }
  }

  return {
    clauses,
    *index() {
      const { postings, places } = packPostings(all.map(({ posting }) => posting));
      const [first, second, third] = unguarded;
      return {
        ...(yield* indexAddresses(all, places, lists)),
        postings,
        tables,
        tableHits: all.flatMap(({ field, value }, number) => {
          const name = tableName(value);
          return name === null ? [] : [{ name, field, posting: places[number] ?? 0 }];
        }),
        unguarded: [Int32Array.from(first), Int32Array.from(second), Int32Array.from(third)],
      };
    },
  };
}

/** Every entry of a list stands for the whole list. */
function* indexAddresses(
  all: readonly Value[],
  places: Int32Array<ArrayBuffer>,
  lists: RouteSet['lists'],
): Generator<void, Pick<RuleIndex, 'from' | 'to'>> {
  const addresses = { from: new AddressIndex(), to: new AddressIndex() };
  for (const [number, { field, value }] of all.entries()) {
    yield;
    if (tableName(value) !== null) continue;
    if (!value.startsWith('list:')) {
      addresses[field].add(value, number);
      continue;
    }
    const name = value.slice('list:'.length);
    const list = lists.get(name);
    if (list === undefined) throw new Error(`no list ${name}`);
    for (const entry of list.entries) {
      addresses[field].add(entry, number);
      yield;
    }
  }
  addresses.from.place(places);
  addresses.to.place(places);
  return addresses;
}

/** Visits the rules that could match, in order, each once, until `visit` returns true. */
export function visitCandidates(
  index: RuleIndex,
  event: 0 | 1 | 2,
  subject: Subject,
  visit: (rule: number) => boolean,
): void {
  const unguarded = index.unguarded[event];
  let queues: Queue[] = [];
  if (unguarded.length > 0) queues.push({ rules: unguarded, next: 0, end: unguarded.length });
  for (const hits of [subject.fromHits, subject.toHits]) {
    for (const hit of hits) {
      const { next, end } = rulesAt(index.postings, hit, event);
      if (next < end) queues.push({ rules: index.postings, next, end });
    }
  }
  if (queues.length > FEW_HITS) queues = [merged(queues)];
  for (;;) {
    let rule = Number.POSITIVE_INFINITY;
    for (const { rules, next, end } of queues) {
      if (next < end) rule = Math.min(rule, rules[next] ?? rule);
    }
    if (rule === Number.POSITIVE_INFINITY) return;
    for (const queue of queues) {
      if (queue.next < queue.end && queue.rules[queue.next] === rule) queue.next += 1;
    }
    if (visit(rule)) return;
  }
}

/** Numbers of rules still to visit, ascending, from `next` up to but not including `end`. */
interface Queue {
  rules: Int32Array;
  next: number;
  end: number;
}

/**
 * Needed for a number in thousands of lists, for which each rule would otherwise search all queues.
 */
function merged(queues: readonly Queue[]): Queue {
  const numbers = new Set<number>();
  for (const { rules, next, end } of queues) {
    for (const rule of rules.subarray(next, end)) numbers.add(rule);
  }
  return { rules: Int32Array.from(numbers).sort(), next: 0, end: numbers.size };
}

/** Events at which a rule can match, as bits of `EVENTS`; default: `call.initiated`. */
export function eventsOf(when: Condition): number {
  return mentions(when, 'event') ? possibleEvents(when) : INITIATED;
}

/** Whether a condition contains a clause of this key. */
export function mentions(condition: Condition, key: string): boolean {
  if ('clause' in condition) return condition.clause.key === key;
  if ('not' in condition) return mentions(condition.not, key);
  const parts = 'all' in condition ? condition.all : condition.any;
  return parts.some((part) => mentions(part, key));
}

function possibleEvents(condition: Condition): number {
  if ('clause' in condition) return eventBits(condition) ?? EVERY_EVENT;
  if ('not' in condition) return EVERY_EVENT & ~certainEvents(condition.not);
  if ('all' in condition) {
    return condition.all.reduce((bits, part) => bits & possibleEvents(part), EVERY_EVENT);
  }
  return condition.any.reduce((bits, part) => bits | possibleEvents(part), 0);
}

/** Events at which a condition matches regardless of other facts. */
function certainEvents(condition: Condition): number {
  if ('clause' in condition) return eventBits(condition) ?? 0;
  if ('not' in condition) return EVERY_EVENT & ~possibleEvents(condition.not);
  if ('all' in condition) {
    return condition.all.reduce((bits, part) => bits & certainEvents(part), EVERY_EVENT);
  }
  return condition.any.reduce((bits, part) => bits | certainEvents(part), 0);
}

function eventBits({ clause }: Extract<Condition, { clause: unknown }>): number | null {
  if (clause.key !== 'event') return null;
  return clause.values.reduce((bits, event) => bits | (1 << EVENTS.indexOf(event)), 0);
}
