import { describe, expect, it } from 'vitest';
import type { Call } from '../../src/core/machine/call.ts';
import { encodeClientState } from '../../src/core/machine/client-state.ts';
import type { WebhookEvent } from '../../src/core/machine/event.ts';
import { newCall } from '../../src/core/machine/new-call.ts';
import { type LiveLeg, legsToAsk, type Outage, planRecovery } from '../../src/core/recovery.ts';
import { anAttempt } from '../helpers/documents.ts';
import { hookOf } from '../helpers/machine.ts';

const NOW = 10_000_000_000;

function outage(events: WebhookEvent[], more: Partial<Outage> = {}): Outage {
  const missed = events.map((event) => ({ event, triedAt: null }));
  return { missed, live: [], calls: new Map(), holds: () => false, now: NOW, ...more };
}

function ringing(callId: string, more: Partial<WebhookEvent> = {}): WebhookEvent {
  return hookOf(callId, 'call.initiated', { occurredAt: NOW - 60_000, ...more });
}

function hangup(callId: string): WebhookEvent {
  return hookOf(callId, 'call.hangup', { occurredAt: NOW - 30_000 });
}

function leg(callId: string, more: Partial<LiveLeg> = {}): LiveLeg {
  const rest = { sessionId: null, connectionId: '1', clientState: null, durationSecs: 5 };
  return { callId, ...rest, ...more };
}

function call(id: string, more: Partial<Call> = {}): Call {
  const made = newCall(id, NOW - 90_000);
  return { ...made, ...more, facts: { ...made.facts, sessionId: 'session', ...more.facts } };
}

const livingOf = ({ recovered }: WebhookEvent) => [...(recovered?.living ?? [])];

describe('which legs live', () => {
  it('is asked one by one where neither the list nor a hangup tells', () => {
    const events = [ringing('listed'), ringing('over'), hangup('over'), ringing('unsure')];
    expect(legsToAsk(outage(events, { live: [leg('listed')] }))).toEqual(['unsure']);
  });

  it('is not asked of what the store knows to be over, nor of what is too long ago to live', () => {
    const ended = call('ended', { phase: 'ended' });
    const old = ringing('old', { occurredAt: NOW - 5 * 3_600_000 });
    const calls = new Map([['ended', ended]]);
    expect(legsToAsk(outage([ringing('ended'), old], { calls }))).toEqual([]);
  });

  it('is asked of the caller where an event is of their B-leg', () => {
    const calls = new Map([['caller', call('caller', { phase: 'transferring' })]]);
    const events = [hangup('b-leg')];
    expect(legsToAsk(outage(events, { calls }))).toEqual(['caller']);
    const plan = planRecovery(outage(events, { calls }), new Map([['caller', true]]));
    expect(plan.events.map(livingOf)).toEqual([['caller']]);
    // If Telnyx cannot say whether it lives, the B-leg's hangup would be taken for the caller's
    // end.
    const unsure = planRecovery(outage(events, { calls }), new Map([['caller', null]]));
    expect(unsure).toMatchObject({ events: [], postponed: 1 });
  });

  it('is not what an old list says of a leg that has hung up', () => {
    const plan = planRecovery(outage([ringing('a'), hangup('a')], { live: [leg('a')] }), new Map());
    expect(plan.events.map(livingOf)).toEqual([[], []]);
    expect(plan.lost.map(({ callId }) => callId)).toEqual(['a']);
    expect(plan.unknownLive).toEqual([]);
  });
});

describe('the plan', () => {
  it('is oldest first, each event once, without what the store holds', () => {
    const twice = ringing('a', { occurredAt: NOW - 1_000 });
    const events = [hangup('b'), twice, twice, ringing('b', { occurredAt: NOW - 40_000 })];
    const held = hookOf('b', 'call.answered', { occurredAt: NOW - 35_000 });
    const plan = planRecovery(
      outage([...events, held], { holds: ({ type }) => type === 'call.answered' }),
      new Map([['a', false]]),
    );
    expect(plan.events.map(({ callId, type }) => `${callId} ${type}`)).toEqual([
      'b call.initiated',
      'b call.hangup',
      'a call.initiated',
    ]);
  });

  it('loses callers alone: neither outgoing legs nor calls that were decided', () => {
    const outgoing = ringing('out');
    outgoing.facts.direction = 'outgoing';
    const calls = new Map([['decided', call('decided', { decided: true, phase: 'referring' })]]);
    const events = [outgoing, hangup('out'), hangup('decided'), ringing('gone'), hangup('gone')];
    const plan = planRecovery(outage(events, { calls }), new Map());
    expect(plan.lost).toEqual([
      { callId: 'gone', from: '+14155550101', to: '+14155550100', at: NOW - 60_000 },
    ]);
  });

  it('shows living legs of which nobody knows', () => {
    const calls = new Map([['known', call('known')]]);
    const live = [leg('known'), leg('told'), leg('stranger')];
    const plan = planRecovery(outage([ringing('told')], { calls, live }), new Map());
    expect(plan.unknownLive.map(({ callId }) => callId)).toEqual(['stranger']);
  });

  it('takes the client_state of a living leg for evidence about an attempt of unknown outcome', () => {
    const open = anAttempt('attempt', { verdict: null, acceptedAt: null });
    const calls = new Map([['a', call('a', { attempts: [open] })]]);
    const seen = (state: string | null) =>
      planRecovery(outage([], { calls, live: [leg('a', { clientState: state })] }), new Map())
        .sightings;
    expect(seen(encodeClientState('attempt', null))).toMatchObject([{ callId: 'a' }]);
    expect(seen(encodeClientState('older', null))).toEqual([]);
    expect(seen('c29tZWJvZHkgZWxzZQ==')).toEqual([]);
    open.acceptedAt = 1;
    expect(seen(encodeClientState('attempt', null))).toEqual([]);
  });
});
