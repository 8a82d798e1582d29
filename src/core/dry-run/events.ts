/** The events of a dry run as Telnyx would send them, and deadlines as they come due. */
import type { Call, CallFacts, Deadline } from '../machine/call.ts';
import { readClientState } from '../machine/client-state.ts';
import type { Command } from '../machine/command.ts';
import type { BLegEvent, DeadlineEvent, WebhookEvent } from '../machine/event.ts';

/** A deadline of the call is reached. */
export function dueEvent(call: Call, { name, n, dueAt }: Deadline): DeadlineEvent {
  return {
    source: 'deadline',
    id: `deadline:${name}`,
    callId: call.id,
    type: `deadline.${name}`,
    receivedAt: dueAt,
    occurredAt: null,
    name,
    n,
    putOff: false,
  };
}

export function initiatedOf(facts: CallFacts): WebhookEvent {
  return webhookOf(facts, 'call.initiated');
}

export function hangupOf(call: Call): WebhookEvent {
  const how = { hangupCause: 'normal_clearing', hangupSource: 'caller', sipHangupCause: '200' };
  return { ...webhookOf(call.facts, 'call.hangup'), ...how };
}

export function answeredOf(call: Call): WebhookEvent {
  return webhookOf(call.facts, 'call.answered');
}

/** Another application answers a call that no plan runs, and its caller may press keys. */
export function laterEvents(call: Call, digits: readonly string[]): WebhookEvent[] {
  const keys = [...digits.join('')].map((key) => ({
    ...webhookOf(call.facts, 'call.dtmf.received'),
    digits: key,
  }));
  return call.phase === 'new' ? [] : [answeredOf(call), ...keys];
}

export function webhookOf(facts: CallFacts, type: string): WebhookEvent {
  return {
    source: 'webhook',
    id: type,
    callId: facts.callId,
    type,
    receivedAt: 0,
    occurredAt: null,
    facts,
    ...readClientState(null),
    sipNotifyResponse: null,
    hangupCause: null,
    hangupSource: null,
    sipHangupCause: null,
    digits: null,
    status: null,
    deliveryAttempt: 1,
  };
}

export function bLegEvent(command: Command, type: string, more: Partial<BLegEvent>): BLegEvent {
  return {
    source: 'b_leg',
    id: `far:${type}`,
    callId: command.callId,
    type,
    receivedAt: 0,
    occurredAt: null,
    bLegId: `far:${command.id}`,
    attemptId: command.id,
    hangupCause: null,
    sipHangupCause: null,
    ...more,
  };
}
