/** Calls as versioned documents: loaded with what an event needs, and committed with all it changes. */
import type { Call } from '../../core/machine/call.ts';
import type { Command, Outcome } from '../../core/machine/command.ts';
import type { RecordedCall } from '../../core/recording/recorded-call.ts';
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
   * Commits all units together. `results[n]` belongs to `units[n]`, and there may be no units at
   * all. With `claim`, the new commands are stored as claimed by that owner and returned, so that
   * they can be sent without another round trip.
   *
   * Rejects if nothing was stored, and with CommitUnknown if anything may have been stored; a second
   * delivery of the events then finds out. If some units were stored and others failed, the others
   * are reported as `conflict`.
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
  /** Each call with its events as one look saw them, in the order asked; unknown ones are absent. */
  recordings(callIds: string[]): Promise<RecordedCall[]>;
  /**
   * Removes at most `limit` ended calls older than `before` that were added to the hourly sums;
   * returns how many were removed.
   */
  prune(before: number, limit: number): Promise<number>;
}

export interface LoadKeys {
  callIds: string[];
  /** Attempts named by envelopes: finds the caller's leg of a transfer's B-leg. */
  attemptIds: string[];
  /** Sessions whose calls are wanted too. */
  sessionIds: string[];
  /** Event keys to look for among the timelines: second deliveries. */
  events: { callId: string; key: string }[];
  /** Budget counts wanted: of these callers, of the callers of the loaded calls, and in all. */
  budget: { callers: string[]; limit: number; since: number } | null;
}

export interface StoredCall {
  call: Call;
  version: number;
}

export interface BudgetCounts {
  refers: number;
  transfers: number;
}

export interface Loaded {
  /** The store's clock. */
  now: number;
  calls: Map<string, StoredCall>;
  /** attempt id -> call id */
  attempts: Map<string, string>;
  /** `callId\nkey` of events the store holds already. */
  seen: Set<string>;
  /** Attempts that were sent since `budget.since`, in all and by caller; null where none were asked for. */
  budget: { all: BudgetCounts; byCaller: Map<string, BudgetCounts> } | null;
  /** Versions of the settings, so that a decision never rests on an old override. */
  settings: SettingsVersions;
}

/** One call's part of a commit: the document computed from `version` (0: it did not exist), and what comes with it. */
export interface CallChange {
  call: Call;
  version: number;
  events: TimelineEntry[];
  commands: Command[];
  /** Commands to cancel if they were not sent. */
  cancel: string[];
  /** Commands whose request ended: an outcome, or the next try's time. */
  settle: Settlement[];
  /** Verdicts and the end of the call, by the attempt's or the call's id: what is to be counted later, or now. */
  tally?: Map<string, Tally>;
}

/** `waits`: it may still be corrected, and is counted when that time is over. `final`: it is taken out and counted. */
export type Tally = { waits: number } | 'final';

/** A verdict (the attempt's id) or the end (the call's own id) that nothing can correct any more. */
export interface Uncounted {
  call: Call;
  item: string;
}

export interface Settlement {
  commandId: string;
  outcome: Outcome;
  /** Null: done. Otherwise not before this moment again. */
  retryAt: number | null;
}

/** Calls that change together or not at all (a B-leg and its caller). */
export interface CommitUnit {
  changes: CallChange[];
}

export interface Committed {
  results: CommitResult[];
  claimed: ClaimedCommand[];
  /** Items of a `final` tally that waited until now: whoever took them out counts them. Left out where none did. */
  counted?: string[];
}

/** Per unit, in order. `conflict`: a version or an event key was taken meanwhile; nothing of the unit was kept. */
export type CommitResult = 'committed' | 'conflict';

export interface DueDeadline {
  callId: string;
  name: Call['deadlines'][number]['name'];
  n: number;
  dueAt: number;
  setAt: number;
  putOff: boolean;
}
