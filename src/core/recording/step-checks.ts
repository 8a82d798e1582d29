/** Steps and decisions of an export: whoever edits one by hand is told what is wrong with it. */
import type { Decision, Step } from '../machine/plan.ts';
import { VERDICTS } from '../machine/verdict.ts';
import {
  BadRecording,
  type Check,
  fieldsAt,
  flagAt,
  listOf,
  nullOr,
  numberAt,
  oneOf,
  shapeAt,
  textAt,
} from './checked.ts';
import { fullDecision, fullStep } from './lean.ts';

export function stepAt(value: unknown, path: string): Step {
  const kind = fieldsAt(value, path).do;
  const checks = Object.hasOwn(STEPS, String(kind)) ? STEPS[kind as Step['do']] : undefined;
  if (checks === undefined) {
    throw new BadRecording(`${path}.do`, `expected one of ${Object.keys(STEPS).join(', ')}`);
  }
  shapeAt(value, path, { do: textAt, ...checks.optional, ...checks.needed }, [
    ...Object.keys(checks.needed),
  ]);
  return fullStep(value as Record<string, unknown>);
}

export function decisionAt(value: unknown, path: string): Decision {
  const { trace, ...lean } = shapeAt(value, path, DECISION, DECISION_NEEDS);
  return fullDecision(lean, (trace ?? []) as Decision['trace']);
}

const header: Check = (value, path) =>
  shapeAt(value, path, { name: textAt, value: textAt }, ['name', 'value']);
const auth: Check = (value, path) =>
  shapeAt(value, path, { username: textAt, password: textAt }, ['username', 'password']);
const branches: Check = (value, path) => shapeAt(value, path, BRANCHES, []);
const choices: Check = (value, path) =>
  Object.entries(fieldsAt(value, path)).map(([keys, steps]) => stepsAt(steps, `${path}.${keys}`));
const stepsAt = listOf(stepAt);

const BRANCHES: Record<string, Check> = Object.fromEntries(
  [...VERDICTS, 'any'].map((name) => [name, stepsAt]),
);

const destination: Record<string, Check> = {
  target: nullOr(textAt),
  userToUser: nullOr(textAt),
  headers: listOf(header),
  auth: nullOr(auth),
  ifFailed: branches,
  problem: nullOr(textAt),
};
const spoken: Record<string, Check> = { text: textAt, voice: textAt };

const STEPS: {
  [Do in Step['do']]: { needed: Record<string, Check>; optional: Record<string, Check> };
} = {
  refer: {
    needed: { sipAddress: textAt, timeoutMs: numberAt },
    optional: {
      ...destination,
      byeWithoutVerdict: oneOf(['unconfirmed', 'completed']),
      sibling: flagAt,
      attemptId: textAt,
    },
  },
  transfer: {
    needed: { to: textAt, timeoutMs: numberAt },
    optional: { ...destination, from: nullOr(textAt) },
  },
  say: { needed: spoken, optional: { language: nullOr(textAt) } },
  play: { needed: { url: textAt }, optional: {} },
  menu: {
    needed: { ...spoken, digits: choices, tries: numberAt, timeoutMs: numberAt },
    optional: { language: nullOr(textAt) },
  },
  reject: { needed: { cause: oneOf(['busy', 'declined']) }, optional: {} },
  hangup: { needed: {}, optional: {} },
  ignore: { needed: {}, optional: {} },
  continue: { needed: {}, optional: {} },
};

const policy: Check = (value, path) =>
  shapeAt(
    value,
    path,
    {
      patienceMs: numberAt,
      whileMoving: nullOr(stepAt),
      refersPerCall: nullOr(numberAt),
      transfersPerCall: nullOr(numberAt),
    },
    ['patienceMs', 'whileMoving', 'refersPerCall', 'transfersPerCall'],
  );
const traceLine: Check = (value, path) =>
  shapeAt(value, path, { rule: textAt, matched: flagAt, why: textAt }, ['rule', 'matched', 'why']);

const DECISION: Record<string, Check> = {
  rule: nullOr(textAt),
  routeSet: textAt,
  plan: nullOr(stepsAt),
  lastResort: stepsAt,
  policy,
  trace: listOf(traceLine),
  why: textAt,
  warnings: listOf(textAt),
};
const DECISION_NEEDS = ['rule', 'routeSet', 'plan', 'lastResort', 'policy', 'why'];
