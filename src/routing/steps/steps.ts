/** Converts steps of a route file or a handler into the core's form. */
import type { RouteBranches, RouteStep, Words } from '../../core/rules/rule.ts';
import { durationOf, type StepBuilder, useName } from '../building/context.ts';
import { MENU_BOUNDS } from '../building/duration.ts';
import { LIMITS } from '../limits.ts';
import type { Place } from '../problem.ts';
import type {
  WrittenBranches,
  WrittenMenu,
  WrittenRefer,
  WrittenStep,
  WrittenTransfer,
  WrittenWords,
} from '../schema/steps.ts';
import { checkPlayUrl } from '../targets/destinations.ts';
import { waysOf } from '../targets/via.ts';
import { checkFlow, checkOrder, type ListKind } from './order.ts';
import { wordsOf } from './prompts.ts';
import {
  attemptTimeout,
  callerId,
  referred,
  referTimeout,
  transferred,
} from './step-destinations.ts';

const MENU_TRIES = 3;
const MENU_TIMEOUT_MS = 8_000;

export function buildSteps(b: StepBuilder, written: WrittenStep[], kind: ListKind): RouteStep[] {
  checkOrder(b, written, kind);
  const steps: RouteStep[] = [];
  for (const [index, step] of written.entries()) {
    const at = b.positions.at(written, index);
    if (typeof step === 'object' && 'run' in step) {
      const more = runFlow(b, step, kind, index === written.length - 1);
      if (b.context.flows.sizeOf(steps) + b.context.flows.sizeOf(more) <= LIMITS.flowSteps) {
        for (const each of more) steps.push(each);
      } else {
        const hint = 'run fewer flows in one list, or shorter ones';
        b.context.problems.problem(at, `more than ${LIMITS.flowSteps} steps here`, hint);
      }
      continue;
    }
    const built = buildStep(b, step);
    if (built === null) continue;
    b.context.stepPlaces.set(built, at);
    steps.push(built);
  }
  return steps;
}

/** The steps of the flow that a `run` names. */
function runFlow(
  b: StepBuilder,
  step: { run: string },
  kind: ListKind,
  isLast: boolean,
): RouteStep[] {
  const { context } = b;
  const at = b.positions.at(step, 'run');
  if (!useName(context, 'flow', step.run, at)) return [];
  const steps = context.flows.run(step.run, at, context.problems);
  checkFlow(b, step.run, steps, { at, kind, isLast });
  return steps;
}

function buildStep(b: StepBuilder, step: Exclude<WrittenStep, { run: string }>): RouteStep | null {
  if (typeof step === 'string') return { do: step };
  if ('refer' in step) return refer(b, step);
  if ('transfer' in step) return transfer(b, step);
  if ('say' in step) {
    return {
      do: 'say',
      text: spokenText(b, step.say, b.positions.at(step, 'say')),
      voice: step.voice ?? null,
      language: step.language ?? null,
    };
  }
  if ('play' in step) {
    checkPlayUrl(b.context, step.play, b.positions.at(step, 'play'));
    return { do: 'play', url: step.play };
  }
  if ('menu' in step) return menu(b, step.menu);
  return { do: 'reject', cause: step.reject };
}

/**
 * Text from a handler is spoken unchanged, without placeholders, because it may contain what a
 * caller wrote.
 */
function spokenText(b: StepBuilder, text: WrittenWords, at: Place): Words {
  if (typeof text === 'string' && !b.trusted) return [{ literal: text }];
  return wordsOf(b.context, text, b.positions, at);
}

function refer(b: StepBuilder, step: WrittenRefer): RouteStep | null {
  const to = referred(b, step);
  const ifFailed = branches(b, step.if_failed);
  const timeoutMs = referTimeout(b, step);
  const via = waysOf(b.context, step.via, b.positions);
  return to === null ? null : { do: 'refer', to, via, timeoutMs, ifFailed };
}

function transfer(b: StepBuilder, step: WrittenTransfer): RouteStep | null {
  const { problems } = b.context;
  const to = transferred(b, step);
  const from = step.from === undefined ? null : callerId(b, step, step.from);
  const ifFailed = branches(b, step.if_failed);
  const timeoutMs = attemptTimeout(b, step);
  if (timeoutMs !== null && (timeoutMs < 1_000 || timeoutMs % 1_000 !== 0)) {
    problems.problem(
      b.positions.at(step, 'timeout'),
      'the timeout of a transfer must be whole seconds',
      'Telnyx expects whole seconds: write 1s or more',
    );
  }
  return to === null ? null : { do: 'transfer', to, from, timeoutMs, ifFailed };
}

function branches(b: StepBuilder, written: WrittenBranches | undefined): RouteBranches {
  const built: RouteBranches = {};
  for (const [verdict, steps] of Object.entries(written ?? {})) {
    built[verdict as keyof RouteBranches] = buildSteps(b, steps, 'branch');
  }
  return built;
}

function menu(b: StepBuilder, written: WrittenMenu): RouteStep {
  checkKeys(b, written);
  const digits: Record<string, RouteStep[]> = {};
  for (const [key, steps] of Object.entries(written.digits)) {
    digits[key] = buildSteps(b, steps, 'branch');
  }
  return {
    do: 'menu',
    prompt: menuPrompt(b, written),
    voice: ('voice' in written ? written.voice : null) ?? null,
    language: ('language' in written ? written.language : null) ?? null,
    digits,
    tries: written.tries ?? MENU_TRIES,
    timeoutMs: durationOf(b.context, written, 'timeout', MENU_BOUNDS, MENU_TIMEOUT_MS, b.positions),
  };
}

function menuPrompt(
  b: StepBuilder,
  written: WrittenMenu,
): Extract<RouteStep, { do: 'menu' }>['prompt'] {
  if ('say' in written) return { say: spokenText(b, written.say, b.positions.at(written, 'say')) };
  checkPlayUrl(b.context, written.play, b.positions.at(written, 'play'));
  return { play: written.play };
}

/**
 * One key must remain to end the caller's input: # unless the menu uses it. In a menu that uses all
 * twelve keys, # would end the input, and its branch would never run.
 */
function checkKeys(b: StepBuilder, written: WrittenMenu): void {
  const keys = new Set(Object.keys(written.digits).join(''));
  if (keys.size < TELEPHONE_KEYS) return;
  const hash = Object.keys(written.digits).find((key) => key.includes('#')) ?? '';
  b.context.problems.problem(
    b.positions.atKey(written.digits, hash),
    '"#" cannot be a choice: the menu uses all twelve keys, and one must end the input',
    'leave one key unused',
  );
}

const TELEPHONE_KEYS = 12;
