/** Missed events found by recovery: of a live leg, and of one that has ended. */
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../../src/core/machine/call.ts';
import { summaryOf } from '../../../src/core/machine/caller-outcome.ts';
import { decodeEnvelope } from '../../../src/core/machine/client-state.ts';
import type { WebhookEvent } from '../../../src/core/machine/event.ts';
import { attemptEndedAt, callEndedAt } from '../../../src/core/machine/heard-late.ts';
import { tookMs } from '../../../src/store/rows/call-columns.ts';
import {
  CALL,
  type Driver,
  decision,
  drive,
  refer,
  rejected,
  say,
  transfer,
} from '../../helpers/machine.ts';

const GONE = { recovered: { living: new Set<string>() } };
const LIVING = { recovered: { living: new Set([CALL]) } };
const PLAN = decision([refer('a'), refer('b')]);

describe('a caller who came and went while we were away', () => {
  it('ends as missed, without a decision and without a command', () => {
    const d = drive(() => {
      throw new Error('nothing is decided for somebody who has gone');
    });
    d.now = 2_000_000;
    d.hook('call.initiated', { ...GONE, occurredAt: 1_000_000.4 });
    d.hook('call.hangup', { ...GONE, occurredAt: 1_045_000, hangupSource: 'caller' });
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'missed', rule: null, deadlines: [] });
    expect(d.call).toMatchObject({ createdAt: 1_000_000, endedAt: 1_045_000 });
    expect(d.commands).toEqual([]);
    expect(d.notices.map(({ kind }) => kind)).toEqual(['ended']);
  });

  it('ends as missed whatever of it was heard first', () => {
    const first = drive(PLAN);
    first.hook('call.hangup', { facts: { ...facts(), direction: 'incoming' } });
    expect(first.call.ends).toBe('abandoned');
    first.hook('call.initiated', { ...GONE, occurredAt: 400_000 });
    // The call begins at the time that Telnyx reports, although the hangup was known first.
    expect(first.call).toMatchObject({ ends: 'missed', createdAt: 400_000 });

    const undecided = drive(PLAN);
    undecided.hook('call.dtmf.received');
    undecided.fall('undecided');
    expect(undecided.call.phase).toBe('unmanaged');
    undecided.hook('call.initiated', GONE);
    expect(undecided.call).toMatchObject({ phase: 'ended', ends: 'missed' });
  });

  it('is not missed where it never was a caller of ours', () => {
    const d = drive(PLAN);
    d.hook('call.initiated', { ...GONE, facts: { ...facts(), direction: 'outgoing' } });
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'ignored' });
    const bLeg = drive(PLAN);
    bLeg.hook('call.hangup', { ...GONE, parentId: 'v3:caller' });
    expect(bLeg.call).toMatchObject({ phase: 'ended', ends: 'ignored' });
  });

  it('is taken note of once, and only where the caller was lost', () => {
    const d = drive(PLAN);
    expect(d.put(acknowledged()).refused).toBe('no_such_call');
    d.hook('call.initiated');
    expect(d.put(acknowledged()).refused).toBe('not_lost');
    const lost = drive(PLAN);
    lost.hook('call.initiated', GONE);
    lost.put(acknowledged());
    expect(lost.call.acknowledgedAt).toBe(lost.now);
  });
});

describe('a caller whose first webhook had to be repeated', () => {
  const cameAt = (more: Partial<WebhookEvent>) => {
    const d = drive(PLAN);
    d.now = 1_000_000;
    d.hook('call.initiated', { deliveryAttempt: 2, occurredAt: 960_000, ...more });
    return d.call.createdAt;
  };

  it('has waited since it occurred, by our clock', () => {
    expect(cameAt({})).toBe(960_000);
    expect(cameAt({ clockSkewMs: 5_000 })).toBe(965_000);
    const d = drive(PLAN);
    d.now = 1_000_000;
    d.hook('call.initiated', { deliveryAttempt: 3, occurredAt: 960_000.4 });
    d.hook('call.answered');
    d.accept(d.last('refer'));
    d.now += 1_000;
    d.hook('call.refer.completed');
    expect(summaryOf(d.call)).toBe('Reached a after 41 s.');
  });

  it('came now where that is no likely time, or where nothing was repeated', () => {
    expect(cameAt({ deliveryAttempt: 1 })).toBe(1_000_000);
    expect(cameAt({ deliveryAttempt: null })).toBe(1_000_000);
    expect(cameAt({ occurredAt: null })).toBe(1_000_000);
    expect(cameAt({ clockSkewMs: 90_000 })).toBe(1_000_000);
    // Nobody rings for longer than ten minutes.
    expect(cameAt({ occurredAt: 400_000 })).toBe(1_000_000);
  });
});

describe('an end whose webhook had to be repeated', () => {
  function waiting(): Driver {
    const d = drive(PLAN);
    d.now = 1_000_000;
    d.hook('call.initiated');
    return d;
  }
  const repeated = { deliveryAttempt: 4, occurredAt: 1_005_000 };

  it('was when it occurred, by our clock', () => {
    const left = (more: Partial<WebhookEvent>) => {
      const d = waiting();
      d.now += 40_000;
      d.hook('call.hangup', { hangupSource: 'caller', ...repeated, ...more });
      return summaryOf(d.call);
    };
    expect(left({})).toBe('Gave up after 5.0 s before anybody was tried.');
    expect(left({ clockSkewMs: 2_000 })).toBe('Gave up after 7.0 s before anybody was tried.');
    // Telnyx's clock is wrong, or the webhook was late without being repeated.
    const now = 'Gave up after 40 s before anybody was tried.';
    for (const more of [{ occurredAt: 999_000 }, { occurredAt: 1_050_000 }, { occurredAt: null }])
      expect(left(more)).toBe(now);
    expect(left({ deliveryAttempt: 1 })).toBe(now);
  });

  it('is corrected by what comes within 30 s after it arrived, and is when we heard of that', () => {
    const d = waiting();
    d.hook('call.answered');
    d.accept(d.last('refer'));
    d.now += 40_000;
    d.hook('call.hangup', { hangupSource: 'caller', ...repeated });
    expect(d.call.ends).toBe('unconfirmed');
    d.now += 5_000;
    d.hook('call.refer.failed', { sipNotifyResponse: 487, ...repeated, occurredAt: 1_004_000 });
    expect(d.call.ends).toBe('abandoned');
    expect(attemptEndedAt(d.call.attempts[0] as Attempt)).toBe(1_004_000);
    expect(summaryOf(d.call)).toBe('Gave up after 5.0 s, waiting for a.');
  });

  it('is known better once the hangup of a leg arrives that a probe had found ended', () => {
    const d = waiting();
    d.now += 20_000;
    d.outcome(d.last('answer'), rejected('90018'));
    expect([d.call.phase, callEndedAt(d.call)]).toEqual(['ended', 1_020_000]);
    d.now += 20_000;
    d.hook('call.hangup', { hangupSource: 'caller', ...repeated });
    expect(callEndedAt(d.call)).toBe(1_005_000);
    expect(d.call.endedAt).toBe(1_020_000);
  });

  it('may be the first that is heard of a caller, whose beginning is recovered later', () => {
    const d = drive(PLAN);
    d.now = 1_020_000;
    d.hook('call.hangup', { hangupSource: 'caller', ...repeated });
    expect([d.call.createdAt, callEndedAt(d.call)]).toEqual([1_005_000, 1_005_000]);
    d.hook('call.initiated', { ...GONE, occurredAt: 1_000_000 });
    expect(d.call).toMatchObject({ ends: 'missed', createdAt: 1_000_000 });
    expect(callEndedAt(d.call)).toBe(1_005_000);
  });

  it('counts for the time to the verdict', () => {
    const d = waiting();
    d.hook('call.answered');
    d.accept(d.last('refer'));
    d.now += 40_000;
    d.hook('call.refer.completed', { sipNotifyResponse: 200, ...repeated });
    expect(summaryOf(d.call)).toBe('Reached a after 5.0 s.');
    expect(tookMs(d.call.attempts[0] as Attempt)).toBe(5_000);
  });
});

describe('a caller who still waits', () => {
  it('is decided as if the webhook had come now', () => {
    const d = drive(PLAN);
    d.hook('call.initiated', { ...LIVING, occurredAt: 900_000 });
    expect(d.call).toMatchObject({ phase: 'answering', rule: 'test', createdAt: d.now });
    expect(d.count('answer')).toBe(1);
    // This event does not prove that webhooks reach us.
    expect(d.call.heardAt).toBeNull();
  });

  it('is decided though the call had been given up as undecided', () => {
    const d = drive(PLAN);
    d.hook('call.dtmf.received');
    d.fall('undecided');
    d.hook('call.initiated', LIVING);
    expect(d.call).toMatchObject({ phase: 'answering', rule: 'test' });
  });
});

describe('a call that we were in the middle of', () => {
  it('moves nobody who has gone', () => {
    const d = drive(PLAN);
    d.hook('call.initiated');
    d.accept(d.last('answer'));
    d.hook('call.answered');
    d.accept(d.last('refer'));
    const before = d.commands.length;
    d.hook('call.refer.failed', { ...GONE, sipNotifyResponse: 486 });
    expect(d.call).toMatchObject({ phase: 'ended', attempts: [{ verdict: 'busy' }] });
    d.hook('call.hangup', { ...GONE, hangupSource: 'caller' });
    expect(d.call.ends).toBe('abandoned');
    expect(d.commands).toHaveLength(before);
  });

  it('has arrived where the REFER completed unheard', () => {
    const d = drive(PLAN);
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('refer'));
    d.hook('call.refer.started', { ...GONE, sipNotifyResponse: 180 });
    d.hook('call.refer.completed', { ...GONE, sipNotifyResponse: 200 });
    d.hook('call.hangup', GONE);
    expect(d.call).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  });

  it('goes on where only the B-leg has gone', () => {
    const d = drive(decision([transfer('+14155550199'), say('Nobody is there.')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('transfer'));
    d.put({
      source: 'b_leg',
      id: 'far',
      callId: CALL,
      type: 'call.hangup',
      receivedAt: 0,
      occurredAt: null,
      bLegId: 'v3:b',
      attemptId: d.call.attempts[0]?.id ?? null,
      hangupCause: 'user_busy',
      sipHangupCause: '486',
      ...LIVING,
    });
    expect(d.call).toMatchObject({ phase: 'speaking', attempts: [{ verdict: 'busy' }] });
  });

  it('learns from a sighting that Telnyx applied a command of unknown outcome', () => {
    const d = drive(PLAN);
    d.hook('call.initiated');
    d.hook('call.answered');
    const command = d.last('refer');
    d.outcome(command, {
      kind: 'retry',
      status: 500,
      detail: '',
      afterMs: null,
      provenUnsent: false,
    });
    expect(d.put(sighting(command.clientState)).refused).toBeNull();
    expect(d.call.attempts[0]?.acceptedAt).toBe(d.now);
    expect(d.cancelled).toContain(command.id);
    // Already known, or not about our call: nothing is stored.
    expect(d.put(sighting(command.clientState)).refused).toBe('overtaken');
    expect(d.put(sighting(null)).refused).toBe('overtaken');
  });
});

function facts() {
  return {
    callId: CALL,
    sessionId: 'session',
    legId: 'leg',
    connectionId: '1684641123236054244',
    from: '+14155550101',
    to: '+14155550100',
    direction: null,
    callerName: null,
    callerType: null,
    attestation: null,
    attestationValidated: false,
    headers: [],
    tags: [],
  };
}

function acknowledged() {
  const base = { id: 'ack', callId: CALL, receivedAt: 0, occurredAt: null };
  return { ...base, source: 'acknowledged' as const, type: 'operator.acknowledged' };
}

function sighting(clientState: string | null) {
  const base = { id: 'seen', callId: CALL, receivedAt: 0, occurredAt: null };
  const envelope = decodeEnvelope(clientState);
  return { ...base, source: 'sighting' as const, type: 'recovery.seen', envelope };
}
