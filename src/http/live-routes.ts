/** What the endpoints need of the live route set; compose fills it from `routing/` and `core/`. */
import type { TraceLine } from '../core/plan.ts';
import type { RouteSet } from '../core/rule.ts';

export interface LocatedProblem {
  file: string;
  line: number;
  column: number;
  message: string;
  hint: string | null;
}

export type Reloaded =
  | { ok: true; hash: string; changed: boolean; warnings: LocatedProblem[] }
  | { ok: false; hash: string; problems: LocatedProblem[] };

export interface ExplainQuestion {
  from: string | null;
  to: string | null;
  direction: 'incoming' | 'outgoing';
  headers: { name: string; value: string }[];
  /** Milliseconds since the epoch. */
  at: number;
  /** Scripted verdicts by target, several for repeats. */
  verdicts: Record<string, string[]>;
  digits: string | null;
}

/** The same as `referee route --json` prints. */
export interface Explanation {
  rule: string | null;
  path: string[];
  attempts: { target: string | null; sip_address: string; verdict: string }[];
  ends: string | null;
  trace: TraceLine[];
}

export interface LiveRoutes {
  current(): RouteSet;
  /** The last reload, where it was refused; null after a good one. */
  refusal(): { at: number; problems: LocatedProblem[] } | null;
  reload(): Promise<Reloaded>;
  explain(question: ExplainQuestion): Promise<Explanation>;
}
