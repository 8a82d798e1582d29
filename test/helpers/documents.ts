/** Small complete documents for tests of the store; everything that is not given is empty. */
import type { Attempt, Call, CallFacts } from '../../src/core/machine/call.ts';
import type { Command } from '../../src/core/machine/command.ts';
import { newCall } from '../../src/core/machine/new-call.ts';
import type { CallChange, CommitUnit } from '../../src/store/contract/calls.ts';
import type { TimelineEntry } from '../../src/store/contract/timeline.ts';

export type CallGiven = Partial<Omit<Call, 'facts'>> & { facts?: Partial<CallFacts> };

export function aCall(id: string, given: CallGiven = {}): Call {
  const { facts, ...rest } = given;
  const call = newCall(id, 1_000);
  return {
    ...call,
    ...rest,
    facts: {
      ...call.facts,
      connectionId: '1494404757140276705',
      from: '+353861234567',
      to: '+14155550100',
      direction: 'incoming',
      callerType: 'pstn',
      ...facts,
    },
  };
}

export function anAttempt(id: string, given: Partial<Attempt> = {}): Attempt {
  return {
    id,
    kind: 'refer',
    target: 'support-us',
    sipAddress: 'sip:support@pbx-us.example.com',
    startedAt: 1_000,
    sentAt: 1_000,
    requestEndedAt: null,
    acceptedAt: null,
    progress: false,
    verdict: null,
    endedAt: null,
    endHeardLateMs: 0,
    final: false,
    finalUnclear: false,
    sipNotifyResponse: null,
    reason: null,
    byeWithoutVerdict: 'unconfirmed',
    unsent: false,
    takenBackAt: null,
    movesOnAnyway: false,
    bLeg: null,
    bLegAnswered: false,
    bLegHangup: null,
    bLegEnded: false,
    manual: false,
    ...given,
  };
}

export function anEntry(id: string, given: Partial<TimelineEntry> = {}): TimelineEntry {
  const type = given.type ?? 'call.initiated';
  return {
    key: `${type}|${id}`,
    id,
    source: 'webhook',
    type,
    at: 1_000,
    occurredAt: null,
    phaseBefore: null,
    phase: 'new',
    notes: [],
    commands: [],
    attempt: null,
    detail: {},
    trace: null,
    recorded: null,
    ...given,
  };
}

export function aCommand(
  id: string,
  callId: string,
  action: 'answer' | 'hangup' | 'probe' = 'answer',
): Command {
  return {
    id,
    callId,
    legId: callId,
    attemptId: null,
    giveUpAt: null,
    clientState: null,
    action,
  };
}

export function aChange(
  call: Call,
  version: number,
  given: Partial<Omit<CallChange, 'call' | 'version'>> = {},
): CallChange {
  const nothing = { events: [], commands: [], cancel: [], settle: [], tally: new Map() };
  return { call, version, ...nothing, ...given };
}

/** A unit with a single call, like nearly every unit. */
export function aUnit(...given: Parameters<typeof aChange>): CommitUnit {
  return { changes: [aChange(...given)] };
}
