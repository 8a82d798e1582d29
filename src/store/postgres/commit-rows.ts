/** Turns a batch into rows of its tables, each with the number of the change that it belongs to. */

import { clean, cleanOrNull } from '../../core/clean-text.ts';
import type { Command } from '../../core/machine/command.ts';
import { isCounted } from '../../core/machine/counting.ts';
import type { CallChange } from '../contract/calls.ts';
import type { Claim, ClaimedCommand } from '../contract/outbox.ts';
import { type CallColumns, callColumns, tookMs } from '../rows/call-columns.ts';
import { packCall } from '../rows/call-document.ts';
import { keyText } from '../rows/key.ts';
import { answerText, commandRank } from '../rows/outbox-command.ts';
import { changedAttempts, type RecentRow, type RecentRows } from '../rows/recent-rows.ts';
import { packEntry } from '../rows/timeline-entry.ts';

/**
 * What every change has is passed as columns, one entry for each row; what few changes have is
 * passed as rows. `n` is the number of the change.
 */
export interface CommitRows {
  changes: {
    key: string[];
    version: number[];
    entries: number[];
    dueAt: (number | null)[];
    phase: string[];
    document: string[];
  };
  events: { n: number[]; key: string[]; entry: number[]; document: string[] };
  /** Commands to remove, to try again and to cancel; each command is in only one of these. */
  done: { n: number[]; key: string[] };
  retries: object[];
  cancels: object[];
  commands: { n: number[]; key: string[]; rank: number[]; document: string[] };
  /** The commands themselves, in the order of their rows. */
  issued: Command[];
  filters: object[];
  attempts: object[];
  /**
   * Items that wait to be counted, and items that no longer wait; `final` has the plain ids of the
   * latter.
   */
  uncounted: object[];
  counted: object[];
  final: string[];
}

export function commitRows(changes: CallChange[], recent: RecentRows): CommitRows {
  const rows: CommitRows = {
    changes: { key: [], version: [], entries: [], dueAt: [], phase: [], document: [] },
    events: { n: [], key: [], entry: [], document: [] },
    done: { n: [], key: [] },
    retries: [],
    cancels: [],
    commands: { n: [], key: [], rank: [], document: [] },
    issued: [],
    filters: [],
    attempts: [],
    uncounted: [],
    counted: [],
    final: [],
  };
  changes.forEach((change, n) => {
    const { call, version, events } = change;
    const columns = callColumns(call);
    rows.changes.key.push(keyText(call.id));
    rows.changes.version.push(version);
    rows.changes.entries.push(events.length);
    rows.changes.dueAt.push(columns.dueAt);
    rows.changes.phase.push(columns.phase);
    rows.changes.document.push(packCall(call));
    events.forEach((event, entry) => {
      rows.events.n.push(n);
      rows.events.key.push(keyText(event.key));
      rows.events.entry.push(entry);
      rows.events.document.push(packEntry(event));
    });
    pushColumns(rows, n, change, columns, recent.at(call.id, version));
    pushSettlements(rows, n, change);
    pushTally(rows, n, change);
    for (const command of change.commands) {
      rows.issued.push(command);
      rows.commands.n.push(n);
      rows.commands.key.push(keyText(command.id));
      rows.commands.rank.push(commandRank(command));
      rows.commands.document.push(JSON.stringify(command));
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
  'parent',
  'costs',
  'tableRows',
  'outgoing',
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
      rule: columns.rule,
      caller: columns.caller,
      callee: columns.callee,
      session: columns.session,
      parent: columns.parent,
      costs: columns.costs,
      table_rows: columns.tableRows,
      outgoing: columns.outgoing,
    });
  }
  for (const attempt of changedAttempts(before, call)) {
    rows.attempts.push({
      n,
      key: keyText(attempt.id),
      kind: attempt.kind,
      target: cleanOrNull(attempt.target),
      verdict: attempt.verdict,
      caller: columns.caller,
      created_at: columns.createdAt,
      started_at: Math.round(attempt.startedAt),
      unsent: !isCounted(attempt),
      took_ms: tookMs(attempt),
    });
  }
}

/**
 * A statement may change a row only once, so removing a command takes precedence over a retry, and
 * so does cancelling it.
 */
function pushSettlements(rows: CommitRows, n: number, { cancel, settle }: CallChange): void {
  const cancelled = new Set(cancel);
  const settled = new Map(settle.map((settlement) => [settlement.commandId, settlement]));
  for (const [commandId, { owner, outcome, retryAt }] of settled) {
    const key = keyText(commandId);
    if (retryAt === null || cancelled.has(commandId)) {
      rows.done.n.push(n);
      rows.done.key.push(key);
    } else {
      const unsent = outcome.kind === 'retry' && outcome.provenUnsent;
      const answer = answerText(outcome);
      rows.retries.push({ n, key, owner, ready_at: Math.round(retryAt), unsent, answer });
    }
  }
  for (const commandId of cancelled) {
    if (!settled.has(commandId)) rows.cancels.push({ n, key: keyText(commandId) });
  }
}

function pushTally(rows: CommitRows, n: number, { tally }: CallChange): void {
  for (const [id, entry] of tally) {
    const item = clean(id);
    if (entry === 'final') {
      rows.counted.push({ n, item });
      rows.final.push(id);
    } else {
      rows.uncounted.push({ n, item, due_at: Math.round(entry.waits) });
    }
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
    const key = rows.commands.key[i];
    if (key === undefined || !stored.has(key)) return;
    const leaseUntil = now + claim.leaseMs;
    claimed.push({ command, tries: 1, firstSentAt: now, leaseUntil, now, createdAt: now });
  });
  return claimed;
}
