/** What a transition reports to the outside: the source of log lines, metrics and traces. */
import type { Attempt, DeadlineName, Ends, Phase } from './call.ts';
import type { LookupResult } from './command.ts';
import type { TraceLine } from './plan.ts';

export type Notice =
  | { kind: 'decided'; rule: string | null; routeSet: string; why: string; trace: TraceLine[] }
  | { kind: 'handler_warning'; text: string }
  /** `failed`: why there is no answer, in words. */
  | { kind: 'lookup'; name: string; result: LookupResult; failed: string | null; ms: number }
  | { kind: 'left_unmanaged'; why: string }
  | { kind: 'answer_refused'; detail: string }
  | { kind: 'attempt_started'; attempt: Attempt }
  | { kind: 'attempt_progress'; attempt: Attempt }
  /** `corrected`: an earlier verdict was overwritten. */
  | { kind: 'attempt_ended'; attempt: Attempt; corrected: boolean }
  | { kind: 'last_resort'; why: string }
  | { kind: 'ended'; ends: Ends; how: string }
  | { kind: 'ends_corrected'; ends: Ends; before: Ends | null }
  | { kind: 'deadline'; name: DeadlineName; putOff: boolean }
  /**
   * The call had ended but its hangup webhook never arrived; a probe or a rejected command revealed
   * it. `contradicts`: an event arrived moments before the command was refused, because the call has
   * `ended` or is `unknown`: we may be asking the wrong account or URL.
   */
  | { kind: 'found_dead'; phase: Phase; how: string; contradicts: 'ended' | 'unknown' | null }
  | { kind: 'cost_unreadable'; problem: string }
  | { kind: 'release_stuck'; releases: number }
  | { kind: 'event_late'; type: string; phase: Phase }
  | { kind: 'event_foreign'; type: string };
