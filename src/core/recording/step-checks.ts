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
import { fullDecision, fullStep, stepDefaults } from './lean.ts';

export function stepAt(value: unknown, path: string): Step {
  const kind = fieldsAt(value, path).do;
  if (typeof kind !== 'string' || !Object.hasOwn(STEPS, kind)) {
    throw new BadRecording(`${path}.do`, `expected one of ${Object.keys(STEPS).join(', ')}`);
  }
  const checks: Record<string, Check> = STEPS[kind as Step['do']];
  const mayLack = new Set([...OPTIONAL, ...Object.keys(stepDefaults[kind as Step['do']]())]);
  const needed = Object.keys(checks).filter((name) => !mayLack.has(name));
  shapeAt(value, path, checks, needed);
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

/** Has no branches and no sibling, and otherwise the fields of a step: the same checks. */
const otherWay: Check = (value, path) => stepAt(value, path);

const destination = {
  do: textAt,
  target: nullOr(textAt),
  timeoutMs: numberAt,
  userToUser: nullOr(textAt),
  headers: listOf(header),
  auth: nullOr(auth),
  ifFailed: branches,
  problem: nullOr(textAt),
  sibling: flagAt,
  otherWay,
} satisfies Record<string, Check>;
const spoken = { do: textAt, text: textAt, voice: textAt, language: nullOr(textAt) };

const OPTIONAL = ['attemptId', 'otherWay', 'play'];

/** The compiler asks after a field that somebody adds to a step. */
const STEPS: {
  [Do in Step['do']]: Record<keyof Extract<Step, { do: Do }>, Check>;
} = {
  refer: {
    ...destination,
    sipAddress: textAt,
    byeWithoutVerdict: oneOf(['unconfirmed', 'completed']),
    attemptId: textAt,
  },
  transfer: { ...destination, to: textAt, from: nullOr(textAt) },
  say: spoken,
  play: { do: textAt, url: textAt },
  menu: { ...spoken, play: textAt, digits: choices, tries: numberAt, timeoutMs: numberAt },
  reject: { do: textAt, cause: oneOf(['busy', 'declined']) },
  hangup: { do: textAt },
  ignore: { do: textAt },
  continue: { do: textAt },
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
const kept: Check = (value, path) =>
  shapeAt(value, path, { name: textAt, path: listOf(textAt) }, ['name', 'path']);
const LOOKUP: Record<string, Check> = {
  name: textAt,
  url: textAt,
  headers: listOf(header),
  keep: listOf(kept),
  timeoutMs: numberAt,
  cacheMs: nullOr(numberAt),
};
const lookup: Check = (value, path) => shapeAt(value, path, LOOKUP, Object.keys(LOOKUP));
const traceLine: Check = (value, path) =>
  shapeAt(value, path, { rule: textAt, matched: flagAt, why: textAt }, ['rule', 'matched', 'why']);

const DECISION: Record<string, Check> = {
  rule: nullOr(textAt),
  routeSet: textAt,
  label: nullOr(textAt),
  plan: nullOr(stepsAt),
  lastResort: stepsAt,
  policy,
  trace: listOf(traceLine),
  why: textAt,
  warnings: listOf(textAt),
  lookup,
};
const DECISION_NEEDS = ['rule', 'routeSet', 'plan', 'lastResort', 'policy', 'why'];
