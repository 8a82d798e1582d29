/** Converts steps of a route file or a handler into the core's form. */
import type { Destination, RouteBranches, RouteStep, Template, Words } from '../core/rules/rule.ts';
import { isE164 } from '../core/rules/sip-uri.ts';
import { hasPlaces, parseDestination, parseTemplate } from '../core/rules/template.ts';
import { durationOf, type SetContext, useName } from './context.ts';
import {
  checkPlayUrl,
  destinationHint,
  meantDestination,
  writtenDestination,
} from './destinations.ts';
import { ATTEMPT_BOUNDS, MENU_BOUNDS } from './duration.ts';
import { hasTrunkPrefix } from './e164.ts';
import { LIMITS } from './limits.ts';
import { usePlaces } from './lookups.ts';
import { quoted } from './number.ts';
import type { Positions } from './positions.ts';
import type { Place } from './problem.ts';
import { wordsOf } from './prompts.ts';
import type { WrittenDestination } from './schema/destination.ts';
import type {
  WrittenBranches,
  WrittenMenu,
  WrittenRefer,
  WrittenStep,
  WrittenTransfer,
  WrittenWords,
} from './schema/steps.ts';
import { isCallerId } from './tables/check-rows.ts';
import { buildReaching, isSip } from './targets.ts';
import { waysOf } from './via.ts';

/**
 * The position of a list of steps: `continue` needs an outer list, and the last resort may not move
 * anybody.
 */
export type ListKind = 'top' | 'branch' | 'flow' | 'last_resort';

const MENU_TRIES = 3;
const MENU_TIMEOUT_MS = 8_000;

export interface StepBuilder {
  context: SetContext;
  positions: Positions;
  /** False for steps from a handler, whose destinations must satisfy policy.allow. */
  trusted: boolean;
}

export function buildSteps(b: StepBuilder, written: WrittenStep[], kind: ListKind): RouteStep[] {
  checkOrder(b, written, kind);
  const steps: RouteStep[] = [];
  for (const [index, step] of written.entries()) {
    const at = b.positions.at(written, index);
    if (typeof step === 'object' && 'run' in step) {
      const more = runFlow(b, step, kind, index === written.length - 1);
      if (b.context.flows.sizeOf(steps) + b.context.flows.sizeOf(more) <= LIMITS.flowSteps) {
        for (const each of more) steps.push(each);
        continue;
      }
      const hint = 'run fewer flows in one list, or shorter ones';
      b.context.problems.problem(at, `more than ${LIMITS.flowSteps} steps here`, hint);
      continue;
    }
    const built = buildStep(b, step, at);
    if (built === null) continue;
    b.context.stepPlaces.set(built, at);
    steps.push(built);
  }
  return steps;
}

/** The steps of the flow that a `run` names, checked against what is allowed in this position. */
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
  const moving = steps.find((each) => !LAST_RESORT_STEPS.includes(each.do));
  if (kind === 'last_resort' && moving !== undefined) {
    context.problems.problem(
      at,
      `last_resort cannot ${moving.do}, as the flow ${quoted(step.run)} does: every step has already failed`,
      `only ${LAST_RESORT_STEPS.join(', ')}`,
    );
  }
  const end = steps.at(-1)?.do;
  if (!isLast && end !== undefined && ENDS_THE_CALL.includes(end)) {
    context.problems.problem(
      at,
      `the flow ${quoted(step.run)} ends with ${end}: what follows never runs`,
      'run it last',
    );
  }
  return steps;
}

const ENDS_THE_CALL = ['reject', 'hangup', 'ignore'];
const LAST_RESORT_STEPS: string[] = ['say', 'play', 'reject', 'hangup'];

function checkOrder(b: StepBuilder, written: WrittenStep[], kind: ListKind): void {
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
  for (const name of ['refer', 'transfer', 'say', 'play', 'menu', 'run', 'reject'])
    if (name in step) return name;
  return 'step';
}

function buildStep(b: StepBuilder, step: WrittenStep, at: Place): RouteStep | null {
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
  if ('reject' in step) return { do: 'reject', cause: step.reject };
  b.context.problems.problem(at, 'not a step');
  return null;
}

/**
 * Text from a handler is spoken unchanged, without placeholders, because it may contain what a
 * caller wrote.
 */
function spokenText(b: StepBuilder, text: WrittenWords, at: Place): Words {
  if (typeof text === 'string' && !b.trusted) return [{ literal: text }];
  return wordsOf(b.context, text, at);
}

function refer(b: StepBuilder, step: WrittenRefer): RouteStep | null {
  const to = referred(b, step);
  const ifFailed = branches(b, step.if_failed);
  const timeoutMs = referTimeout(b, step);
  const via = waysOf(b.context, step.via, b.positions);
  return to === null ? null : { do: 'refer', to, via, timeoutMs, ifFailed };
}

function referred(b: StepBuilder, step: WrittenRefer): Destination | null {
  if (typeof step.refer === 'string') return referTo(b, step, step.refer);
  return 'pick' in step.refer ? pick(b, step.refer.pick) : ownDestination(b, step.refer);
}

/** An address in the step, with its own settings for reaching it. */
function ownDestination(b: StepBuilder, written: WrittenDestination): Destination | null {
  const { context, positions, trusted } = b;
  const at = positions.at(written, 'sip');
  const more = buildReaching(context, written, positions, trusted);
  if (!isSip(context, written.sip, at)) return null;
  const to = writtenDestination(context, written.sip, trusted, at);
  return to === null ? null : { ...to, more };
}

/** May be given in the step or in its destination; the step's value wins. */
function referTimeout(b: StepBuilder, step: WrittenRefer): number | null {
  const beside = attemptTimeout(b, step);
  const { refer: to } = step;
  if (typeof to === 'string' || 'pick' in to) return beside;
  return beside ?? attemptTimeout(b, to);
}

/** Null: the target's own timeout applies. */
function attemptTimeout(
  b: StepBuilder,
  step: WrittenRefer | WrittenTransfer | WrittenDestination,
): number | null {
  const { timeout } = step;
  return durationOf(b.context, step, 'timeout', timeout, ATTEMPT_BOUNDS, null, b.positions);
}

function referTo(b: StepBuilder, owner: WrittenRefer, text: string): Destination | null {
  const at = b.positions.at(owner, 'refer');
  if (/^(?:sips?:|\{row:)/i.test(text)) return writtenDestination(b.context, text, b.trusted, at);
  if (b.context.names.target.has(text)) {
    useName(b.context, 'target', text, at);
    return { kind: 'target', name: text };
  }
  const meant = meantDestination(text);
  if (/^[+{<]/.test(text) || text.includes('@') || isE164(meant ?? '')) {
    const number = [meant ?? text].find(isE164);
    const uri = [meant, `sip:${text}`].find(
      (form) => form !== null && /^sips?:/i.test(form) && !('problem' in parseDestination(form)),
    );
    b.context.problems.problem(
      at,
      `refer needs a target or a SIP URI, not ${quoted(text)}`,
      number !== undefined
        ? `use transfer for a number: "${number}", or a SIP URI: "sip:${number}@…"`
        : typeof uri === 'string'
          ? `write ${quoted(uri)}`
          : '',
    );
    return null;
  }
  useName(b.context, 'target', text, at);
  return null;
}

function pick(b: StepBuilder, weights: Record<string, number>): Destination | null {
  const found = Object.entries(weights).filter(([name]) =>
    useName(b.context, 'target', name, b.positions.atKey(weights, name)),
  );
  if (found.length === 0) return null;
  return { kind: 'pick', weights: found.map(([name, weight]) => ({ name, weight })) };
}

function transfer(b: StepBuilder, step: WrittenTransfer): RouteStep | null {
  const { problems } = b.context;
  const at = b.positions.at(step, 'transfer');
  let to: Destination | null;
  if (b.context.names.target.has(step.transfer)) {
    useName(b.context, 'target', step.transfer, at);
    to = { kind: 'target', name: step.transfer };
  } else if (
    /^[A-Za-z0-9][A-Za-z0-9 ._/-]*$/.test(step.transfer) &&
    !/^[0-9 .-]+$/.test(step.transfer)
  ) {
    useName(b.context, 'target', step.transfer, at);
    to = null;
  } else to = writtenDestination(b.context, step.transfer, b.trusted, at);
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

function callerId(b: StepBuilder, owner: object, text: string): Template | null {
  const parsed = parseTemplate(text);
  const at = b.positions.at(owner, 'from');
  if ('problem' in parsed) {
    b.context.problems.problem(at, `from: ${parsed.problem}`);
    return null;
  }
  if (!hasPlaces(parsed) && !isCallerId(text)) {
    b.context.problems.problem(
      at,
      `from needs a number or a SIP URI, not ${quoted(text)}`,
      destinationHint(text, b.context.country) || 'for example "+14155550100" or "{from}"',
    );
    return null;
  }
  usePlaces(b.context, parsed, at);
  if (hasTrunkPrefix(text)) {
    b.context.problems.problem(
      at,
      `from: ${quoted(text)} contains the trunk prefix that is only dialled within the country`,
      destinationHint(text),
    );
  }
  return parsed;
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
    timeoutMs: durationOf(
      b.context,
      written,
      'timeout',
      written.timeout,
      MENU_BOUNDS,
      MENU_TIMEOUT_MS,
      b.positions,
    ),
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
