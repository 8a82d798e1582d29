/**
 * A route set as the loader hands it over: checked, secrets still references, nothing resolved for a call.
 * `match.ts` compiles it once; `decide.ts` resolves the winning rule's steps for one call.
 */
import type { FailedVerdict } from '../machine/plan.ts';

/** A text with `{from}`-like places in it, cut into its pieces; a text without places is one literal. */
export type Template = (
  | { literal: string }
  | {
      place: 'from' | 'to' | 'from_user' | 'to_user' | 'call_session_id' | 'header';
      header: string | null;
    }
)[];

export interface Target {
  name: string;
  /** `sip:user@host;params` cut at its places; places only in the user part. */
  sip: Template;
  timeoutMs: number;
  userToUser: Template | null;
  headers: { name: string; value: Template }[];
  auth: { username: string; password: string } | null;
  byeWithoutVerdict: 'unconfirmed' | 'completed';
}

export type Destination =
  | { kind: 'target'; name: string }
  | { kind: 'pick'; weights: { name: string; weight: number }[] }
  /** A SIP URI or number; `trusted` (no policy) when it is written out without places in a route file. */
  | { kind: 'literal'; template: Template; trusted: boolean };

export type RouteBranches = { [K in FailedVerdict | 'any']?: RouteStep[] };

export type RouteStep =
  | { do: 'refer'; to: Destination; timeoutMs: number | null; ifFailed: RouteBranches }
  | {
      do: 'transfer';
      to: Destination;
      from: Template | null;
      timeoutMs: number | null;
      ifFailed: RouteBranches;
    }
  | { do: 'say'; text: string; voice: string | null; language: string | null }
  | { do: 'play'; url: string }
  | {
      do: 'menu';
      text: string;
      voice: string | null;
      language: string | null;
      digits: Record<string, RouteStep[]>;
      tries: number;
      timeoutMs: number;
    }
  | { do: 'reject'; cause: 'busy' | 'declined' }
  | { do: 'hangup' }
  | { do: 'ignore' }
  | { do: 'continue' };

/** An inline list, or the numbers and prefixes of a file; a prefix ends in `*`. */
export interface NumberList {
  name: string;
  exact: string[];
  prefixes: string[];
  /** Entries with a `*` elsewhere or a `?`. */
  globs: string[];
}

export interface Schedule {
  name: string;
  /** IANA zone. */
  zone: string;
  /** Weekly opening: ISO weekday 1 (Monday) to 7, minutes from local midnight, end not included, end may pass 1440 (over midnight). */
  open: { days: number[]; fromMinute: number; toMinute: number }[];
  /** Closed days or parts of days; wins over open. `date` is yyyy-mm-dd, or mm-dd for every year. */
  closed: { date: string; fromMinute: number; toMinute: number }[];
  /** Busy times from iCal files, expanded by the loader over the years it covers, half-open, milliseconds. */
  closedSpans: { fromMs: number; toMs: number; summary: string }[];
}

/** Leaves of `when`. Values of one clause are ORed. */
export type Clause =
  | { key: 'from' | 'to'; values: string[] }
  | { key: 'direction'; values: ('incoming' | 'outgoing')[] }
  | { key: 'connection_id'; values: string[] }
  | { key: 'caller_type'; values: ('pstn' | 'sip')[] }
  | { key: 'header'; name: string; values: string[] }
  | { key: 'schedule'; values: string[] }
  | { key: 'country'; values: string[] }
  | { key: 'attestation'; values: ('A' | 'B' | 'C')[] }
  | { key: 'anonymous'; value: boolean }
  | { key: 'percent'; value: number }
  | { key: 'tags'; values: string[] }
  | { key: 'event'; values: ('call.initiated' | 'call.answered' | 'call.dtmf.received')[] }
  | { key: 'digits'; values: string[] };

export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }
  | { clause: Clause };

/** `(call, context) => steps | undefined` of a handler file, already bounded in time by the loader. */
export type RunHandler = (
  facts: import('../machine/call.ts').CallFacts,
  moment: import('../machine/plan.ts').Moment,
) => { steps: RouteStep[] } | { notMine: string; warning: boolean };

export interface Rule {
  name: string;
  when: Condition;
  action: { steps: RouteStep[] } | { handler: string; run: RunHandler };
  /** Where it stands, for messages. */
  file: string;
  line: number;
}

export interface Budget {
  perCall: number | null;
  perHour: number | null;
  perCallerPerHour: number | null;
}

export interface Policy {
  voice: string;
  language: string | null;
  patienceMs: number;
  whileMoving: { say: string } | { play: string } | null;
  /** Allowed destinations for what is not written out: parsed patterns, see `allow.ts`. */
  allow: string[];
  refers: Budget;
  transfers: Budget;
}

export interface RouteSet {
  /** Content hash over all files and data, hex. */
  hash: string;
  /** Relative to the folder, in the order they were read. */
  files: string[];
  targets: Map<string, Target>;
  lists: Map<string, NumberList>;
  schedules: Map<string, Schedule>;
  policy: Policy;
  rules: Rule[];
  otherwise: RouteStep[];
  lastResort: RouteStep[];
}

/** Forced opening of schedules by an operator, from the store: name -> open until. */
export type Overrides = Record<string, { open: boolean; untilMs: number | null }>;
