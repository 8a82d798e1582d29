/**
 * Store operations as small values, of which random sequences are made. Each is executed on the
 * reference and on a real store, and both answers are converted to a form that does not depend on
 * whose clock was used.
 */
import fc from 'fast-check';
import type { Call } from '../../src/core/machine/call.ts';
import type { Outcome } from '../../src/core/machine/command.ts';
import type { CommitUnit, Loaded, Tally, Uncounted } from '../../src/store/contract/calls.ts';
import type { CallFilter } from '../../src/store/contract/list.ts';
import type { Claim, ClaimedCommand } from '../../src/store/contract/outbox.ts';
import type { SettingName } from '../../src/store/contract/settings.ts';
import type { Store } from '../../src/store/store.ts';
import { aCall, aChange, aCommand, anAttempt, anEntry } from '../helpers/documents.ts';
import type { ReferenceStore } from './reference-store.ts';

/** Numbers stand for calls, commands, attempts and events, which get their names from the run. */
export interface ChangeGiven {
  call: number;
  /** Computed from a version other than the stored one. */
  stale: boolean;
  phase: 'new' | 'referring' | 'ended';
  deadline: 'none' | 'past' | 'future';
  attempts: { n: number; target: string; verdict: 'busy' | null; unsent: boolean; old: boolean }[];
  events: number[];
  commands: { n: number; urgent: boolean }[];
  cancel: number[];
  settle: { n: number; by: string; how: 'done' | 'again' | 'later' | 'unsent' }[];
  tally: { n: number; how: 'past' | 'future' | 'final' }[];
}

export type Operation =
  | { do: 'commit'; units: ChangeGiven[][]; claim: Claim | null }
  | { do: 'claim'; claim: Claim }
  | { do: 'release'; owner: string | null }
  | { do: 'load'; calls: number[]; attempts: number[]; sessions: number[]; events: number[] }
  | { do: 'list'; filter: Omit<CallFilter, 'limit' | 'cursor'> }
  | { do: 'due'; limit: number }
  | { do: 'count'; limit: number }
  | { do: 'dead_letter'; command: number | null }
  | { do: 'setting'; name: SettingName; value: number | 'throws' }
  | { do: 'prune'; limit: number };

/** Either the reference, which answers synchronously, or a real store. */
export type AnyStore = ReferenceStore | Store;

const CALLS = 3;
/** Before the current time of every clock, and after the end of every run. */
const PAST = 1_000;
const FUTURE = 8_000_000_000_000;
const OLD = 500;
const ACCEPTED: Outcome = { kind: 'accepted', status: 200, alive: null };

export class Run {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }

  call = (n: number) => `${this.name}-call-${n}`;
  /** Depends on the call and its version, so an id is never issued twice. */
  command = (call: number, version: number, n: number) =>
    `${this.name}-command-${call}-${version}-${n}`;
  attempt = (n: number) => `${this.name}-attempt-${n}`;
  item = (call: number, n: number) => `${this.name}-item-${call}-${n}`;
  key = (n: number) => `call.initiated|${this.name}-event-${n}`;
  /** The first two calls share one. */
  session = (n: number) => `${this.name}-session-${n < 2 ? 0 : 1}`;
  caller = (n: number) => `+35386${this.name.replace(/\D/g, '')}${n % 2}`;

  unit(changes: ChangeGiven[], reference: ReferenceStore): CommitUnit {
    return { changes: changes.map((given) => this.change(given, reference)) };
  }

  private change(given: ChangeGiven, reference: ReferenceStore) {
    const id = this.call(given.call);
    const stored = reference.find(id);
    const version = (stored?.version ?? 0) + (given.stale ? 1 : 0);
    const issued = (n: number) => this.issued(given.call, version, n);
    return aChange(this.document(given, stored?.call ?? null), version, {
      events: given.events.map((n) => anEntry(`${this.name}-event-${n}`)),
      commands: given.commands.map(({ n, urgent }) =>
        aCommand(this.command(given.call, version, n), id, urgent ? 'hangup' : 'answer'),
      ),
      cancel: given.cancel.map(issued),
      settle: given.settle.map(({ n, by, how }) => ({
        commandId: issued(n),
        owner: by,
        outcome: how === 'done' ? ACCEPTED : retry(how === 'unsent'),
        retryAt: how === 'done' ? null : how === 'later' ? FUTURE : PAST,
      })),
      tally: new Map(
        given.tally.map(({ n, how }) => [this.item(given.call, n), tallyOf(how, given.call, n)]),
      ),
    });
  }

  /** One of the commands of the latest changes; 0 is the newest. */
  issued(call: number, version: number, n: number): string {
    return this.command(call, version - 1 - (n >> 1), n % 2);
  }

  /** Keeps all attempts and the caller, like the machine. */
  private document(given: ChangeGiven, stored: Call | null): Call {
    const { call: n, phase, deadline } = given;
    const attempts = new Map((stored?.attempts ?? []).map((each) => [each.id, each]));
    for (const { n: a, target, verdict, unsent, old } of given.attempts) {
      const id = this.attempt(10 * n + a);
      attempts.set(id, anAttempt(id, { target, verdict, unsent, startedAt: old ? OLD : PAST }));
    }
    const dueAt = deadline === 'past' ? PAST + n : FUTURE;
    return aCall(this.call(n), {
      phase,
      createdAt: PAST + 10 * n,
      ends: phase === 'ended' ? 'failed' : null,
      endedAt: phase === 'ended' ? PAST + n : null,
      decided: phase !== 'new',
      rule: n === 0 ? 'support' : null,
      parentId: n === 2 ? this.call(0) : null,
      attempts: [...attempts.values()],
      deadlines:
        deadline === 'none' ? [] : [{ name: 'step', n: 1, dueAt, setAt: PAST, putOff: false }],
      facts: { sessionId: this.session(n), from: this.caller(n) },
    });
  }
}

function retry(provenUnsent: boolean): Outcome {
  return { kind: 'retry', status: null, detail: 'connection cut', afterMs: null, provenUnsent };
}

function tallyOf(how: 'past' | 'future' | 'final', call: number, n: number): Tally {
  if (how === 'final') return 'final';
  return { waits: how === 'past' ? PAST + 10 * call + n : FUTURE };
}

/** Executes the operation and returns the answer as plain data. */
export async function carryOut(
  operation: Operation,
  store: AnyStore,
  run: Run,
  reference: ReferenceStore,
): Promise<unknown> {
  switch (operation.do) {
    case 'commit': {
      const units = operation.units.map((changes) => run.unit(changes, reference));
      const { results, claimed, counted } = await store.commit(units, operation.claim);
      return {
        results,
        claimed: claimed.map(claimedAnswer).sort(byId),
        counted: [...counted].sort(),
      };
    }
    case 'claim':
      return (await store.claim(operation.claim, 100)).map(claimedAnswer).sort(byId);
    case 'release':
      return (await store.releaseLeases(operation.owner)) ?? null;
    case 'load':
      return loadedAnswer(await store.load(loadKeys(operation, run)));
    case 'list':
      return listed(store, named(operation.filter, run));
    case 'due':
      return (await store.due(operation.limit)).due;
    case 'count':
      return (await store.takeUncounted(operation.limit)).map(ofCall).sort();
    case 'dead_letter': {
      const command =
        operation.command === null
          ? null
          : run.issued(0, reference.find(run.call(0))?.version ?? 0, operation.command);
      return (await store.deadLetter({ any: 1 }, 'it failed', command)) ?? null;
    }
    case 'setting':
      return settingAnswer(store, operation);
    case 'prune':
      return store.prune(PAST + 1_000, operation.limit);
  }
}

/** Everything that a store contains from a run, for the final comparison. */
export async function contentsOf(store: AnyStore, run: Run): Promise<unknown> {
  const calls: unknown[] = [];
  for (let n = 0; n < CALLS; n += 1) {
    const id = run.call(n);
    calls.push([await store.find(id), await store.timeline(id)]);
  }
  const { pending } = await store.outbox();
  return { calls, pending, due: (await store.due(100)).due, list: await listed(store, {}) };
}

async function listed(store: AnyStore, filter: Omit<CallFilter, 'limit' | 'cursor'>) {
  if (isReference(store)) return store.list(filter).map(({ id }) => id);
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Store['list']>> = await store.list({
      ...filter,
      limit: 2,
      ...(cursor === null ? {} : { cursor }),
    });
    ids.push(...page.calls.map(({ id }) => id));
    cursor = page.next;
  } while (cursor !== null);
  return ids;
}

async function settingAnswer(
  store: AnyStore,
  { name, value }: Extract<Operation, { do: 'setting' }>,
) {
  let version: number | string;
  try {
    version = await store.changeSetting(name, (before) => {
      if (value === 'throws') throw new Error('not this time');
      return { value, before: (before as { value: unknown } | null)?.value ?? null };
    });
  } catch (error) {
    version = String(error);
  }
  return { version, now: await store.setting(name) };
}

/** The clock must not matter, so `first` is only compared if the reference says true. */
export interface ClaimedAnswer {
  id: string;
  tries: number;
  leaseMs: number;
  first: boolean;
}

function ofCall({ item, call }: Uncounted): string {
  return `${item} of ${call.id}`;
}

function byId(a: ClaimedAnswer, b: ClaimedAnswer): number {
  return a.id < b.id ? -1 : 1;
}

function claimedAnswer({ command, tries, leaseUntil, firstSentAt, now }: ClaimedCommand) {
  return { id: command.id, tries, leaseMs: leaseUntil - now, first: firstSentAt === now };
}

function loadKeys(
  { calls, attempts, sessions, events }: Extract<Operation, { do: 'load' }>,
  run: Run,
) {
  const wanted = calls.map(run.call);
  return {
    callIds: wanted,
    attemptIds: attempts.map(run.attempt),
    sessionIds: sessions.map(run.session),
    events: wanted.flatMap((callId) => events.map((n) => ({ callId, key: run.key(n) }))),
    budget: { callers: [run.caller(0)], limit: 2, since: PAST },
  };
}

function loadedAnswer({ calls, attempts, seen, budget, settings }: Loaded) {
  const sorted = (entries: Iterable<[string, unknown]>) =>
    [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    calls: sorted(calls),
    attempts: sorted(attempts),
    seen: [...seen].sort(),
    budget: budget && { all: budget.all, byCaller: sorted(budget.byCaller) },
    settings,
  };
}

/** Replaces the numbers in a filter by the run's names. */
function named(filter: Omit<CallFilter, 'limit' | 'cursor'>, run: Run) {
  const { from, sessionId, parentId, ...rest } = filter;
  return {
    ...rest,
    ...(from === undefined ? {} : { from: run.caller(Number(from)) }),
    ...(sessionId === undefined ? {} : { sessionId: run.session(Number(sessionId)) }),
    ...(parentId === undefined ? {} : { parentId: run.call(Number(parentId)) }),
  };
}

export function isReference(store: AnyStore): store is ReferenceStore {
  return Array.isArray(store.deadLetters);
}

const some = fc.boolean();
const small = (max: number) => fc.integer({ min: 0, max });
const few = <T>(each: fc.Arbitrary<T>, maxLength = 2) => fc.array(each, { maxLength });
const unlikely = fc.integer({ min: 0, max: 7 }).map((n) => n === 0);
const leases = fc.constantFrom(60_000, 0);
const claims = fc.record({ owner: fc.constantFrom('a', 'b'), leaseMs: leases });

const changes: fc.Arbitrary<ChangeGiven> = fc.record({
  call: small(CALLS - 1),
  stale: unlikely,
  phase: fc.constantFrom('new', 'referring', 'ended'),
  deadline: fc.constantFrom('none', 'past', 'future'),
  attempts: fc.uniqueArray(
    fc.record({
      n: small(1),
      target: fc.constantFrom('us', 'eu'),
      verdict: fc.constantFrom('busy' as const, null),
      unsent: some,
      old: some,
    }),
    { maxLength: 2, selector: ({ n }) => n },
  ),
  events: fc.uniqueArray(small(40), { maxLength: 2 }),
  commands: fc.uniqueArray(fc.record({ n: small(1), urgent: some }), {
    maxLength: 2,
    selector: ({ n }) => n,
  }),
  cancel: few(small(4), 1),
  settle: few(
    fc.record({
      n: small(4),
      by: fc.constantFrom('a', 'b'),
      how: fc.constantFrom('done', 'again', 'later', 'unsent'),
    }),
    1,
  ),
  tally: fc.uniqueArray(
    fc.record({ n: small(2), how: fc.constantFrom('past', 'future', 'final') }),
    { maxLength: 2, selector: ({ n }) => n },
  ),
});

/**
 * A batch contains each call only once, because the engine puts all changes of a call into one
 * unit.
 */
const units = fc
  .tuple(fc.uniqueArray(changes, { maxLength: CALLS, selector: ({ call }) => call }), some)
  .map(([all, together]) =>
    together && all.length > 1 ? [all.slice(0, 2), ...alone(all.slice(2))] : alone(all),
  );

function alone(all: ChangeGiven[]): ChangeGiven[][] {
  return all.map((change) => [change]);
}

const filters: fc.Arbitrary<Omit<CallFilter, 'limit' | 'cursor'>> = fc
  .array(
    fc.constantFrom<Omit<CallFilter, 'limit' | 'cursor'>>(
      { phase: 'new' },
      { phase: 'ended' },
      { rule: 'support' },
      { rule: 'otherwise' },
      { ends: 'failed' },
      { target: 'us' },
      { target: 'eu', verdict: 'busy' },
      { verdict: 'busy' },
      { from: '0' },
      { sessionId: '0' },
      { parentId: '0' },
      { since: PAST + 5 },
      { until: PAST + 15 },
      { legs: 'all' },
      { unacknowledged: true },
    ),
    { maxLength: 2 },
  )
  .map((all) => Object.assign({}, ...all));

export const operations: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      units,
      claim: fc.option(claims),
    }),
  },
  fc.record({ do: fc.constant('claim' as const), claim: claims }),
  fc.record({ do: fc.constant('release' as const), owner: fc.constantFrom('a', 'b', null) }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('load' as const),
      calls: few(small(CALLS - 1)),
      attempts: few(fc.constantFrom(0, 1, 10, 11, 20, 99)),
      sessions: few(small(2), 1),
      events: few(small(40), 3),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('list' as const),
      filter: filters,
    }),
  },
  fc.record({ do: fc.constant('due' as const), limit: fc.constantFrom(1, 10) }),
  fc.record({ do: fc.constant('count' as const), limit: fc.constantFrom(1, 10) }),
  fc.record({ do: fc.constant('dead_letter' as const), command: fc.option(small(4)) }),
  fc.record({
    do: fc.constant('setting' as const),
    name: fc.constantFrom('overrides' as const, 'reload' as const),
    value: fc.constantFrom(1, 2, 'throws' as const),
  }),
  fc.record({ do: fc.constant('prune' as const), limit: fc.constantFrom(1, 10) }),
);
