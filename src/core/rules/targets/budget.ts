/**
 * Refers and transfers of the last hour, counted from the attempts in the store, so that replicas
 * agree.
 */
import type { Budget } from '../rule.ts';

type Kind = 'refer' | 'transfer';
type Budgets = { refers: Budget; transfers: Budget };

export interface BudgetCounts {
  refers: number;
  transfers: number;
}

/** Attempts of the last hour, in all and by caller. */
export interface BudgetsUsed {
  all: BudgetCounts;
  byCaller: Map<string, BudgetCounts>;
}

export const BUDGET_WINDOW_MS = 3_600_000;

/** How many attempts to count at most: one more than the largest hourly limit; null without one. */
export function countMax(budgets: Budgets): number | null {
  const limits = [budgets.refers, budgets.transfers]
    .flatMap(({ perHour, perCallerPerHour }) => [perHour, perCallerPerHour])
    .filter((limit) => limit !== null);
  return limits.length === 0 ? null : Math.max(...limits) + 1;
}

/**
 * The budget that stopped an attempt, by its name in the policy, taken from the attempt's reason.
 */
export function budgetOf(reason: string | null): string | null {
  return /^policy ((?:refers|transfers)\.[a-z_]+): /.exec(reason ?? '')?.[1] ?? null;
}

/**
 * The counts in the store, plus what was started since: by one batch of events, or by the call of a
 * dry run.
 */
export class BudgetUse {
  private readonly all: BudgetCounts;
  private readonly byCaller: Map<string, BudgetCounts>;
  private readonly budgets: Budgets;

  constructor(budgets: Budgets, counted: BudgetsUsed | null) {
    this.budgets = budgets;
    this.all = counted === null ? { refers: 0, transfers: 0 } : { ...counted.all };
    this.byCaller = new Map(counted?.byCaller ?? []);
  }

  /**
   * Null, or why the step fails as rejected. `freed`: one that is counted here counts no longer.
   * It is only one, because the store counts to one more than the limit.
   */
  over(kind: Kind, caller: string | null, freed: boolean): string | null {
    const name = `${kind}s` as const;
    const { perHour, perCallerPerHour } = this.budgets[name];
    const less = freed ? 1 : 0;
    if (perHour !== null && this.all[name] - less >= perHour) {
      return `policy ${name}.per_hour: ${perHour} used in the last hour`;
    }
    const used = caller === null ? 0 : (this.byCaller.get(caller)?.[name] ?? 0) - less;
    if (perCallerPerHour !== null && used >= perCallerPerHour) {
      return `policy ${name}.per_caller_per_hour: ${perCallerPerHour} used by this caller in the last hour`;
    }
    return null;
  }

  started(kind: Kind, caller: string | null): void {
    const name = `${kind}s` as const;
    this.all[name] += 1;
    if (caller === null) return;
    const counts = this.byCaller.get(caller) ?? { refers: 0, transfers: 0 };
    this.byCaller.set(caller, { ...counts, [name]: counts[name] + 1 });
  }
}
