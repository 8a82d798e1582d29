/**
 * The store: small and dumb, and asynchronous. Two implementations (SQLite, PostgreSQL), one contract
 * suite. It knows calls as versioned documents, events as an append-only timeline that is also the
 * dedupe, commands as an outbox, attempts as rows to count and filter by. It decides nothing.
 *
 * Every time is milliseconds since the epoch by the store's own clock, so that replicas agree.
 */
import type { Sum } from '../core/history/sums.ts';
import type { Call, Direction, Ends, Phase, Verdict } from '../core/machine/call.ts';
import type { CallerOutcome } from '../core/machine/caller-outcome.ts';
import type { Command, Outcome } from '../core/machine/command.ts';
import type { CallEvent } from '../core/machine/event.ts';
import type { TraceLine } from '../core/machine/plan.ts';
import type { RecordedCall } from '../core/recording/recorded-call.ts';
import type { Recorded } from '../core/recording/row.ts';

/** One line of a call's story: an event, what it changed, why, and what we did next. */
export interface TimelineEntry {
  /** `type|id` of the event: what a second delivery is known by. */
  key: string;
  id: string;
  source: CallEvent['source'];
  type: string;
  at: number;
  occurredAt: number | null;
  phaseBefore: Phase | null;
  phase: Phase;
  /** In words, in order. */
  notes: string[];
  /** Commands issued by this event. */
  commands: { id: string; action: string; attempt: string | null }[];
  /** The attempt that the event belongs to. */
  attempt: string | null;
  /** Details worth showing: sip_notify_response, hangup_cause, digits, outcome and the like. */
  detail: Record<string, string | number | boolean | null>;
  /** The decision's trace, on the event that was decided on. */
  trace: TraceLine[] | null;
  /** What else it takes to run the event again; null in rows of a release that recorded nothing. */
  recorded: Recorded | null;
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

export interface SettingsVersions {
  overrides: number;
  reload: number;
  rest: number;
}

export function isVersioned(name: string | null): name is keyof SettingsVersions {
  return name === 'overrides' || name === 'reload' || name === 'rest';
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

export interface Claim {
  owner: string;
  leaseMs: number;
}

export interface ClaimedCommand {
  command: Command;
  /** How often it was claimed, this time included: the `<try>` of its outcome event. */
  tries: number;
  firstSentAt: number;
  /** Lease by the store's clock; checked again right before the request. */
  leaseUntil: number;
  /** The store's clock at the claim. */
  now: number;
  createdAt: number;
}

export interface DueDeadline {
  callId: string;
  name: Call['deadlines'][number]['name'];
  n: number;
  dueAt: number;
  setAt: number;
  putOff: boolean;
}

export interface SearchText {
  text: string;
  /** Numbers that are labelled so. */
  numbers: string[];
}

export interface CallFilter {
  phase?: Phase;
  rule?: string;
  target?: string;
  verdict?: Verdict;
  ends?: Ends;
  outcome?: CallerOutcome;
  /** Ours: the one that was called, or that called. */
  number?: string;
  direction?: Direction;
  /** Part of a number, or of what else a call is known by. */
  q?: SearchText;
  from?: string;
  to?: string;
  sessionId?: string;
  /** createdAt at or after, milliseconds. */
  since?: number;
  /** createdAt before, milliseconds. */
  until?: number;
  /** The legs of this call alone. */
  parentId?: string;
  /** Only those that no operator has taken note of. */
  unacknowledged?: true;
  /** B-legs too; otherwise callers only. */
  legs?: 'all';
  limit: number;
  /** Opaque, from `next` of the page before. */
  cursor?: string;
}

export interface OutboxHealth {
  pending: number;
  /** Milliseconds since the oldest pending command was stored; 0 where none is. */
  oldestMs: number;
}

/** `recovery`: since when webhooks may have been missed, and what was found. */
export type SettingName = keyof SettingsVersions | 'recovery' | 'sessions';

/** What somebody did; when it was is the store's to say. */
export interface AuditEntry {
  who: string;
  role: string;
  what: string;
  to: string | null;
  reason: string | null;
  /** The remote address. */
  from: string | null;
  result: string;
  detail: Readonly<Record<string, unknown>>;
}

/** What came of it. */
export type AuditCame = Pick<AuditEntry, 'to' | 'result' | 'detail'>;

export interface AuditRow extends AuditEntry {
  id: number;
  at: number;
}

export interface AuditFilter {
  who?: string;
  what?: string;
  to?: string;
  /** At or after, and before; milliseconds. */
  since?: number;
  until?: number;
  limit: number;
  /** Opaque, from `next` of the page before. */
  cursor?: string;
}

export interface AuditPage {
  rows: AuditRow[];
  next: string | null;
}

export interface DeadLetter {
  id: number;
  at: number;
  error: string;
  event: unknown;
}

/** A command that is still to be sent, or in flight. */
export interface OutboxCommand {
  command: Command;
  tries: number;
  createdAt: number;
  firstSentAt: number | null;
  /** From when on it may be claimed: the next try, or the end of the lease of `owner`. */
  readyAt: number;
  owner: string | null;
}

export interface Replica {
  id: string;
  startedAt: number;
  seenAt: number;
  routeSet: string | null;
  /** The last refused reload, null after a good one. */
  refusal: string | null;
  /** What is wrong there, for the page of every other replica; the store does not look inside. */
  troubles?: unknown;
}

/** A route set that was live at some time. */
export interface RouteVersion {
  hash: string;
  /** `next`: some callers followed it while another set was live. */
  role: 'live' | 'next';
  /** Who made it so the last time: an operator, or `start`, `folder`, `signal`, `replica`. */
  who: string;
  /** When that was. */
  at: number;
  /** When it ceased to be; null while it is in use. */
  until: number | null;
  /** The commit that its folder had checked out; its files may have been changed since. */
  commit: string | null;
  files: VersionFile[];
}

export interface VersionFile {
  name: string;
  /** SHA-256 of its content, hex: what `routeFile` is asked with. */
  key: string;
  bytes: number;
  /** How many parts its deflated content has; null: it was too large to be kept. */
  parts: number | null;
}

/** What a store survived by itself, and somebody should know. */
export type StoreNotice =
  /** By how much it stepped, and how far the store's clock now is from it (positive: behind). */
  | { kind: 'clock_stepped'; clock: 'system' | 'database'; stepMs: number; offMs: number }
  /** Its log was removed while it was open; nothing was lost. */
  | { kind: 'log_saved'; words: string };

/**
 * Every method except `close` rejects with StoreUnavailable if the store cannot do it now (locked,
 * full, unreachable, closed, its file replaced); the call may be repeated later. Any other error
 * means a wrong argument or a bug and would occur again. Further rejections are named at the method.
 */
export interface Store extends ChangeFeed {
  readonly kind: 'sqlite' | 'postgres';
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
  /** Pending commands that are due and not leased; hangup and reject first, then the oldest. */
  claim(claim: Claim, limit: number): Promise<ClaimedCommand[]>;
  /** Gives back the leases of an owner (stopping), or of everyone (a start on SQLite) with null. */
  releaseLeases(owner: string | null): Promise<void>;
  /** Deadlines that are due, the earliest first; `now` is the store's clock. */
  due(limit: number): Promise<{ now: number; due: DueDeadline[] }>;
  /** Null if the call is unknown or was pruned. */
  find(callId: string): Promise<StoredCall | null>;
  /** In the order of the events; empty if the call is unknown. */
  timeline(callId: string): Promise<TimelineEntry[]>;
  /** Each call with its events as one look saw them, in the order asked; unknown ones are absent. */
  recordings(callIds: string[]): Promise<RecordedCall[]>;
  /** Newest first; `next` is null on the last page. Rejects with BAD_CURSOR. */
  list(filter: CallFilter): Promise<{ calls: Call[]; next: string | null }>;
  /** Calls that started at or after `since`, at most `callsMax` of them, the newest. */
  activity(since: number, callsMax: number): Promise<Activity>;
  outbox(): Promise<OutboxHealth>;
  /**
   * Keeps an event that could not be processed, for a human to look at. `command` is the one whose
   * outcome the event is; it counts as done, or it would be claimed again for ever.
   */
  deadLetter(event: unknown, error: string, command: string | null): Promise<void>;
  /** The newest first; with `before`, those whose id is smaller. */
  deadLetters(limit: number, before: number | null): Promise<DeadLetter[]>;
  findDeadLetter(id: number): Promise<DeadLetter | null>;
  /** False if there is none. */
  dropDeadLetter(id: number): Promise<boolean>;
  /** Commands that are to be sent or in flight, the oldest first. */
  outboxCommands(limit: number): Promise<OutboxCommand[]>;
  /** Returns its id. Written before it is done: what comes of it is added by `endAudit`. */
  addAudit(entry: AuditEntry): Promise<number>;
  endAudit(id: number, came: AuditCame): Promise<void>;
  /** Newest first. Rejects with BAD_CURSOR. */
  audit(filter: AuditFilter): Promise<AuditPage>;
  /** Removes at most `limit` from before; returns how many. */
  pruneAudit(before: number, limit: number): Promise<number>;
  /** A setting that was never changed has version 0 and the value null. */
  setting(name: SettingName): Promise<{ version: number; value: unknown }>;
  /**
   * Changes a setting in one transaction and returns the new version. If `change` throws, nothing
   * is changed and the error is passed on. `change` receives the store's clock, because a replica's
   * own clock must not decide what has expired for all.
   */
  changeSetting(
    name: SettingName,
    change: (value: unknown, now: number) => unknown,
  ): Promise<number>;
  heartbeat(replica: Omit<Replica, 'seenAt'>): Promise<void>;
  replicas(): Promise<Replica[]>;
  /** The store's clock, or earlier if in doubt: a clock that was set ahead must not prune calls. */
  provenNow(): Promise<number>;
  /**
   * Removes at most `limit` ended calls older than `before` that were added to the hourly sums;
   * returns how many were removed.
   */
  prune(before: number, limit: number): Promise<number>;
  /** One deflated part of a file's content; keeping it again changes nothing. */
  keepRoutePart(key: string, part: number, content: Uint8Array): Promise<void>;
  /**
   * A set came into use; the others of its role are not in use any more. Nothing changes if it was
   * in use already, as when another replica says the same. `left`: the set that this replica ran
   * until now, which may have been in use longer than others knew.
   */
  keepRouteVersion(version: Omit<RouteVersion, 'at' | 'until'>, left: string | null): Promise<void>;
  /** No set is in use in this role any more. */
  endRouteVersions(role: RouteVersion['role']): Promise<void>;
  /** Those that came into use last first. */
  routeVersions(limit: number): Promise<RouteVersion[]>;
  routeVersion(hash: string): Promise<RouteVersion | null>;
  /** The deflated content of a file, part by part; null if there is none. */
  routeFile(key: string): Promise<Uint8Array | null>;
  /**
   * Removes versions that ceased before `before`, are not among the newest `keep`, that no replica
   * runs and no call can refer to, and contents that no version has; returns how many versions.
   */
  pruneRouteVersions(before: number, keep: number): Promise<number>;
  /**
   * Adds at most `limit` ended calls to the hourly sums, with what changed of those that were added
   * before, and makes their parties known to the search; returns how many calls there were. One replica
   * at a time: 0 also while another does it.
   */
  fold(limit: number): Promise<number>;
  /** Of the calls that came in [from, to), whole hours; in no order. */
  sums(from: number, to: number): Promise<Sum[]>;
  /** Removes at most `limit` hourly sums from before; returns how many. */
  pruneSums(before: number, limit: number): Promise<number>;
  /** Proves that a write would succeed now. */
  ping(): Promise<void>;
  /** All later calls are rejected. */
  close(): Promise<void>;
}

/** Calls that changed after a cursor, each named once, the one that changed longest ago first. */
export interface Changes {
  callIds: string[];
  cursor: string;
  /** The cursor is too old, or not one of ours: what changed since is not known here. */
  missed: boolean;
}

/**
 * What happened in a span of time, counted in groups, for charts and tables: by minute, rule, target
 * and verdict. Bounded: beyond a number of calls the span begins later than asked for.
 */
export interface Activity {
  /** The store's clock. */
  now: number;
  /** The span that the counts cover begins here. */
  since: number;
  /** Calls that live now, whenever they came. */
  live: { phase: Phase; count: number }[];
  /** Calls that came in the span. */
  calls: CallGroup[];
  /** Attempts of those calls. */
  attempts: AttemptGroup[];
  /** What those calls cost. */
  costs: CostGroup[];
}

export interface CallGroup {
  /** Of its start, milliseconds since the epoch. */
  minute: number;
  rule: string | null;
  /** Null while they live. */
  ends: Ends | null;
  /** How many each of them has had. */
  attempts: number;
  count: number;
}

export interface AttemptGroup {
  minute: number;
  rule: string | null;
  target: string | null;
  verdict: Verdict | null;
  count: number;
  /** From accepted to the verdict, in no order; of those that were sent and have ended. */
  tookMs: number[];
}

export interface CostGroup {
  rule: string | null;
  /** The target that was reached, else the last that was tried; absent where nobody was moved. */
  target?: string | null;
  currency: string;
  /** Decimal text. */
  amount: string;
}

/** For whoever watches: `after` null asks only where now is. A store with replicas tells of all of them. */
export interface ChangeFeed {
  changes(after: string | null, limit: number): Promise<Changes>;
}
