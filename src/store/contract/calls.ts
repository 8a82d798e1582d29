/**
 * Calls as versioned documents: loaded with what an event needs, and committed with everything that
 * the event changes.
 */
import type { Call } from '../../core/machine/call.ts';
import type { Command, Outcome } from '../../core/machine/command.ts';
import type { RecordedCall } from '../../core/recording/recorded-call.ts';
import type { BudgetsUsed } from '../../core/rules/targets/budget.ts';
import type { Claim, ClaimedCommand } from './outbox.ts';
import type { SettingsVersions } from './settings.ts';
import type { TimelineEntry } from './timeline.ts';

export interface CallStore {
  /**
   * All lists of keys may be empty; unknown keys are absent from the result. Rejects with NewerRow
   * if newer code wrote one of the calls.
   */
  load(keys: LoadKeys): Promise<Loaded>;
  /**
   * Commits all units together. `results[n]` belongs to `units[n]`, and `units` may be empty. With
   * `claim`, the new commands are stored as claimed by that owner and returned, so that they can be
   * sent without another round trip.
   *
   * Rejects if nothing was stored. Rejects with CommitUnknown if something may have been stored;
   * processing the events again then finds out. If some units were stored and others failed, the
   * others are reported as `conflict`.
   */
  commit(units: CommitUnit[], claim: Claim | null): Promise<Committed>;
  /** Removes and returns items that are now due to be counted, so that nobody else counts them. */
  takeUncounted(limit: number): Promise<Uncounted[]>;
  /** Deadlines that are due, the earliest first; `now` is the store's clock. */
  due(limit: number): Promise<{ now: number; due: DueDeadline[] }>;
  /** Null if the call is unknown or was pruned. */
  find(callId: string): Promise<StoredCall | null>;
  /** In the order of the events; empty if the call is unknown. */
  timeline(callId: string): Promise<TimelineEntry[]>;
  /**
   * Each call with its events, read consistently, in the order asked for; unknown calls are left
   * out.
   */
  recordings(callIds: string[]): Promise<RecordedCall[]>;
  /**
   * Removes at most `limit` ended calls older than `before` that were added to the hourly sums;
   * returns how many were removed.
   */
  prune(before: number, limit: number): Promise<number>;
}

/**
 * Calls of one session that a load returns: a conference with many legs must not make it read for
 * seconds.
 */
export const SESSION_CALLS_MAX = 50;

export interface LoadKeys {
  callIds: string[];
  /** Attempts that envelopes name; they lead from the B-leg of a transfer to its caller's call. */
  attemptIds: string[];
  /** Sessions whose calls are loaded too. */
  sessionIds: string[];
  /** Events that are looked for in the timelines: they may have been delivered before. */
  events: { callId: string; key: string }[];
  /** Asks for budget counts: of these callers, of the callers of the loaded calls, and in all. */
  budget: { callers: string[]; limit: number; since: number } | null;
}

/** Keys for a load of this alone. */
export function loadKeys(given: Partial<LoadKeys>): LoadKeys {
  return { callIds: [], attemptIds: [], sessionIds: [], events: [], budget: null, ...given };
}

export interface StoredCall {
  call: Call;
  version: number;
}

export interface Loaded {
  /** The store's clock. */
  now: number;
  calls: Map<string, StoredCall>;
  /** attempt id -> call id */
  attempts: Map<string, string>;
  /** `seenKey` of the events that are stored already. */
  seen: Set<string>;
  /**
   * Attempts that were sent since `budget.since`, an hour ago, in all and by caller; null if not
   * asked for. Those that seem to be more than an hour ahead are left out.
   */
  budget: BudgetsUsed | null;
  /** Versions of the settings, so that no decision is based on an old override. */
  settings: SettingsVersions;
}

export function seenKey({ callId, key }: LoadKeys['events'][number]): string {
  return `${callId}\n${key}`;
}

/**
 * One call's part of a commit: the document that was computed from `version` (0: a new call), and
 * everything that is stored with it.
 */
export interface CallChange {
  call: Call;
  version: number;
  events: TimelineEntry[];
  commands: Command[];
  /** Commands to cancel if they have not been sent. */
  cancel: string[];
  /** Commands whose request ended, with the outcome or the time of the next try. */
  settle: Settlement[];
  /**
   * Verdicts (by the attempt's id) and the end of the call (by its own id) that are to be counted,
   * now or later.
   */
  tally: Map<string, Tally>;
}

/**
 * `waits`: it may still be corrected until then, and is counted afterwards. `final`: it no longer
 * waits and is counted now.
 */
export type Tally = { waits: number } | 'final';

/** The item of a call that is to be added to the hourly sums; no attempt or event has such an id. */
export const HOURLY_SUMS = 'hourly sums';

/** A verdict (the attempt's id) or the end (the call's own id) that can no longer be corrected. */
export interface Uncounted {
  call: Call;
  item: string;
}

export interface Settlement {
  commandId: string;
  /**
   * Who tried it. A retry changes nothing unless the lease is still theirs: where it was stored
   * late, another may have sent the command meanwhile.
   */
  owner: string;
  outcome: Outcome;
  /** Null: the command is done. Otherwise it is not tried again before this time. */
  retryAt: number | null;
}

/** Calls that change together or not at all (a B-leg and its caller). */
export interface CommitUnit {
  changes: CallChange[];
}

export interface Committed {
  results: CommitResult[];
  claimed: ClaimedCommand[];
  /**
   * Items with a `final` tally that had been waiting; the process that took them out counts them.
   */
  counted: string[];
}

/**
 * Of each unit, in order. `conflict`: another writer took the version or an event key first, and
 * nothing of the unit was stored.
 */
export type CommitResult = 'committed' | 'conflict';

export interface DueDeadline {
  callId: string;
  name: Call['deadlines'][number]['name'];
  n: number;
  dueAt: number;
  setAt: number;
  putOff: boolean;
}
