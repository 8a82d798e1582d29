/**
 * Runs the events of a recorded call again while other routes decide. As long as they decide the
 * same, everything would have happened as it did, and for most calls the first event settles that.
 * From the first decision that differs there are two calls: the real one, and the one under these
 * routes. They share the recorded events until the second would send another command, move the
 * caller elsewhere, or reach a deadline that the first did not.
 */
import type { Call, Deadline } from '../machine/call.ts';
import type { Command } from '../machine/command.ts';
import type { CallEvent } from '../machine/event.ts';
import {
  branchesOf,
  type Decision,
  type Moment,
  type Step,
  type TraceLine,
} from '../machine/plan.ts';
import { type Transition, transition, type World } from '../machine/transition.ts';
import { sameAnswers } from '../recording/answers.ts';
import type { RecordedCall, RecordedEvent } from '../recording/recorded-call.ts';
import type { CompiledRoutes } from '../rules/compiled-routes.ts';
import { decide } from '../rules/decide.ts';
import type { Overrides } from '../rules/override.ts';
import { doSame } from './same-steps.ts';
import { type TargetState, targetStateOf } from './target-state.ts';

/** Decides by these routes, and remembers the decisions. */
export interface Decider {
  decide: World['decide'];
  /** As they were at the last recorded decision; later ones may not have been recorded. */
  overrides: Overrides;
  /** The trace of the last decision with a plan, or of the first decision. */
  trace: TraceLine[];
  warnings: string[];
  /** Decisions since they were last taken out, in order. */
  taken: { decision: Decision; moment: Moment }[];
}

export function createDecider(routes: CompiledRoutes, fullTrace: boolean): Decider {
  const decider: Decider = {
    overrides: {},
    trace: [],
    warnings: [],
    taken: [],
    decide(facts, moment) {
      const decision = decide(routes, facts, moment, decider.overrides, { fullTrace });
      decider.taken.push({ decision, moment });
      decider.warnings.push(...decision.warnings);
      // A later event that no rule matches does not replace the reasons of the first decision.
      if (!isUnmatched(decision, moment)) decider.trace = decision.trace;
      return decision;
    },
  };
  return decider;
}

export interface Followed {
  /** Under these routes, after the last event that both share. */
  call: Call;
  /** The real one after the same event. */
  real: Call;
  /** At least one decision differed. */
  forked: boolean;
  /** Null if nothing was ever done differently. */
  parted: Parted | null;
}

export interface Parted {
  /** The time then. */
  at: number;
  /** Commands that the last shared event caused under these routes, not yet executed. */
  commands: Command[];
  /** Recorded events that the call under these routes has not seen. */
  rest: readonly RecordedEvent[];
  /** Ids of the commands that both have sent. */
  shared: ReadonlySet<string>;
}

export interface FollowOptions {
  /** Runs every event even if the outcome is already certain; by default it stops there. */
  toTheEnd: boolean;
  /** Called with what each event made the call under these routes do. */
  onStep?: (step: Transition) => void;
}

/** Null if nothing is recorded. */
export function follow(
  recorded: RecordedCall,
  decider: Decider,
  { toTheEnd, onStep }: FollowOptions,
): Followed | null {
  const { events } = recorded;
  const lastDecision = events.findLastIndex(({ answers }) => answers.decisions.length > 0);
  const shared = new Set<string>();
  const targets = targetStateOf(recorded);
  let call: Call | null = null;
  let real: Call | null = null;
  let forked = false;
  for (const [index, item] of events.entries()) {
    const { event, now } = item;
    const from = (first: number) => events.slice(first);
    if (forked && call !== null && real !== null && runsOut(real, call, item)) {
      const at = events[index - 1]?.now ?? now;
      return { call, real, forked, parted: { at, commands: [], rest: from(index), shared } };
    }
    if (item.answers.decisions.some((each) => each !== null)) {
      decider.overrides = item.answers.overrides;
    }
    decider.taken = [];
    const state = targets.during(real, item);
    const step = transition(call, event, worldUnder(item, decider, { forked, targets: state }));
    forked ||= !decidedTheSame(item, decider);
    const truth: Transition = forked ? transition(real, event, sameAnswers(item, noOne)) : step;
    if (forked && step.refused !== truth.refused && call !== null && real !== null) {
      return { call, real, forked, parted: { at: now, commands: [], rest: from(index), shared } };
    }
    if (step.refused === null) {
      onStep?.(step);
      call = step.call;
    }
    if (truth.refused === null) real = truth.call;
    if (call === null || real === null) continue;
    if (forked && !doneTheSame(step, truth)) {
      const { commands } = step;
      return { call, real, forked, parted: { at: now, commands, rest: from(index + 1), shared } };
    }
    for (const { id } of step.commands) shared.add(id);
    if (!toTheEnd && !forked && index >= lastDecision && isSettled(call)) break;
  }
  return call === null || real === null ? null : { call, real, forked, parted: null };
}

function noOne(): void {}

function worldUnder(
  { now, answers }: RecordedEvent,
  decider: Decider,
  { forked, targets }: { forked: boolean; targets: TargetState },
): World {
  const refusals = [...answers.overBudget];
  return {
    now,
    // If the real call did not ask, it was not recorded. Webhooks of other calls kept arriving.
    heardAt: () => answers.heardAt ?? (forked ? now : null),
    decide: decider.decide,
    overBudget: () => refusals.shift() ?? null,
    resting: targets.resting,
    refusesRefers: targets.refusesRefers,
  };
}

function isUnmatched({ plan, lookup }: Decision, { event }: Moment): boolean {
  return plan === null && lookup === undefined && event !== 'call.initiated';
}

function decidedTheSame({ answers }: RecordedEvent, { taken }: Decider): boolean {
  return taken.every(({ decision, moment }, index) => {
    const then = answers.decisions[index] ?? null;
    if (then === null) return isUnmatched(decision, moment);
    return !isUnmatched(decision, moment) && doSame(then, decision);
  });
}

/** The rules will not be asked again, so the recorded events hold for these routes too. */
function isSettled({ phase, decided, plan, lastResort }: Call): boolean {
  if (!decided || phase === 'unmanaged') return false;
  return !plan.some(({ steps }) => mayIgnore(steps)) && !mayIgnore(lastResort);
}

/** After `ignore`, the rules are asked again at later events. */
function mayIgnore(steps: readonly Step[]): boolean {
  return steps.some((step) => step.do === 'ignore' || branchesOf(step).some(mayIgnore));
}

/**
 * Whether the call under these routes reaches a deadline before the event and the real call does
 * not.
 */
function runsOut(real: Call, call: Call, { event, now }: RecordedEvent): boolean {
  const isKnown = (own: Deadline) =>
    real.deadlines.some(({ name, dueAt }) => name === own.name && dueAt === own.dueAt);
  if (call.deadlines.some((own) => own.dueAt < now && !isKnown(own))) return true;
  if (event.source !== 'deadline') return false;
  const then = deadlineOf(real, event);
  const own = deadlineOf(call, event);
  return then !== undefined && own !== undefined && then.dueAt !== own.dueAt;
}

function deadlineOf(call: Call, event: CallEvent): Deadline | undefined {
  if (event.source !== 'deadline') return undefined;
  return call.deadlines.find(({ name, n }) => name === event.name && n === event.n);
}

function doneTheSame(step: Transition, truth: Transition): boolean {
  return (
    step.call.phase === truth.call.phase &&
    listed(step.commands, wordsOf) === listed(truth.commands, wordsOf) &&
    listed(step.call.attempts, moveOf) === listed(truth.call.attempts, moveOf)
  );
}

function listed<T>(list: readonly T[], words: (each: T) => string): string {
  return list.map(words).join('\n');
}

/** Leaves out the text of a prompt, which moves nobody. */
function wordsOf(command: Command): string {
  const loop = 'loop' in command && command.loop ? 'loop' : '';
  return `${command.id} ${command.action} ${command.legId} ${loop}`;
}

function moveOf({ kind, target, sipAddress, unsent }: Call['attempts'][number]): string {
  return `${kind} ${target ?? sipAddress} ${unsent}`;
}
