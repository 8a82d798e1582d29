/**
 * The simplest definition of what a store does: lists in memory, one operation at a time, and a
 * clock that the test sets. SQLite and PostgreSQL are compared with it, and the model of the engine
 * runs on it.
 */
import type { Attempt, Call } from '../../src/core/machine/call.ts';
import type { Command } from '../../src/core/machine/command.ts';
import type { BudgetCounts } from '../../src/core/rules/targets/budget.ts';
import {
  type CallChange,
  type CommitResult,
  type Committed,
  type CommitUnit,
  type DueDeadline,
  type Loaded,
  type LoadKeys,
  type Settlement,
  type StoredCall,
  seenKey,
  type Uncounted,
} from '../../src/store/contract/calls.ts';
import type { CallFilter } from '../../src/store/contract/list.ts';
import type { Claim, ClaimedCommand, OutboxHealth } from '../../src/store/contract/outbox.ts';
import type { SettingName } from '../../src/store/contract/settings.ts';
import type { TimelineEntry } from '../../src/store/contract/timeline.ts';
import { dueOf } from '../../src/store/rows/due-deadlines.ts';
import { commandRank } from '../../src/store/rows/outbox-command.ts';
import { TIMELINE_ENTRIES_MAX } from '../../src/store/rows/timeline-entry.ts';

interface CallRow {
  call: Call;
  version: number;
  events: TimelineEntry[];
  /** By id: a row remains even if the document no longer names the attempt. */
  attempts: Map<string, Attempt>;
}

interface CommandRow {
  command: Command;
  readyAt: number;
  owner: string | null;
  firstSentAt: number | null;
  tries: number;
  cancelled: boolean;
  createdAt: number;
}

interface UncountedRow {
  callId: string;
  item: string;
  dueAt: number;
}

interface Contents {
  calls: Map<string, CallRow>;
  commands: CommandRow[];
  uncounted: UncountedRow[];
}

export class ReferenceStore {
  /** Milliseconds since the epoch. */
  now = 1_000_000;
  #contents: Contents = { calls: new Map(), commands: [], uncounted: [] };
  readonly #settings = new Map<SettingName, { version: number; value: unknown }>();
  deadLetters: { event: unknown; error: string }[] = [];

  load(keys: LoadKeys): Loaded {
    const calls = new Map<string, StoredCall>();
    const attempts = new Map<string, string>();
    const take = ({ call, version }: CallRow) =>
      calls.set(call.id, { call: structuredClone(call), version });
    for (const id of keys.callIds) {
      const row = this.#contents.calls.get(id);
      if (row) take(row);
    }
    for (const id of keys.attemptIds) {
      const row = this.#rows().find((each) => each.attempts.has(id));
      if (row === undefined) continue;
      take(row);
      attempts.set(id, row.call.id);
    }
    for (const id of keys.sessionIds) {
      for (const row of this.#rows()) if (row.call.facts.sessionId === id) take(row);
    }
    const seen = new Set<string>();
    for (const { callId, key } of keys.events) {
      if (this.#contents.calls.get(callId)?.events.some((event) => event.key === key))
        seen.add(seenKey({ callId, key }));
    }
    return {
      now: this.now,
      calls,
      attempts,
      seen,
      budget: this.#budget(keys, calls),
      settings: {
        overrides: this.setting('overrides').version,
        reload: this.setting('reload').version,
        rest: this.setting('rest').version,
      },
    } as Loaded;
  }

  #budget({ budget }: LoadKeys, calls: Map<string, StoredCall>): Loaded['budget'] {
    if (budget === null) return null;
    const rows = this.#rows().flatMap(({ call, attempts }) =>
      [...attempts.values()].map((attempt) => ({ attempt, caller: call.facts.from })),
    );
    const count = (caller: string | null): BudgetCounts => {
      const sent = rows.filter(
        (row) =>
          !row.attempt.unsent &&
          row.attempt.startedAt >= budget.since &&
          (caller === null || row.caller === caller),
      );
      const of = (kind: Attempt['kind']) =>
        Math.min(budget.limit, sent.filter(({ attempt }) => attempt.kind === kind).length);
      return { refers: of('refer'), transfers: of('transfer') };
    };
    const loaded = [...calls.values()].flatMap(({ call }) => call.facts.from ?? []);
    const callers = new Set([...budget.callers, ...loaded]);
    return { all: count(null), byCaller: new Map([...callers].map((each) => [each, count(each)])) };
  }

  commit(units: CommitUnit[], claim: Claim | null): Committed {
    const committed: Committed = { results: [], claimed: [], counted: [] };
    const taken = new Set<string>();
    for (const { changes } of units) {
      const before = structuredClone(this.#contents);
      const unit: Committed = { results: [], claimed: [], counted: [] };
      const written = changes.every(
        (change) => !taken.has(change.call.id) && this.#write(change, claim, unit),
      );
      const result: CommitResult = written ? 'committed' : 'conflict';
      committed.results.push(result);
      if (!written) {
        this.#contents = before;
        continue;
      }
      for (const { call } of changes) taken.add(call.id);
      committed.claimed.push(...unit.claimed);
      committed.counted.push(...unit.counted);
    }
    const urgent = (rank: number) =>
      committed.claimed.filter(({ command }) => commandRank(command) === rank);
    committed.claimed = [...urgent(0), ...urgent(1)];
    return committed;
  }

  #write(change: CallChange, claim: Claim | null, committed: Committed): boolean {
    const { calls } = this.#contents;
    const { call, version, events } = change;
    const row = calls.get(call.id) ?? emptyRow(call);
    if (row.version !== version) return false;
    row.version += 1;
    row.call = structuredClone(call);
    calls.set(call.id, row);
    for (const event of events) {
      if (row.events.some(({ key }) => key === event.key)) return false;
      row.events.push(structuredClone(event));
    }
    for (const attempt of call.attempts) row.attempts.set(attempt.id, structuredClone(attempt));
    for (const id of change.cancel) this.#cancel(id);
    for (const settlement of change.settle) this.#settle(settlement);
    for (const command of change.commands) this.#add(command, claim, committed);
    this.#tally(change, committed);
    return true;
  }

  #add(command: Command, claim: Claim | null, { claimed }: Committed): void {
    const { commands } = this.#contents;
    if (commands.some((row) => row.command.id === command.id)) return;
    const { now } = this;
    const sent = claim === null ? { readyAt: now, owner: null, firstSentAt: null, tries: 0 } : null;
    const leaseUntil = now + (claim?.leaseMs ?? 0);
    commands.push({
      command: structuredClone(command),
      cancelled: false,
      createdAt: now,
      ...(sent ?? { readyAt: leaseUntil, owner: claim?.owner ?? null, firstSentAt: now, tries: 1 }),
    });
    if (claim === null) return;
    claimed.push({ command, tries: 1, firstSentAt: now, leaseUntil, now, createdAt: now });
  }

  /** Removes commands that wait to be tried; those in flight are only not tried again. */
  #cancel(id: string): void {
    const { commands } = this.#contents;
    const row = commands.find(({ command }) => command.id === id);
    if (row === undefined) return;
    if (row.owner === null || row.readyAt <= this.now) commands.splice(commands.indexOf(row), 1);
    else row.cancelled = true;
  }

  #settle({ commandId, owner, outcome, retryAt }: Settlement): void {
    const { commands } = this.#contents;
    const row = commands.find(({ command }) => command.id === commandId);
    if (row === undefined) return;
    if (retryAt === null || row.cancelled) {
      commands.splice(commands.indexOf(row), 1);
      return;
    }
    if (row.owner !== owner) return;
    row.readyAt = retryAt;
    row.owner = null;
    if (outcome.kind === 'retry' && outcome.provenUnsent) row.firstSentAt = null;
  }

  #tally({ call, tally }: CallChange, { counted }: Committed): void {
    const contents = this.#contents;
    for (const [item, entry] of tally) {
      const is = (row: UncountedRow) => row.callId === call.id && row.item === item;
      const waits = contents.uncounted.some(is);
      if (entry === 'final') {
        contents.uncounted = contents.uncounted.filter((row) => !is(row));
        if (waits) counted.push(item);
      } else if (!waits) {
        contents.uncounted.push({ callId: call.id, item, dueAt: entry.waits });
      }
    }
  }

  takeUncounted(limit: number): Uncounted[] {
    const due = this.#contents.uncounted
      .filter(({ dueAt }) => dueAt <= this.now)
      .sort((a, b) => a.dueAt - b.dueAt)
      .slice(0, limit);
    this.#contents.uncounted = this.#contents.uncounted.filter((row) => !due.includes(row));
    return due.map(({ callId, item }) => {
      const found = this.find(callId);
      if (found === null) throw new Error(`an item of ${callId} waits, and the call is gone`);
      return { item, call: found.call };
    });
  }

  claim({ owner, leaseMs }: Claim, limit: number): ClaimedCommand[] {
    const { now } = this;
    const ready = this.#contents.commands.filter((row) => !row.cancelled && row.readyAt <= now);
    const rank = (each: number) => ready.filter(({ command }) => commandRank(command) === each);
    return [...rank(0), ...rank(1)].slice(0, limit).map((row) => {
      row.owner = owner;
      row.readyAt = now + leaseMs;
      row.tries += 1;
      row.firstSentAt ??= now;
      const { command, tries, firstSentAt, createdAt } = row;
      return {
        command: structuredClone(command),
        tries,
        firstSentAt,
        leaseUntil: row.readyAt,
        now,
        createdAt,
      };
    });
  }

  stillToSend(owner: string, commandIds: string[]): Set<string> {
    const ours = this.#contents.commands.filter((row) => row.owner === owner && !row.cancelled);
    return new Set(ours.map(({ command }) => command.id).filter((id) => commandIds.includes(id)));
  }

  releaseLeases(owner: string | null): void {
    const contents = this.#contents;
    const isOwn = (row: CommandRow) => row.owner !== null && (owner ?? row.owner) === row.owner;
    contents.commands = contents.commands.filter((row) => !(row.cancelled && isOwn(row)));
    for (const row of contents.commands) {
      if (!isOwn(row)) continue;
      row.owner = null;
      row.readyAt = this.now;
    }
  }

  due(limit: number): { now: number; due: DueDeadline[] } {
    const { now } = this;
    const calls = this.#rows().map(({ call }) => call);
    return { now, due: dueOf(calls, now).slice(0, limit) };
  }

  find(callId: string): StoredCall | null {
    const row = this.#contents.calls.get(callId);
    return row ? { call: structuredClone(row.call), version: row.version } : null;
  }

  timeline(callId: string): TimelineEntry[] {
    const events = this.#contents.calls.get(callId)?.events ?? [];
    return structuredClone(events.slice(0, TIMELINE_ENTRIES_MAX));
  }

  /** All pages together, newest first. */
  list(filter: Omit<CallFilter, 'limit' | 'cursor'>): Call[] {
    const { since = -Infinity, until = Infinity } = filter;
    const found = this.#rows().filter(({ call, attempts }) => {
      const { facts, createdAt, parentId } = call;
      const legs = filter.legs === 'all' || filter.parentId !== undefined;
      const asked = [
        [filter.phase, call.phase],
        [filter.rule, call.rule ?? (call.decided ? 'otherwise' : null)],
        [filter.ends, call.ends],
        [filter.from, facts.from],
        [filter.to, facts.to],
        [filter.sessionId, facts.sessionId],
        [filter.parentId, parentId],
      ];
      return (
        (legs || parentId === null) &&
        createdAt >= since &&
        createdAt < until &&
        asked.every(([want, is]) => want === undefined || want === is) &&
        (filter.unacknowledged !== true || call.acknowledgedAt === null) &&
        hasAttempt([...attempts.values()], filter)
      );
    });
    const newest = found.reverse().sort((a, b) => b.call.createdAt - a.call.createdAt);
    return newest.map(({ call }) => structuredClone(call));
  }

  outbox(): OutboxHealth {
    const waiting = this.#contents.commands.filter(({ cancelled }) => !cancelled);
    const oldest = Math.min(this.now, ...waiting.map(({ createdAt }) => createdAt));
    return { pending: waiting.length, oldestMs: this.now - oldest };
  }

  deadLetter(event: unknown, error: string, command: string | null): void {
    this.deadLetters.push({ event, error });
    const contents = this.#contents;
    contents.commands = contents.commands.filter((row) => row.command.id !== command);
  }

  setting(name: SettingName): { version: number; value: unknown } {
    return structuredClone(this.#settings.get(name)) ?? { version: 0, value: null };
  }

  changeSetting(name: SettingName, change: (value: unknown, now: number) => unknown): number {
    const { version, value } = this.setting(name);
    this.#settings.set(name, { version: version + 1, value: change(value, this.now) });
    return version + 1;
  }

  prune(before: number, limit: number): number {
    const { calls } = this.#contents;
    const over = this.#rows()
      .filter(({ call }) => call.endedAt !== null && call.endedAt < before)
      .sort((a, b) => (a.call.endedAt ?? 0) - (b.call.endedAt ?? 0))
      .slice(0, limit);
    for (const { call } of over) {
      calls.delete(call.id);
      const others = ({ callId }: { callId: string }) => callId !== call.id;
      this.#contents.commands = this.#contents.commands.filter(({ command }) => others(command));
      this.#contents.uncounted = this.#contents.uncounted.filter(others);
    }
    return over.length;
  }

  #rows(): CallRow[] {
    return [...this.#contents.calls.values()];
  }
}

function emptyRow(call: Call): CallRow {
  return { call, version: 0, events: [], attempts: new Map() };
}

/** Target and verdict of one and the same attempt. */
function hasAttempt(attempts: Attempt[], { target, verdict }: Partial<CallFilter>): boolean {
  if (target === undefined && verdict === undefined) return true;
  return attempts.some(
    (attempt) =>
      (target === undefined || attempt.target === target) &&
      (verdict === undefined || attempt.verdict === verdict),
  );
}
