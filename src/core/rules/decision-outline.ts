/**
 * The part of a decision that its caller would notice: the rule, the targets in order, and how the
 * call ends. Texts, voices, times and headers are not part of it.
 */
import { type Decision, OTHERWISE, type Step } from '../machine/plan.ts';

export interface Outline {
  /** `otherwise` if no rule matched; null: the call is left unmanaged. */
  rule: string | null;
  /** The first target of the plan, or its literal address; null if nobody is moved. */
  target: string | null;
  /** Two decisions with equal texts do the same. */
  text: string;
}

export function outlineOf({ rule, plan }: Decision): Outline {
  if (plan === null) return { rule: null, target: null, text: 'unmanaged' };
  const moves: string[] = [];
  const parts = outline(plan, moves);
  return {
    rule: rule ?? OTHERWISE,
    target: moves[0] ?? null,
    text: JSON.stringify([rule, parts]),
  };
}

type Part = string | [string, ...unknown[]];

/** Adds the destinations to `moves` in the order of the plan. */
function outline(steps: readonly Step[], moves: string[]): Part[] {
  return steps.flatMap((step): Part[] => {
    switch (step.do) {
      case 'say':
      case 'play':
        return [];
      case 'refer':
      case 'transfer': {
        const address = step.do === 'refer' ? step.sipAddress : step.to;
        moves.push(step.target ?? address);
        const other = step.otherWay?.do ?? null;
        return [
          [step.do, step.target, address, step.problem, other, branches(step.ifFailed, moves)],
        ];
      }
      case 'menu':
        return [['menu', branches(step.digits, moves)]];
      case 'reject':
        return [['reject', step.cause]];
      case 'hangup':
      case 'ignore':
      case 'continue':
        return [step.do];
      default:
        return step satisfies never;
    }
  });
}

function branches(of: { [key: string]: Step[] | undefined }, moves: string[]): [string, Part[]][] {
  return Object.entries(of)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, steps = []]) => [key, outline(steps, moves)]);
}
