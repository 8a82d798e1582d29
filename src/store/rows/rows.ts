/**
 * Which parts of a call's document have a column or a row of their own, the same for every store.
 */
import { hash } from 'node:crypto';
import { clean, cleanOrNull } from '../../core/clean-text.ts';
import type { Attempt, Call, Direction } from '../../core/machine/call.ts';
import type { Command } from '../../core/machine/command.ts';
import { costTarget, costTotals } from '../../core/machine/cost.ts';
import { OTHERWISE } from '../../core/machine/plan.ts';
import { NewerRow } from '../../errors.ts';
import type { DueDeadline } from '../contract/calls.ts';
import type { ClaimedCommand } from '../contract/outbox.ts';
import type { TimelineEntry } from '../contract/timeline.ts';

/** For each call; later events are still recognized by their key, but no longer listed. */
export const TIMELINE_ENTRIES_MAX = 500;
/** Dead letters that are kept; the oldest are removed first. */
export const DEAD_LETTERS_MAX = 10_000;
/** How long changes are kept for watchers. */
export const CHANGES_KEPT_MS = 2 * 60_000;
/**
 * Pings that are closer together share one write, so that a stranger's health checks do not wear
 * the disk.
 */
export const PING_FRESH_MS = 100;
/** A replica that was silent for this long is forgotten. */
export const REPLICA_FORGOTTEN_MS = 60 * 60_000;

/** 16 bytes that stand for a long id: 128 bits of SHA-256 do not collide by chance. */
export function keyOf(id: string): Uint8Array {
  // Hashing to hexadecimal first is a third faster than asking for a buffer.
  return Buffer.from(hash('sha256', id, 'hex').slice(0, 32), 'hex');
}

/** What calls are searched and sorted by; everything except `dueAt` and `phase` changes rarely. */
export interface CallColumns {
  createdAt: number;
  endedAt: number | null;
  dueAt: number | null;
  phase: string;
  ends: string | null;
  /** `otherwise` if the call was decided without a rule; null while nothing is decided. */
  rule: string | null;
  caller: string | null;
  callee: string | null;
  session: string | null;
  /** For the B-leg of a transfer: the caller's call. */
  parent: string | null;
  /** JSON of `CostRow`s, so that statistics need not open the documents. */
  costs: string | null;
  /** JSON of the tables' rows that decided, each with its `table` and `key`. */
  tableRows: string | null;
  outgoing: boolean;
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
    rule: cleanOrNull(call.rule ?? (call.decided ? OTHERWISE : null)),
    caller: cleanOrNull(call.facts.from),
    callee: cleanOrNull(call.facts.to),
    session: cleanOrNull(call.facts.sessionId),
    parent: cleanOrNull(call.parentId),
    costs: costsText(call),
    tableRows: tableRowsText(call),
    outgoing: call.facts.direction === 'outgoing',
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

function tableRowsText({ rows }: Call): string | null {
  return rows.length === 0
    ? null
    : JSON.stringify(rows.map(({ table, key }) => ({ table, key: clean(key) })));
}

/** The earliest deadline; null if the call has none. */
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

/** From accepted to the verdict; null while the attempt is open, and if nothing was ever sent. */
export function tookMs({ unsent, startedAt, acceptedAt, endedAt }: Attempt): number | null {
  if (unsent || endedAt === null) return null;
  return Math.max(0, Math.round(endedAt - (acceptedAt ?? startedAt)));
}

/**
 * Appears in the document of a call that an operator has acknowledged. A column of its own would be
 * written with every commit, and few calls are ever missed.
 */
export const ACKNOWLEDGED_MARK = '"acknowledgedAt":';

/**
 * Appears in the document of a call in this direction. Quotes in a caller's text are escaped, so it
 * cannot be forged.
 */
export function directionMark(direction: Direction): string {
  return `"direction":"${direction}"`;
}

/** A heartbeat comes every few seconds, so a list of problems must not make it large. */
const TROUBLES_CHARS_MAX = 32_000;

export function troublesText(troubles: unknown): string | null {
  const text = JSON.stringify(troubles ?? null);
  return text === 'null' || text.length > TROUBLES_CHARS_MAX ? null : text;
}

/** Hangup and reject go first: they free the caller. */
export function commandRank(command: Command): 0 | 1 {
  return command.action === 'hangup' || command.action === 'reject' ? 0 : 1;
}

/**
 * A timeline entry with words as keys, because operators read the table. Empty fields, and those
 * that the event's key already says, are left out.
 */
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

/**
 * Calls of one session that a load returns: a conference with many legs must not make it read for
 * seconds.
 */
export const SESSION_CALLS_MAX = 50;

/**
 * Checked before the document is parsed, because a document of newer code may have another shape.
 */
export function refuseNewer(code: number, codeVersion: number, document: string): void {
  if (code > codeVersion) {
    const { id } = JSON.parse(document) as { id: unknown };
    throw new NewerRow(
      `call ${id}: its row was written by code version ${code}, this is version ${codeVersion}; it is left to newer code`,
    );
  }
}

/** All due deadlines of these calls, the earliest first. */
export function dueOf(calls: Call[], now: number): DueDeadline[] {
  const due: DueDeadline[] = [];
  for (const call of calls) {
    for (const { name, n, dueAt, setAt, putOff } of call.deadlines) {
      if (dueAt <= now) due.push({ callId: call.id, name, n, dueAt, setAt, putOff });
    }
  }
  return due.sort((a, b) => a.dueAt - b.dueAt);
}

/**
 * Hangup and reject go first; within a rank, commands keep the order in which they were stored (the
 * sort is stable).
 */
export function urgentFirst(claimed: ClaimedCommand[]): ClaimedCommand[] {
  return claimed.sort((a, b) => commandRank(a.command) - commandRank(b.command));
}
