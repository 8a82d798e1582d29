/** Which steps may stand in which list, and where in it. */
import type { RouteStep } from '../../core/rules/rule.ts';
import type { StepBuilder } from '../building/context.ts';
import { quoted } from '../numbers/number.ts';
import type { Place } from '../problem.ts';
import type { WrittenStep } from '../schema/steps.ts';

/**
 * The position of a list of steps: `continue` needs an outer list, and the last resort may not move
 * anybody.
 */
export type ListKind = 'top' | 'branch' | 'flow' | 'last_resort';

type StepName = RouteStep['do'] | 'run';

const ENDS_THE_CALL: readonly string[] = ['reject', 'hangup', 'ignore'] satisfies StepName[];
const LAST_RESORT_STEPS: readonly string[] = [
  'say',
  'play',
  'reject',
  'hangup',
] satisfies StepName[];
/** A step that is not one word has its name among its keys. The compiler asks for a new one. */
const NAME_KEYS = Object.keys({
  refer: true,
  transfer: true,
  say: true,
  play: true,
  menu: true,
  run: true,
  reject: true,
} satisfies Record<Exclude<StepName, WrittenStep>, true>);

export function checkOrder(b: StepBuilder, written: WrittenStep[], kind: ListKind): void {
  const { problems } = b.context;
  for (const [index, step] of written.entries()) {
    const name = nameOf(step);
    const at = b.positions.at(written, index);
    const before = index > 0 ? nameOf(written[index - 1] ?? 'continue') : null;
    if (before !== null && ENDS_THE_CALL.includes(before)) {
      problems.problem(
        at,
        `${name} after ${before} never runs`,
        `remove it, or put it before ${before}`,
      );
    }
    if (kind === 'last_resort' && name !== 'run' && !LAST_RESORT_STEPS.includes(name)) {
      problems.problem(
        at,
        `last_resort cannot ${name}: every step has already failed`,
        `only ${LAST_RESORT_STEPS.join(', ')}`,
      );
    } else if (name === 'continue' && kind !== 'branch') {
      problems.problem(
        at,
        'continue is outside a branch, so there is no list to return to',
        kind === 'flow'
          ? 'write it in the branch that runs the flow, after run'
          : 'use it at the end of a branch of if_failed or digits',
      );
    } else if (name === 'continue' && index < written.length - 1) {
      problems.problem(at, 'continue is not at the end of its branch', 'move it to the end');
    }
  }
}

function nameOf(step: WrittenStep): string {
  if (typeof step === 'string') return step;
  return NAME_KEYS.find((name) => name in step) ?? 'step';
}

/** The steps of a flow, checked against what is allowed in the position of its `run`. */
export function checkFlow(
  { context }: StepBuilder,
  name: string,
  steps: readonly RouteStep[],
  { at, kind, isLast }: { at: Place; kind: ListKind; isLast: boolean },
): void {
  const moving = steps.find((each) => !LAST_RESORT_STEPS.includes(each.do));
  if (kind === 'last_resort' && moving !== undefined) {
    context.problems.problem(
      at,
      `last_resort cannot ${moving.do}, as the flow ${quoted(name)} does: every step has already failed`,
      `only ${LAST_RESORT_STEPS.join(', ')}`,
    );
  }
  const end = steps.at(-1)?.do;
  if (!isLast && end !== undefined && ENDS_THE_CALL.includes(end)) {
    context.problems.problem(
      at,
      `the flow ${quoted(name)} ends with ${end}: what follows never runs`,
      'run it last',
    );
  }
}
