/** Proofs in the form of `referee prove --json` and the API. */
import type { Ends, Verdict } from '../machine/call.ts';
import { breaches, type Guarantee } from './guarantee.ts';
import { type Path, tell } from './path.ts';
import type { RuleProof } from './prove.ts';

interface Worst {
  path: string[];
  verdicts: Verdict[];
  digits: string[];
}

export interface RuleReport {
  rule: string;
  complete: boolean;
  /** Why it is incomplete; absent if it is complete. */
  unfinished?: string;
  paths: number;
  ends: Partial<Record<Ends, number>>;
  /** Null if no path is known. */
  worst: {
    wait: { secs: number } & Worst;
    silence: { secs: number } & Worst;
    moves: { count: number } & Worst;
  } | null;
}

export interface GuaranteeReport {
  name: string;
  holds: boolean;
  /** Why it does not hold although no path violates it; otherwise absent. */
  unfinished?: string;
  counterexample:
    | ({ rule: string; wait_secs: number; silence_secs: number; moves: number; ends: Ends } & Worst)
    | null;
}

export interface ProofReport {
  hash: string;
  complete: boolean;
  rules: RuleReport[];
  guarantees: GuaranteeReport[];
}

export function proofReport(
  hash: string,
  proofs: readonly RuleProof[],
  guarantees: readonly Guarantee[],
): ProofReport {
  return {
    hash,
    complete: proofs.every(({ complete }) => complete),
    rules: proofs.map(ruleReport),
    guarantees: guarantees.map((guarantee) => guaranteeReport(guarantee, proofs)),
  };
}

export function ruleReport({ rule, complete, unfinished, summary }: RuleProof): RuleReport {
  const { paths, wait, silence, moves } = summary;
  const ends = Object.fromEntries([...summary.ends].map(([name, of]) => [name, of.paths]));
  const worst =
    wait === null || silence === null || moves === null
      ? null
      : {
          wait: { secs: wait.waitMs / 1000, ...worstOf(wait) },
          silence: { secs: silence.silenceMs / 1000, ...worstOf(silence) },
          moves: { count: moves.moves, ...worstOf(moves) },
        };
  return { rule, complete, ...(unfinished === null ? {} : { unfinished }), paths, ends, worst };
}

function worstOf(found: Path): Worst {
  const { path, verdicts, digits } = tell(found);
  return { path, verdicts, digits };
}

function guaranteeReport(guarantee: Guarantee, proofs: readonly RuleProof[]): GuaranteeReport {
  const { name } = guarantee;
  const [breach] = breaches(guarantee, proofs);
  if (breach === undefined) return { name, holds: true, counterexample: null };
  if (breach.path === null) {
    return { name, holds: false, unfinished: breach.why, counterexample: null };
  }
  const { path, verdicts, digits, waitMs, silenceMs, moves, ends } = tell(breach.path);
  const measured = { wait_secs: waitMs / 1000, silence_secs: silenceMs / 1000, moves, ends };
  const counterexample = { rule: breach.rule, path, verdicts, digits, ...measured };
  return { name, holds: false, counterexample };
}
