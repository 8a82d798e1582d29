/**
 * Steps and decisions without the fields that most of them do not use: a recorded decision is
 * stored with every call, and half of a resolved step is empty fields.
 */
import type { Decision, Step } from '../machine/plan.ts';

/**
 * The defaults that are left out of a step, by kind. Lists are created for each step, because they
 * must not be shared.
 */
export const stepDefaults = {
  refer: () => ({
    target: null,
    userToUser: null,
    headers: [],
    auth: null,
    byeWithoutVerdict: 'unconfirmed',
    ifFailed: {},
    problem: null,
    sibling: false,
  }),
  transfer: () => ({
    target: null,
    from: null,
    userToUser: null,
    headers: [],
    auth: null,
    ifFailed: {},
    problem: null,
    sibling: false,
  }),
  say: () => ({ language: null }),
  play: () => ({}),
  menu: () => ({ language: null }),
  reject: () => ({}),
  hangup: () => ({}),
  ignore: () => ({}),
  continue: () => ({}),
} as const satisfies { [Do in Step['do']]: () => Partial<Extract<Step, { do: Do }>> };

export type Lean = Record<string, unknown>;

export function leanStep(step: Step): Lean {
  const defaults = stepDefaults[step.do]() as Lean;
  const lean: Lean = {};
  for (const [name, value] of Object.entries(step)) {
    if (!isDefault(value, defaults[name])) lean[name] = value;
  }
  if (lean.ifFailed !== undefined) lean.ifFailed = eachBranch(lean.ifFailed as Branches, leanStep);
  if (step.do === 'menu') lean.digits = eachBranch(step.digits, leanStep);
  return lean;
}

export function fullStep(lean: Lean): Step {
  const step = { ...stepDefaults[lean.do as Step['do']](), ...lean } as Lean;
  if (step.ifFailed !== undefined) step.ifFailed = eachBranch(step.ifFailed as Branches, fullStep);
  if (step.digits !== undefined) step.digits = eachBranch(step.digits as Branches, fullStep);
  return step as Step;
}

/** Without its trace, which is on the timeline. */
export function leanDecision({ trace: _, ...decision }: Decision): Lean {
  return {
    ...decision,
    label: decision.label ?? undefined,
    plan: decision.plan?.map(leanStep) ?? null,
    lastResort: decision.lastResort.map(leanStep),
    warnings: decision.warnings.length === 0 ? undefined : decision.warnings,
  };
}

export function fullDecision(lean: Lean, trace: Decision['trace']): Decision {
  const { plan, lastResort } = lean as { plan: Lean[] | null; lastResort: Lean[] };
  return {
    label: null,
    warnings: [],
    ...lean,
    plan: plan?.map(fullStep) ?? null,
    lastResort: lastResort.map(fullStep),
    trace,
  } as unknown as Decision;
}

type Branches = Record<string, unknown[] | undefined>;

function eachBranch<From, To>(
  branches: Branches,
  change: (step: From) => To,
): Record<string, To[]> {
  return Object.fromEntries(
    Object.entries(branches).map(([name, steps = []]) => [name, (steps as From[]).map(change)]),
  );
}

function isDefault(value: unknown, usual: unknown): boolean {
  if (value === undefined || value === usual) return true;
  if (typeof usual !== 'object' || usual === null || typeof value !== 'object' || value === null) {
    return false;
  }
  return Object.keys(value).length === 0;
}
