/**
 * Checks the steps and decisions of an export, so that whoever edits one by hand is told what is
 * wrong.
 */
import type { Step } from '../machine/plan.ts';
import { VERDICTS } from '../machine/verdict.ts';
import {
  BadRecording,
  type Check,
  isFields,
  isFlag,
  isNumber,
  isText,
  listOf,
  mapOf,
  nullOr,
  oneOf,
  shapeOf,
} from './checked.ts';
import { stepDefaults } from './lean.ts';

/** A lean step. */
export const isStep: Check = (value) => {
  isFields(value);
  const check = STEP_CHECKS.get(value.do);
  if (check === undefined) {
    throw new BadRecording('do', `expected one of ${[...STEP_CHECKS.keys()].join(', ')}`);
  }
  check(value);
};

const header = shapeOf({ name: isText, value: isText }, ['name', 'value']);
const auth = shapeOf({ username: isText, password: isText }, ['username', 'password']);
const areSteps = listOf(isStep);

const branches = shapeOf(
  Object.fromEntries([...VERDICTS, 'any'].map((name) => [name, areSteps])),
  [],
);

const destination = {
  do: isText,
  target: nullOr(isText),
  timeoutMs: isNumber,
  userToUser: nullOr(isText),
  headers: listOf(header),
  auth: nullOr(auth),
  ifFailed: branches,
  problem: nullOr(isText),
  sibling: isFlag,
  /**
   * It has no branches and no sibling; its other fields are those of a step, with the same checks.
   */
  otherWay: isStep,
} satisfies Record<string, Check>;
const spoken = { do: isText, text: isText, voice: isText, language: nullOr(isText) };

const OPTIONAL = ['attemptId', 'otherWay', 'play'];

/** If somebody adds a field to a step, this does not compile until the field is here. */
const STEPS: {
  [Do in Step['do']]: Record<keyof Extract<Step, { do: Do }>, Check>;
} = {
  refer: {
    ...destination,
    sipAddress: isText,
    byeWithoutVerdict: oneOf(['unconfirmed', 'completed']),
    attemptId: isText,
  },
  transfer: { ...destination, to: isText, from: nullOr(isText) },
  say: spoken,
  play: { do: isText, url: isText },
  menu: { ...spoken, play: isText, digits: mapOf(areSteps), tries: isNumber, timeoutMs: isNumber },
  reject: { do: isText, cause: oneOf(['busy', 'declined']) },
  hangup: { do: isText },
  ignore: { do: isText },
  continue: { do: isText },
};

const STEP_CHECKS: ReadonlyMap<unknown, Check> = new Map(
  Object.entries(STEPS).map(([kind, checks]): [string, Check] => {
    const mayLack = new Set([...OPTIONAL, ...Object.keys(stepDefaults[kind as Step['do']]())]);
    return [
      kind,
      shapeOf(
        checks,
        Object.keys(checks).filter((name) => !mayLack.has(name)),
      ),
    ];
  }),
);

/** Each field must be there. */
function wholeOf(checks: Record<string, Check>): Check {
  return shapeOf(checks, Object.keys(checks));
}

const policy = wholeOf({
  patienceMs: isNumber,
  whileMoving: nullOr(isStep),
  refersPerCall: nullOr(isNumber),
  transfersPerCall: nullOr(isNumber),
});
const lookup = wholeOf({
  name: isText,
  url: isText,
  headers: listOf(header),
  keep: listOf(wholeOf({ name: isText, path: listOf(isText) })),
  timeoutMs: isNumber,
  cacheMs: nullOr(isNumber),
});

/** A lean decision with its trace. */
export const isDecision = shapeOf(
  {
    rule: nullOr(isText),
    routeSet: isText,
    label: nullOr(isText),
    plan: nullOr(areSteps),
    lastResort: areSteps,
    policy,
    trace: listOf(wholeOf({ rule: isText, matched: isFlag, why: isText })),
    why: isText,
    warnings: listOf(isText),
    rows: listOf(wholeOf({ table: isText, key: isText, of: oneOf(['from', 'to']) })),
    lookup,
  },
  ['rule', 'routeSet', 'plan', 'lastResort', 'policy', 'why'],
);
