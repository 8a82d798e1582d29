/** A batch as rows of its tables, each with the number of the change it belongs to. */
import type { Command } from '../core/command.ts';
import { packCall } from './call-document.ts';
import { cleanOrNull, keyText } from './postgres-values.ts';
import { changedAttempts, type RecentRow, type RecentRows } from './recent-rows.ts';
import { type CallColumns, callColumns, commandRank, packEntry, tookMs } from './rows.ts';
import type { CallChange, Claim, ClaimedCommand } from './store.ts';

export interface CommitRows {
  changes: {
    n: number;
    key: string;
    version: number;
    entries: number;
    due_at: number | null;
    phase: string;
  }[];
  /** Of the changes, by their number. */
  documents: string[];
  filters: object[];
  events: object[];
  attempts: object[];
  /** Commands to remove, to try again, to take back: each command in one of these only. */
  done: object[];
  retries: object[];
  cancels: object[];
  commands: { i: number; n: number; key: string; rank: number; document: string }[];
  /** The commands themselves, in the order of their rows. */
  issued: Command[];
}

export function commitRows(changes: CallChange[], recent: RecentRows): CommitRows {
  const rows: CommitRows = {
    changes: [],
    documents: [],
    filters: [],
    events: [],
    attempts: [],
    done: [],
    retries: [],
    cancels: [],
    commands: [],
    issued: [],
  };
  changes.forEach((change, n) => {
    const { call, version, events } = change;
    const columns = callColumns(call);
    rows.changes.push({
      n,
      key: keyText(call.id),
      version,
      entries: events.length,
      due_at: columns.dueAt,
      phase: columns.phase,
    });
    rows.documents.push(packCall(call));
    events.forEach((event, i) => {
      rows.events.push({ n, key: keyText(event.key), i, document: packEntry(event) });
    });
    pushColumns(rows, n, change, columns, recent.at(call.id, version));
    pushSettlements(rows, n, change);
    for (const command of change.commands) {
      rows.commands.push({
        i: rows.issued.push(command),
        n,
        key: keyText(command.id),
        rank: commandRank(command),
        document: JSON.stringify(command),
      });
    }
  });
  return rows;
}

const FILTERS = [
  'createdAt',
  'endedAt',
  'ends',
  'rule',
  'caller',
  'callee',
  'session',
] as const satisfies readonly (keyof CallColumns)[];

function pushColumns(
  rows: CommitRows,
  n: number,
  { call }: CallChange,
  columns: CallColumns,
  before: RecentRow | null,
): void {
  const over = columns.phase === 'ended';
  const wasOver = before?.columns.phase === 'ended';
  if (over !== wasOver || FILTERS.some((field) => before?.columns[field] !== columns[field])) {
    rows.filters.push({
      n,
      created_at: columns.createdAt,
      ended_at: columns.endedAt,
      over,
      ends: columns.ends,
      rule: cleanOrNull(columns.rule),
      caller: cleanOrNull(columns.caller),
      callee: cleanOrNull(columns.callee),
      session: cleanOrNull(columns.session),
    });
  }
  for (const attempt of changedAttempts(before, call)) {
    rows.attempts.push({
      n,
      key: keyText(attempt.id),
      kind: attempt.kind,
      target: cleanOrNull(attempt.target),
      verdict: attempt.verdict,
      caller: cleanOrNull(columns.caller),
      created_at: columns.createdAt,
      started_at: Math.round(attempt.startedAt),
      unsent: attempt.unsent,
      took_ms: tookMs(attempt),
    });
  }
}

/** A statement may touch a row once: what ends a command outweighs a retry, and so does taking it back. */
function pushSettlements(rows: CommitRows, n: number, { cancel, settle }: CallChange): void {
  const cancelled = new Set(cancel);
  const settled = new Map(settle.map((settlement) => [settlement.commandId, settlement]));
  for (const [commandId, { outcome, retryAt }] of settled) {
    const key = keyText(commandId);
    if (retryAt === null || cancelled.has(commandId)) {
      rows.done.push({ n, key });
    } else {
      const unsent = outcome.kind === 'retry' && outcome.provenUnsent;
      rows.retries.push({ n, key, ready_at: Math.round(retryAt), unsent });
    }
  }
  for (const commandId of cancelled) {
    if (!settled.has(commandId)) rows.cancels.push({ n, key: keyText(commandId) });
  }
}

/** The new commands that were stored, as claimed by their own commit. */
export function claimedFrom(
  rows: CommitRows,
  stored: Set<string>,
  claim: Claim,
  now: number,
): ClaimedCommand[] {
  const claimed: ClaimedCommand[] = [];
  rows.issued.forEach((command, i) => {
    const key = rows.commands[i]?.key;
    if (key === undefined || !stored.has(key)) return;
    const leaseUntil = now + claim.leaseMs;
    claimed.push({ command, tries: 1, firstSentAt: now, leaseUntil, now, createdAt: now });
  });
  return claimed;
}
