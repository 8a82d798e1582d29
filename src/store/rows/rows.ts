/** What of a call's document is a column or a row of its own, the same for every store. */
import { hash } from 'node:crypto';
import type { Attempt, Call, Direction } from '../../core/machine/call.ts';
import type { Command } from '../../core/machine/command.ts';
import { costTarget, costTotals } from '../../core/machine/cost.ts';
import { NewerRow } from '../../errors.ts';
import type { DueDeadline } from '../contract/calls.ts';
import type { ClaimedCommand } from '../contract/outbox.ts';
import type { TimelineEntry } from '../contract/timeline.ts';

/** Of one call; later events are still known by their key, but no longer told. */
export const TIMELINE_ENTRIES_MAX = 500;
/** Dead letters kept; the oldest go first. */
export const DEAD_LETTERS_MAX = 10_000;
/** What changed is told to watchers for so long. */
export const CHANGES_KEPT_MS = 2 * 60_000;
/** Pings close together share one write: an outsider's health checks must not cost the disk. */
export const PING_FRESH_MS = 100;
/** A replica not heard of for so long is forgotten. */
export const REPLICA_FORGOTTEN_MS = 60 * 60_000;

/** 16 bytes that stand for a long id: 128 bits of SHA-256 do not collide by chance. */
export function keyOf(id: string): Uint8Array {
  // By way of hexadecimal: a third faster than taking the hash as a buffer.
  return Buffer.from(hash('sha256', id, 'hex').slice(0, 32), 'hex');
}

/** Of a call's document, what is searched and sorted by; all but `dueAt` and `phase` change seldom. */
export interface CallColumns {
  createdAt: number;
  endedAt: number | null;
  dueAt: number | null;
  phase: string;
  ends: string | null;
  rule: string | null;
  caller: string | null;
  callee: string | null;
  session: string | null;
  /** The caller's call, of a transfer's B-leg. */
  parent: string | null;
  /** JSON of `CostRow`s, so that statistics need not open the documents. */
  costs: string | null;
}

/** What a call cost in one currency; `target` is left out where nobody was moved. */
export interface CostRow {
  target?: string | null;
  currency: string;
  amount: string;
}

export function callColumns(call: Call): CallColumns {
  return {
    createdAt: Math.round(call.createdAt),
    endedAt: call.endedAt === null ? null : Math.round(call.endedAt),
    dueAt: dueAt(call),
    phase: call.phase,
    ends: call.ends,
    rule: call.rule,
    caller: call.facts.from,
    callee: call.facts.to,
    session: call.facts.sessionId,
    parent: call.parentId,
    costs: costsText(call),
  };
}

function costsText(call: Call): string | null {
  if (call.costs.length === 0) return null;
  const target = costTarget(call);
  const rows = costTotals(call.costs).map(
    ({ currency, amount }): CostRow => ({
      ...(target === undefined ? {} : { target }),
      currency,
      amount,
    }),
  );
  return JSON.stringify(rows);
}

/** The earliest deadline; null where the call has none. */
function dueAt(call: Call): number | null {
  let earliest: number | null = null;
  for (const deadline of call.deadlines) {
    if (earliest === null || deadline.dueAt < earliest) earliest = deadline.dueAt;
  }
  return earliest === null ? null : Math.round(earliest);
}

/** Changes whenever a column of the attempt's row does. */
export function attemptMark(attempt: Attempt): string {
  return `${attempt.id} ${attempt.verdict} ${attempt.unsent} ${attempt.startedAt} ${tookMs(attempt)} ${attempt.kind} ${attempt.target}`;
}

/** From accepted to the verdict; null while it is open, and where nothing was ever sent. */
export function tookMs({ unsent, startedAt, acceptedAt, endedAt }: Attempt): number | null {
  if (unsent || endedAt === null) return null;
  return Math.max(0, Math.round(endedAt - (acceptedAt ?? startedAt)));
}

/**
 * Stands in the document of a call that an operator took note of. A column of its own would be written with every
 * commit, for the few calls that are ever missed.
 */
export const ACKNOWLEDGED_MARK = '"acknowledgedAt":';

/** Stands in the document of a call of this direction; what callers write has its quotes escaped. */
export function directionMark(direction: Direction): string {
  return `"direction":"${direction}"`;
}

/** A heartbeat comes every few seconds: what is wrong must not make it large. */
const TROUBLES_CHARS_MAX = 32_000;

export function troublesText(troubles: unknown): string | null {
  const text = JSON.stringify(troubles ?? null);
  return text === 'null' || text.length > TROUBLES_CHARS_MAX ? null : text;
}

/** Hangup and reject go first: they free the caller. */
export function commandRank(command: Command): 0 | 1 {
  return command.action === 'hangup' || command.action === 'reject' ? 0 : 1;
}

/** A timeline entry in words, for whoever reads the table, without what is empty or told by its key. */
export function packEntry(entry: TimelineEntry): string {
  return JSON.stringify({
    ...entry,
    key: entry.key === keyByType(entry) ? undefined : entry.key,
    occurredAt: entry.occurredAt ?? undefined,
    phaseBefore: entry.phaseBefore ?? undefined,
    notes: entry.notes.length > 0 ? entry.notes : undefined,
    commands: entry.commands.length > 0 ? entry.commands : undefined,
    attempt: entry.attempt ?? undefined,
    detail: hasKeys(entry.detail) ? entry.detail : undefined,
    trace: entry.trace ?? undefined,
    recorded: entry.recorded ?? undefined,
  });
}

export function unpackEntry(text: string): TimelineEntry {
  const said = JSON.parse(text) as Partial<TimelineEntry> &
    Pick<TimelineEntry, 'id' | 'source' | 'type' | 'at' | 'phase'>;
  return {
    key: keyByType(said),
    occurredAt: null,
    phaseBefore: null,
    notes: [],
    commands: [],
    attempt: null,
    detail: {},
    trace: null,
    recorded: null,
    ...said,
  };
}

function keyByType({ type, id }: Pick<TimelineEntry, 'type' | 'id'>): string {
  return `${type}|${id}`;
}

function hasKeys(detail: object): boolean {
  for (const _ in detail) return true;
  return false;
}

/** Calls of one session that a load brings: a conference of legs is no reason to read for seconds. */
export const SESSION_CALLS_MAX = 50;

/** Before the document is taken apart: what newer code writes may have another shape. */
export function refuseNewer(code: number, codeVersion: number, document: string): void {
  if (code > codeVersion) {
    const { id } = JSON.parse(document) as { id: unknown };
    throw new NewerRow(
      `call ${id}: its row was written by code version ${code}, this is version ${codeVersion}; it is left to newer code`,
    );
  }
}

/** Every deadline of these calls that is reached, the earliest first. */
export function dueOf(calls: Call[], now: number): DueDeadline[] {
  const due: DueDeadline[] = [];
  for (const call of calls) {
    for (const { name, n, dueAt, setAt, putOff } of call.deadlines) {
      if (dueAt <= now) due.push({ callId: call.id, name, n, dueAt, setAt, putOff });
    }
  }
  return due.sort((a, b) => a.dueAt - b.dueAt);
}

/** Hangup and reject go first; in each rank the order they were stored in (the sort is stable). */
export function urgentFirst(claimed: ClaimedCommand[]): ClaimedCommand[] {
  return claimed.sort((a, b) => commandRank(a.command) - commandRank(b.command));
}
