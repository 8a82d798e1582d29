/** Makes recorded calls in virtual time, with the server's own machine and rules. */
import { dueEvent, hangupOf, initiatedOf, laterEvents } from '../../src/core/dry-run/events.ts';
import { answersTo } from '../../src/core/dry-run/scripted-telnyx.ts';
import { nameOf } from '../../src/core/machine/attempt.ts';
import type { Call, CallFacts, Verdict } from '../../src/core/machine/call.ts';
import type { Command } from '../../src/core/machine/command.ts';
import type { CallEvent } from '../../src/core/machine/event.ts';
import { transition } from '../../src/core/machine/transition.ts';
import { noteAnswers, sameAnswers } from '../../src/core/recording/answers.ts';
import {
  RECORDING_SCHEMA,
  type RecordedCall,
  type RecordedEvent,
} from '../../src/core/recording/recorded-call.ts';
import { compileRouteSet } from '../../src/core/rules/compiled-routes.ts';
import { decide } from '../../src/core/rules/decide.ts';
import type { Overrides } from '../../src/core/rules/override.ts';
import type { RouteSet } from '../../src/core/rules/rule.ts';
import { timelineEntry } from '../../src/engine/receiving/timeline.ts';
import type { CommitUnit } from '../../src/store/contract/calls.ts';
import type { TimelineEntry } from '../../src/store/contract/timeline.ts';
import { aUnit } from './documents.ts';
import { moment, facts as someFacts } from './route-set.ts';

export interface TargetScript {
  verdict: Verdict | 'bye' | 'silent';
  tookMs?: number;
  rings?: boolean;
  sipNotifyResponse?: number;
}

export interface Story {
  facts?: Partial<CallFacts>;
  at?: number;
  overrides?: Overrides;
  /** Reactions by target, in order; the last one repeats. Default: completed after 4 s. */
  targets?: Record<string, TargetScript[]>;
  /** The answer of each lookup, by name; default: an empty answer in time. */
  lookups?: Record<string, Record<string, string>>;
  /** Keys pressed at each menu; null: none. */
  keys?: (string | null)[];
  /** The caller hangs up this long after the start of the call. */
  leavesAfterMs?: number;
  /** An operator moves the caller to this address. */
  manual?: { afterMs: number; sipAddress: string };
  /** How much later than due deadlines are processed. */
  lagMs?: number;
  /** Every move exceeds the hourly budget, even the first. */
  overBudget?: boolean;
  /** Targets that rest during the call, and targets that are known to refuse a REFER. */
  resting?: readonly string[];
  refusing?: readonly string[];
  /** Stops the simulation here, while the call is still live. */
  stopAfterMs?: number;
}

const EVENTS_MAX = 500;

interface Coming {
  at: number;
  event: CallEvent;
}

export function recordCall(set: RouteSet, story: Story = {}): RecordedCall {
  const routes = compileRouteSet(set);
  const start = story.at ?? moment().at;
  const facts = { ...someFacts(), ...story.facts };
  const events: RecordedEvent[] = [];
  const coming: Coming[] = [{ at: start, event: initiatedOf(facts) }];
  const tries = new Map<string, number>();
  const keys = [...(story.keys ?? [])];
  let call: Call | null = null;
  let now = start;
  let later = false;

  if (story.leavesAfterMs !== undefined) {
    const leaving = { ...hangupOf({ facts } as Call) };
    coming.push({ at: start + story.leavesAfterMs, event: leaving });
  }
  if (story.manual !== undefined) {
    const at = start + story.manual.afterMs;
    coming.push({ at, event: manualEvent(facts.callId, story.manual.sipAddress) });
  }
  for (let turn = 0; turn < EVENTS_MAX; turn += 1) {
    const ended = (call as Call | null)?.phase === 'ended';
    coming.sort((one, other) => one.at - other.at);
    const due = (call as Call | null)?.deadlines.toSorted((a, b) => a.dueAt - b.dueAt)[0];
    const dueAt = due === undefined ? Number.POSITIVE_INFINITY : due.dueAt + (story.lagMs ?? 0);
    const next = coming[0];
    if (next === undefined && (due === undefined || call === null)) {
      if (ended || call === null) break;
      put(hangupOf(call));
      continue;
    }
    if (
      Math.min(next?.at ?? dueAt, dueAt) - start >
      (story.stopAfterMs ?? Number.POSITIVE_INFINITY)
    ) {
      break;
    }
    if (next !== undefined && next.at <= dueAt) {
      coming.shift();
      now = Math.max(now, next.at);
      put(next.event);
    } else if (call !== null && due !== undefined) {
      const { phase } = call as Call;
      now = Math.max(now, dueAt);
      if (phase === 'referred' || phase === 'bridged') put(hangupOf(call));
      else if (phase === 'unmanaged' && !later) {
        later = true;
        const pressed = keys.filter((key) => key !== null);
        for (const event of laterEvents(call, pressed)) coming.push({ at: now, event });
      } else if (phase === 'unmanaged') put(hangupOf(call));
      else put(dueEvent(call, due));
    }
  }
  if (call === null) throw new Error('no call came of it');
  return {
    callId: facts.callId,
    schema: RECORDING_SCHEMA,
    recording: 'complete',
    events,
    stored: call,
  };

  function put(given: CallEvent): void {
    const event = {
      ...given,
      id: `${given.id}-${events.length}`,
      receivedAt: now,
      ...(given.source === 'outcome' ? { firstSentAt: now } : {}),
    } as CallEvent;
    const overrides = story.overrides ?? {};
    const { world, answers } = noteAnswers(
      {
        now,
        heardAt: () => now,
        decide: (known, when) => decide(routes, known, when, overrides),
        overBudget: () => (story.overBudget ? 'the hour is used up' : null),
        resting: (target) => (story.resting?.includes(target) ? `${target} rests` : null),
        refusesRefers: (_, target) =>
          story.refusing?.includes(target) ? `${target} refuses REFERs` : null,
      },
      overrides,
    );
    const step = transition(call, event, world);
    if (step.refused !== null) return;
    call = step.call;
    const commands = step.commands.map(({ id }) => id);
    events.push(
      // Copied like data from an export.
      JSON.parse(JSON.stringify({ event, now, answers, phase: step.call.phase, commands })),
    );
    for (const command of step.commands) carryOut(step.call, command);
  }

  function carryOut(before: Call, command: Command): void {
    let at = now + 20;
    for (const { event, afterMs } of script(before, command)) {
      at += afterMs;
      coming.push({ at, event });
      at += 20;
    }
  }

  function script(before: Call, command: Command) {
    const attempt = before.attempts.find(({ id }) => id === command.id);
    const situation = { call: before, digits: null, leaves: false };
    if (attempt === undefined) {
      const gather = command.action.startsWith('gather_using_');
      const digits = gather ? (keys.shift() ?? null) : null;
      const lookup = command.action === 'lookup' ? story.lookups?.[command.name] : undefined;
      return answersTo(command, { ...situation, verdict: null, digits, lookup });
    }
    const name = nameOf(attempt);
    const scripts = story.targets?.[name] ?? [{ verdict: 'completed' }];
    const tried = tries.get(name) ?? 0;
    tries.set(name, tried + 1);
    const one = scripts[Math.min(tried, scripts.length - 1)] ?? { verdict: 'completed' };
    const { verdict, tookMs = 4_000, rings = false, sipNotifyResponse } = one;
    const more = {
      tookMs,
      rings,
      ...(sipNotifyResponse === undefined ? {} : { sipNotifyResponse }),
    };
    if (verdict === 'bye') return answersTo(command, { ...situation, ...more, verdict: null });
    const given = verdict === 'silent' ? 'no_verdict' : verdict;
    return answersTo(command, { ...situation, ...more, verdict: given });
  }
}

/** The unit that stores the call. */
export function storedOf({ events, stored }: RecordedCall): CommitUnit {
  const entries: TimelineEntry[] = [];
  let call: Call | null = null;
  for (const each of events) {
    const step = transition(
      call,
      each.event,
      sameAnswers(each, () => {}),
    );
    entries.push(timelineEntry(each.event, call, step, each));
    call = step.call;
  }
  return aUnit(stored, 0, { events: entries });
}

function manualEvent(callId: string, sipAddress: string): CallEvent {
  return {
    source: 'manual',
    id: 'manual:1',
    callId,
    type: 'manual.refer',
    receivedAt: 0,
    occurredAt: null,
    step: {
      do: 'refer',
      target: null,
      sipAddress,
      timeoutMs: 30_000,
      userToUser: null,
      headers: [],
      auth: null,
      byeWithoutVerdict: 'unconfirmed',
      ifFailed: {},
      problem: null,
      sibling: false,
    },
  };
}
