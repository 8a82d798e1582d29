/** The list of calls, and what it can be filtered by. */
import type { Call, Direction, Ends, Phase } from '../../core/machine/call.ts';
import type { CallerOutcome } from '../../core/machine/caller-outcome.ts';
import type { AskedVerdict } from '../../core/machine/verdict.ts';

export interface CallList {
  /** Newest first; `next` is null on the last page. Rejects with BAD_CURSOR. */
  list(filter: CallFilter): Promise<{ calls: Call[]; next: string | null }>;
}

export interface SearchText {
  text: string;
  /** Numbers whose label contains the text. */
  numbers: string[];
}

/** The filters that are an address or a number. */
export const PARTIES = ['from', 'to', 'number'] as const;

export interface CallFilter {
  phase?: Phase;
  /** `otherwise`: calls that were decided without a rule. */
  rule?: string;
  target?: string;
  verdict?: AskedVerdict;
  ends?: Ends;
  outcome?: CallerOutcome;
  /** Our number of the call, whether it called or was called. */
  number?: string;
  direction?: Direction;
  /** Part of a number, or of anything else that a call is found by. */
  q?: SearchText;
  from?: string;
  to?: string;
  sessionId?: string;
  /** createdAt at or after, milliseconds. */
  since?: number;
  /** createdAt before, milliseconds. */
  until?: number;
  /** Only the B-legs of this call. */
  parentId?: string;
  /** Only calls that no operator has acknowledged. */
  unacknowledged?: true;
  /** B-legs too; by default only callers. */
  legs?: 'all';
  limit: number;
  /** Opaque, from `next` of the page before. */
  cursor?: string;
}
