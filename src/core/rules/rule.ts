/**
 * A route set as the loader returns it: checked, with secrets still as references and nothing
 * resolved for a call. `match.ts` compiles it once; `decide.ts` resolves the steps of the matching
 * rule for one call.
 */
import { branchesOf } from '../machine/plan.ts';
import type { FailedVerdict } from '../machine/verdict.ts';
import type { Texts } from './addresses/packed-texts.ts';
import type { RowScope } from './tables/found-rows.ts';
import type { Table } from './tables/table.ts';

/** How a caller is moved to a target, in the order in which it is tried; never empty. */
export type Ways = readonly ('refer' | 'transfer')[];

/**
 * A text with placeholders such as `{from}`, split into pieces; without placeholders it is one
 * literal.
 */
export type Template = ({ literal: string } | Placeholder)[];

export type Placeholder =
  | { place: 'from' | 'to' | 'from_user' | 'to_user' | 'call_session_id' }
  | { place: 'header'; header: string }
  /**
   * `{row:site}` or `{row:extensions.site}`; the rule decides which table is meant, see
   * `found-rows.ts`.
   */
  | { place: 'row'; column: string }
  /** A value from the answer of a lookup. */
  | { place: 'lookup'; lookup: string; field: string };

export interface Target {
  name: string;
  /** `sip:user@host;params` split at its placeholders, which are only allowed in the user part. */
  sip: Template;
  timeoutMs: number;
  userToUser: Template | null;
  headers: { name: string; value: Template }[];
  auth: { username: string; password: string } | null;
  byeWithoutVerdict: 'unconfirmed' | 'completed';
  /** Null: as the policy says. */
  via: Ways | null;
  /** Whether it is skipped for a while when it is down; null: as the policy says. */
  rest: boolean | null;
}

/**
 * A fact from one of the operator's own servers, requested when a rule needs it, at most once a
 * call.
 */
export interface Lookup {
  name: string;
  /** Its placeholders are encoded; none of them is before the path. */
  url: Template;
  /** Values may hold references such as `${CRM_TOKEN}`. */
  headers: { name: string; value: string }[];
  /** Which values are kept of the answer, and the keys that lead to them. */
  keep: { name: string; path: string[] }[];
  timeoutMs: number;
  /** Null: answers are not reused for other calls. */
  cacheMs: number | null;
}

export type Destination =
  | { kind: 'target'; name: string }
  | { kind: 'pick'; weights: { name: string; weight: number }[] }
  /** A SIP URI or number; `trusted` (no policy) if it is literal in a route file. */
  | { kind: 'literal'; template: Template; trusted: boolean; more?: Reaching };

/** The targets that a destination names; of a pick, every one that may be drawn. */
export function targetsOf(to: Destination): string[] {
  if (to.kind === 'literal') return [];
  return to.kind === 'target' ? [to.name] : to.weights.map(({ name }) => name);
}

/** How a destination is reached, as it is written with it. */
export type Reaching = Pick<Target, 'userToUser' | 'headers' | 'byeWithoutVerdict' | 'via'>;

export type RouteBranches = { [K in FailedVerdict | 'any']?: RouteStep[] };

/** A text, or the name of a prompt with texts in several languages. */
export type Words = Template | { prompt: string };

/** In the order in which they are written: the first is for callers who speak none of them. */
export interface Prompt {
  name: string;
  variants: {
    language: string;
    words: { say: Template; voice: string | null } | { play: string };
  }[];
}

export type RouteStep =
  | {
      do: 'refer';
      to: Destination;
      /** Null: as the target says. */
      via: Ways | null;
      timeoutMs: number | null;
      ifFailed: RouteBranches;
    }
  | {
      do: 'transfer';
      to: Destination;
      from: Template | null;
      timeoutMs: number | null;
      ifFailed: RouteBranches;
    }
  | { do: 'say'; text: Words; voice: string | null; language: string | null }
  | { do: 'play'; url: string }
  | {
      do: 'menu';
      /** A text, or the address of a recording. */
      prompt: { say: Words } | { play: string };
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

/** The steps with those of all their branches, each before those nested in it. */
export function everyStep(steps: readonly RouteStep[]): RouteStep[] {
  return steps.flatMap((step) => [step, ...branchesOf<RouteStep>(step).flatMap(everyStep)]);
}

/** An inline list, or the entries of a file: numbers, SIP addresses, and patterns of both. */
export interface NumberList {
  name: string;
  entries: Texts;
}

export interface Schedule {
  name: string;
  /** IANA zone. */
  zone: string;
  /**
   * Weekly hours: ISO weekday 1 (Monday) to 7, minutes from local midnight, end exclusive; an end
   * over 1440 is after midnight.
   */
  open: { days: number[]; fromMinute: number; toMinute: number }[];
  /** Opening hours from iCal files; see `closedSpans`. */
  openSpans: CalendarSpan[];
  /**
   * Closed days or parts of days; takes precedence over open. `date` is yyyy-mm-dd, or mm-dd for
   * every year. `because` is the reason that routes can ask for.
   */
  closed: { date: string; fromMinute: number; toMinute: number; because?: string }[];
  /**
   * Closed times from iCal files, expanded by the loader over the years it covers: half-open, in
   * ms.
   */
  closedSpans: CalendarSpan[];
  /**
   * Days with hours of their own, one entry for each date; null: closed. `days` is how many the
   * written entry is for.
   */
  special: {
    date: string;
    times: { fromMinute: number; toMinute: number }[] | null;
    days: number;
    because?: string;
  }[];
}

export interface CalendarSpan {
  fromMs: number;
  toMs: number;
  summary: string;
  because?: string;
}

/** A named on/off value that operators can change. */
export interface Switch {
  name: string;
  /** Its default. */
  on: boolean;
}

/**
 * Leaves of `when`. Values of one clause are ORed; of `from` and `to` also `list:NAME`, and
 * `table:NAME` for a number that a table has.
 */
export type Clause =
  | { key: 'from' | 'to'; values: string[] }
  | { key: 'direction'; values: ('incoming' | 'outgoing')[] }
  | { key: 'connection_id'; values: string[] }
  | { key: 'caller_type'; values: ('pstn' | 'sip')[] }
  | { key: 'header'; name: string; values: string[] }
  /** A column of the row in one of these tables; see `resolveColumn`. */
  | { key: 'row'; column: string; scope: RowScope; values: string[] }
  | { key: 'schedule'; values: string[] }
  | { key: 'closed_because'; schedule: string; values: string[] }
  | { key: 'switch'; values: string[] }
  /** A rule that begins or expires; the zone is for words. */
  | { key: 'dates'; fromMs: number | null; untilMs: number | null; zone: string }
  | { key: 'country'; values: string[] }
  | { key: 'attestation'; values: ('A' | 'B' | 'C')[] }
  | { key: 'anonymous'; value: boolean }
  | { key: 'percent'; value: number }
  | { key: 'tags'; values: string[] }
  | { key: 'event'; values: ('call.initiated' | 'call.answered' | 'call.dtmf.received')[] }
  | { key: 'digits'; values: string[] }
  | { key: 'lookup'; lookup: string; field: string; values: string[] };

export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }
  | { clause: Clause };

/**
 * `(call, context) => steps | undefined` of a handler file; the loader has added the time limit.
 */
export type RunHandler = (
  facts: import('../machine/call.ts').CallFacts,
  moment: import('../machine/plan.ts').Moment,
) => { steps: RouteStep[] } | { notMine: string; warning: boolean };

export interface Rule {
  name: string;
  when: Condition;
  /** `key` is a hash of the handler's text: handlers with the same key answer alike. */
  action: { steps: RouteStep[] } | { handler: string; run: RunHandler; key?: string };
  /** The tables it refers to, from which its steps take rows. */
  tables: RowScope;
  /** The language of its callers; undefined: as the policy says. */
  language?: string;
  /** Its location, for messages. */
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
  /** ISO code of the country whose national numbers are understood where people type them. */
  country?: string;
  patienceMs: number;
  whileMoving: { say: Words } | { play: string } | null;
  /** Allowed destinations, except literal ones: parsed patterns, see `allow.ts`. */
  allow: string[];
  refers: Budget;
  transfers: Budget;
  /** By the type of the caller; null: not given, so a REFER is used. */
  via: { pstn: Ways | null; sip: Ways | null };
  /** Whether targets that are down are skipped for a while. */
  rest: boolean;
}

export interface RouteSet {
  /** Content hash over all files and data, hex. */
  hash: string;
  /** Relative to the folder, in the order they were read. */
  files: string[];
  targets: Map<string, Target>;
  lists: Map<string, NumberList>;
  schedules: Map<string, Schedule>;
  switches: Map<string, Switch>;
  tables: Map<string, Table>;
  lookups: Map<string, Lookup>;
  prompts?: Map<string, Prompt>;
  /** Labels, by E.164 number. */
  numbers?: Map<string, string>;
  policy: Policy;
  rules: Rule[];
  otherwise: RouteStep[];
  lastResort: RouteStep[];
}
