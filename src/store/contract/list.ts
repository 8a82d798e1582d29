/** The list of calls: what it can be filtered by. */
import type { Call, Direction, Ends, Phase, Verdict } from '../../core/machine/call.ts';
import type { CallerOutcome } from '../../core/machine/caller-outcome.ts';

export interface CallList {
  /** Newest first; `next` is null on the last page. Rejects with BAD_CURSOR. */
  list(filter: CallFilter): Promise<{ calls: Call[]; next: string | null }>;
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
