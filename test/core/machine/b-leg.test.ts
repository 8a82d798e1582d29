/** The B-leg of a transfer: no conversation is cut off, and nobody is connected twice. */
import { describe, expect, it } from 'vitest';
import { decodeEnvelope } from '../../../src/core/machine/client-state.ts';
import type { Command, Outcome } from '../../../src/core/machine/command.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import {
  ACCEPTED,
  ALIVE,
  CALL,
  type Driver,
  decision,
  drive,
  LAST_RESORT,
  refer,
  rejected,
  say,
  transfer,
} from '../../helpers/machine.ts';

const B_LEG = 'v3:b-leg';
const UNKNOWN: Outcome = { kind: 'unknown', detail: 'HTTP 404' };
const found = (bLeg: string | null): Outcome => ({
  kind: 'accepted',
  status: 200,
  alive: null,
  bLeg,
});

/** A transfer that Telnyx accepted. */
function transferring(plan: Step[], more: Parameters<typeof decision>[1] = {}): Driver {
  const d = drive(decision(plan, more));
  d.hook('call.initiated');
  d.hook('call.answered');
  d.accept(d.last('transfer'));
  return d;
}

/** An event of the B-leg, in the form that the caller's call receives. */
function bLeg(d: Driver, type: string, attemptId: string | null = null) {
  return d.put({
    source: 'b_leg',
    id: `b-leg:${type}:${d.now}`,
    callId: CALL,
    type,
    receivedAt: 0,
    occurredAt: null,
    bLegId: B_LEG,
    attemptId: attemptId ?? d.last('transfer').id,
    hangupCause: type === 'call.hangup' ? 'timeout' : null,
    sipHangupCause: null,
  });
}

const hangups = (d: Driver): Command[] =>
  d.commands.filter(({ action, legId }) => action === 'hangup' && legId === B_LEG);

describe('a transfer that Telnyx may have executed late', () => {
  it('may ring for its time from when that was noticed, although its B-leg lives', () => {
    const base = decision([]);
    const d = drive(
      decision([transfer('+14155550199', { timeoutMs: 60_000 })], {
        policy: { ...base.policy, patienceMs: 15_000 },
      }),
    );
    d.heardAt = null;
    d.hook('call.initiated');
    d.hook('call.answered');
    const started = d.now;
    const ask = () => d.outcome(d.last('active_calls'), found(B_LEG));
    d.fall('patience');
    const envelope = decodeEnvelope(d.last('transfer').clientState);
    d.outcome(d.last('probe'), { ...ALIVE, envelope } as Outcome);
    d.fall('attempt');
    expect(d.now).toBe(started + 65_000);
    d.outcome(d.last('probe'), ALIVE);
    ask();
    expect(d.call).toMatchObject({ phase: 'transferring', attempts: [{ verdict: null }] });
    d.fall('attempt');
    expect(d.now).toBe(started + 80_000);
    d.outcome(d.last('probe'), ALIVE);
    ask();
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
  });
});

describe('a transfer of which no webhook came', () => {
  /** The transfer has timed out, and the caller's leg is live. */
  const silent = (
    heardAt: number | null,
    plan: Step[] = [transfer('+14155550199'), refer('b')],
  ) => {
    const d = transferring(plan);
    d.heardAt = heardAt;
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    return d;
  };

  it('asks Telnyx for the B-leg; one that lives after its ringing time is a conversation', () => {
    const d = silent(null);
    expect(d.last('active_calls')).toMatchObject({
      connectionId: '1684641123236054244',
      targetClientState: (d.last('transfer') as { targetClientState?: string }).targetClientState,
      clientState: null,
    });
    d.outcome(d.last('active_calls'), found(B_LEG));
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
    expect(d.call.attempts[0]?.reason).toMatch(/ringing time; no webhook of it ever came$/);
    expect(d.count('refer')).toBe(0);
    // Its hangup is then the end of the conversation.
    bLeg(d, 'call.hangup');
    expect(d.call.deadlines).toMatchObject([{ name: 'referred' }]);
  });

  it('asks for a B-leg too of which nothing but its beginning was heard', () => {
    const d = transferring([transfer('+14155550199'), refer('b')]);
    bLeg(d, 'call.initiated');
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), found(B_LEG));
    expect(d.call.phase).toBe('bridged');
    expect(d.call.attempts[0]?.reason).toMatch(/ringing time; its answer was not reported$/);
    expect(hangups(d)).toEqual([]);
  });

  it('does not take the start of while_moving for news', () => {
    const d = silent(null);
    // The last event heard came with the acceptance; nothing came after it.
    d.heardAt = (d.call.attempts[0]?.acceptedAt ?? 0) + 150;
    d.outcome(d.last('active_calls'), UNKNOWN);
    expect(d.count('refer')).toBe(0);
    expect(d.call.phase).toBe('transferring');
  });

  it('goes on where no B-leg lives', () => {
    const d = silent(null);
    d.outcome(d.last('active_calls'), found(null));
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', null]);
  });

  it('goes on where that cannot be asked, and other webhooks have come since', () => {
    const d = silent(Number.MAX_SAFE_INTEGER);
    d.outcome(d.last('active_calls'), UNKNOWN);
    expect(d.count('refer')).toBe(1);
  });

  it('waits and asks again where that cannot be asked, and nobody’s webhook has come since', () => {
    const d = silent(null);
    for (let n = 0; n < 3; n += 1) {
      d.outcome(d.last('active_calls'), UNKNOWN);
      d.fall('probing');
    }
    expect(d.count('refer')).toBe(0);
    expect(d.call.phase).toBe('transferring');
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), found(B_LEG));
    expect(d.call.phase).toBe('bridged');
  });

  it('is not asked about before Telnyx must have ended a ringing B-leg: patience waits for that', () => {
    const patient = decision([transfer('+14155550199', { timeoutMs: 60_000 })]);
    const policy = { ...patient.policy, patienceMs: 20_000 };
    const d = transferring([transfer('+14155550199', { timeoutMs: 60_000 })], { policy });
    d.heardAt = null;
    const started = d.now;
    d.fall('patience');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.phase).toBe('transferring');
    expect(d.count('active_calls')).toBe(0);
    d.fall('attempt');
    expect(d.now - started).toBeGreaterThanOrEqual(60_000);
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), found(null));
    expect(d.call.phase).toBe('speaking');
  });

  it('is not asked for in the moment in which its ringing ends: it may still be there', () => {
    const transferStep = transfer('+14155550199', { timeoutMs: 20_000 });
    const { policy } = decision([]);
    const d = transferring([transferStep], { policy: { ...policy, patienceMs: 20_050 } });
    bLeg(d, 'call.initiated');
    d.fall('patience');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.count('active_calls')).toBe(0);
    expect(hangups(d)).toHaveLength(1);
    expect(d.call.phase).toBe('speaking');
  });

  it('is given up after the longest call that Telnyx carries', () => {
    const d = silent(null);
    for (let n = 0; n < 500 && d.call.phase === 'transferring'; n += 1) d.fall();
    expect(d.call.attempts[0]?.verdict).toBe('no_verdict');
    expect(d.now).toBeGreaterThan(4 * 3_600_000);
  });
});

describe('a B-leg that rang when the network failed, and may be talking', () => {
  /** Telnyx answers nothing, and no webhook of anybody arrives. */
  const away = (more: Parameters<typeof decision>[1] = {}) => {
    const d = transferring([transfer('+14155550199', { timeoutMs: 20_000 }), say('Sorry.')], more);
    bLeg(d, 'call.initiated');
    d.heardAt = d.now + 15_000;
    return d;
  };
  const unanswered = (d: Driver, tries = 3) => {
    for (let n = 0; n < tries; n += 1) d.fall('probing');
  };
  const impatient = () => ({ policy: { ...decision([]).policy, patienceMs: 5_000 } });

  it('is not hung up by a guess: Telnyx is asked again, and says that they talk', () => {
    const d = away();
    for (let n = 0; n < 3; n += 1) {
      d.fall('attempt');
      unanswered(d);
      unanswered(d, 4);
    }
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), UNKNOWN);
    expect(hangups(d)).toEqual([]);
    d.fall('probing');
    d.outcome(d.last('active_calls'), found(B_LEG));
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
    expect(hangups(d)).toEqual([]);
  });

  it('is given up once webhooks come and none is of its answer', () => {
    const d = away();
    d.fall('attempt');
    unanswered(d);
    d.heardAt = d.now;
    // The webhook of its answer may be the next, now that they arrive again.
    d.outcome(d.last('active_calls'), UNKNOWN);
    expect(hangups(d)).toEqual([]);
    d.fall('probing');
    d.outcome(d.last('active_calls'), UNKNOWN);
    expect(hangups(d)).toHaveLength(1);
    expect(d.call.phase).toBe('speaking');
  });

  it('talks if its answer is heard while Telnyx is asked for it, though that brings nothing', () => {
    const d = away();
    d.fall('attempt');
    unanswered(d);
    bLeg(d, 'call.answered');
    d.heardAt = d.now;
    unanswered(d, 4);
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
    expect(hangups(d)).toEqual([]);
  });

  it('is waited for beyond patience only where Telnyx did not answer', () => {
    const d = away(impatient());
    d.fall('patience');
    unanswered(d);
    expect(hangups(d)).toEqual([]);
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), found(B_LEG));
    expect(d.call.phase).toBe('bridged');

    // Its answer may not be delivered yet.
    const back = away(impatient());
    back.fall('patience');
    unanswered(back, 1);
    back.heardAt = back.now;
    back.outcome(back.last('probe'), ALIVE);
    expect(hangups(back)).toEqual([]);
    back.fall('attempt');
    back.outcome(back.last('probe'), ALIVE);
    back.outcome(back.last('active_calls'), found(B_LEG));
    expect(back.call.phase).toBe('bridged');

    const reached = away(impatient());
    reached.fall('patience');
    reached.outcome(reached.last('probe'), ALIVE);
    expect(hangups(reached)).toHaveLength(1);
  });
});

describe('an outcome speaks of the leg that its command named', () => {
  it('a second replica’s 90018 on the B-leg ends the B-leg, not the caller', () => {
    const d = transferring([transfer('+14155550199'), refer('b')]);
    bLeg(d, 'call.initiated');
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), UNKNOWN);
    const [hangup] = hangups(d);
    if (hangup === undefined) throw new Error('the B-leg was not hung up');
    d.outcome(hangup, ACCEPTED);
    d.outcome(hangup, rejected('90018'));
    expect(d.call.phase).toBe('referring');
    expect(d.call.ends).toBeNull();
  });
});

describe('the next move waits until the B-leg is gone', () => {
  /** The transfer times out while its B-leg rings. */
  const givenUp = (plan: Step[] = [transfer('+14155550199'), refer('b')]) => {
    const d = transferring(plan);
    bLeg(d, 'call.initiated');
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), found(null));
    expect(hangups(d)).toHaveLength(1);
    return d;
  };
  const hangupOf = (d: Driver): Command => {
    const [command] = hangups(d);
    if (command === undefined) throw new Error('the B-leg was not hung up');
    return command;
  };

  it('while its hangup waits for its retry', () => {
    const d = givenUp();
    const retry: Outcome = {
      kind: 'retry',
      status: 500,
      detail: 'HTTP 500',
      afterMs: null,
      provenUnsent: false,
    };
    d.outcome(hangupOf(d), retry);
    expect(d.count('refer')).toBe(0);
    d.outcome(hangupOf(d), ACCEPTED);
    expect(d.count('refer')).toBe(1);
  });

  it('or its hangup is heard', () => {
    const d = givenUp();
    bLeg(d, 'call.hangup');
    expect(d.count('refer')).toBe(1);
    expect(d.cancelled).toContain(hangupOf(d).id);
  });

  it('or Telnyx says that it has ended', () => {
    const d = givenUp();
    d.outcome(hangupOf(d), rejected('90018'));
    expect(d.count('refer')).toBe(1);
  });

  it('but no longer than the hangup may be sent', () => {
    const d = givenUp();
    const started = d.now;
    d.fall('step');
    expect(d.now - started).toBe(55_000);
    expect(d.count('refer')).toBe(1);
  });

  it('words may be said meanwhile', () => {
    const d = givenUp([transfer('+14155550199'), say('One moment.'), refer('b')]);
    expect(d.call.phase).toBe('speaking');
    d.hook('call.speak.ended', { status: 'completed' });
    expect(d.count('refer')).toBe(0);
    d.outcome(hangupOf(d), ACCEPTED);
    expect(d.count('refer')).toBe(1);
  });

  it('and patience that runs out meanwhile leads to the last resort', () => {
    const d = givenUp();
    d.fall('patience');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.phase).toBe('speaking');
    expect(d.last('speak')).toMatchObject({ text: (LAST_RESORT[0] as { text: string }).text });
    expect(d.count('refer')).toBe(0);
  });
});

describe('a B-leg that answers while its hangup is under way', () => {
  /** The transfer times out, its B-leg is hung up, and its answer is heard before an outcome. */
  const answered = (plan: Step[] = [transfer('+14155550199'), refer('b')]) => {
    const d = transferring(plan);
    bLeg(d, 'call.initiated');
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), UNKNOWN);
    const hangup = d.last('hangup');
    bLeg(d, 'call.answered');
    return { d, hangup };
  };

  it('keeps the plan: the hangup is cancelled, and nobody knows which was first', () => {
    const { d, hangup } = answered();
    expect(d.cancelled).toContain(hangup.id);
    expect(d.call).toMatchObject({ phase: 'transferring', attempts: [{ verdict: 'no_verdict' }] });
    expect(d.count('refer')).toBe(0);
  });

  it.each([
    ['was executed', (d: Driver, hangup: Command) => d.outcome(hangup, ACCEPTED)],
    ['found no leg', (d: Driver, hangup: Command) => d.outcome(hangup, rejected('90018'))],
    ['ended the B-leg', (d: Driver) => bLeg(d, 'call.hangup')],
  ])('moves the caller on where the hangup %s', (_, end) => {
    const { d, hangup } = answered();
    end(d, hangup);
    expect(d.call.phase).toBe('referring');
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', null]);
    bLeg(d, 'call.hangup');
    expect(d.call.phase).toBe('referring');
  });

  it('talks where they are bridged', () => {
    const { d, hangup } = answered();
    d.outcome(hangup, UNKNOWN);
    d.hook('call.bridged');
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
    expect(d.count('refer')).toBe(0);
  });

  it.each([
    [B_LEG, 'bridged', 0],
    [null, 'referring', 1],
  ])('is asked for where nothing more is heard (%s)', (lives, phase, refers) => {
    const { d, hangup } = answered();
    const since = d.now;
    d.outcome(hangup, UNKNOWN);
    d.fall('step');
    expect(d.now - since).toBe(12_000);
    d.outcome(d.last('active_calls'), found(lives));
    expect(d.call.phase).toBe(phase);
    expect(d.count('refer')).toBe(refers);
  });

  it('is asked for again while the network is away: it may have been hung up', () => {
    const { d } = answered();
    d.heardAt = d.now;
    d.fall('step');
    for (let n = 0; n < 3; n += 1) d.fall('probing');
    expect(d.call.phase).toBe('transferring');
    d.fall('step');
    d.outcome(d.last('active_calls'), found(null));
    expect(d.call.phase).toBe('referring');
  });

  it('is in a conversation where nobody can say whether it lives', () => {
    const { d } = answered();
    d.fall('step');
    for (let n = 0; n < 3; n += 1) {
      d.outcome(d.last('active_calls'), UNKNOWN);
      d.fall('probing');
    }
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
  });

  it('may talk, so that neither patience nor the end of the plan hangs the caller up', () => {
    const { d } = answered([transfer('+14155550199'), say('One moment.'), { do: 'hangup' }]);
    d.hook('call.speak.ended', { status: 'completed' });
    d.fall('patience');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.phase).toBe('transferring');
    expect(d.commands.filter(({ action, legId }) => action === 'hangup' && legId === CALL)).toEqual(
      [],
    );
    d.hook('call.bridged');
    expect(d.call.phase).toBe('bridged');
  });

  it('may have taken the caller who leaves', () => {
    const { d } = answered();
    d.hook('call.hangup');
    expect(d.call.ends).toBe('unconfirmed');
    d.hook('call.bridged');
    expect(d.call.ends).toBe('transferred');
  });
});

describe('a transfer that was given up', () => {
  /** No B-leg was known when the transfer timed out; the next move is stored. */
  const tooEarly = () => {
    const d = transferring([transfer('+14155550199'), refer('b')]);
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), found(null));
    expect(d.count('refer')).toBe(1);
    return d;
  };

  it('rings after all: the B-leg is hung up, and the next move that is not in flight waits for it', () => {
    const d = tooEarly();
    bLeg(d, 'call.initiated');
    expect(d.cancelled).toContain(d.last('refer').id);
    const [hangup] = hangups(d);
    if (hangup === undefined) throw new Error('the B-leg was not hung up');
    d.outcome(hangup, ACCEPTED);
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.count('refer')).toBe(2);
  });

  it.each(['call.answered', 'call.bridged'])('is a conversation after all at %s', (type) => {
    const d = tooEarly();
    bLeg(d, type);
    expect(d.call.phase).toBe('bridged');
    expect(d.call.attempts[0]?.verdict).toBe('completed');
    expect(d.cancelled).toContain(d.last('refer').id);
    expect(hangups(d)).toEqual([]);
  });

  it('and whose B-leg has hung up is not bridged again: the move that is under way goes on', () => {
    const d = transferring([transfer('+14155550199'), refer('b'), say('Sorry.')]);
    bLeg(d, 'call.initiated');
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), found(null));
    const [hangup] = hangups(d);
    if (hangup === undefined) throw new Error('the B-leg was not hung up');
    d.outcome(hangup, ACCEPTED);
    d.accept(d.last('refer'));
    bLeg(d, 'call.hangup');
    bLeg(d, 'call.answered');
    d.hook('call.bridged');
    expect(d.call).toMatchObject({ phase: 'referring', attempts: [{ verdict: 'completed' }, {}] });
    d.hook('call.refer.started', { clientState: d.last('refer').clientState });
    d.hook('call.refer.failed', {
      clientState: d.last('refer').clientState,
      sipNotifyResponse: 486,
    });
    expect(d.call.phase).toBe('speaking');
  });

  it('a move under way when they are said to have talked is not hung up', () => {
    const d = transferring([transfer('+14155550199'), refer('b')]);
    bLeg(d, 'call.initiated');
    bLeg(d, 'call.answered');
    bLeg(d, 'call.hangup');
    d.accept(d.last('refer'));
    d.hook('call.bridged');
    d.hook('call.refer.started', { clientState: d.last('refer').clientState });
    expect(d.call.phase).toBe('referring');
    expect(d.count('hangup')).toBe(0);
  });

  it('and is bridged before its hangup has left: the hangup is taken back', () => {
    const d = tooEarly();
    bLeg(d, 'call.initiated');
    const [hangup] = hangups(d);
    d.hook('call.bridged');
    expect(d.call.phase).toBe('bridged');
    expect(d.cancelled).toContain(hangup?.id);
  });
});

describe('a transfer that Telnyx refused and executed all the same', () => {
  function refusedThenNext(): Driver {
    const d = drive(decision([transfer('+14155550199'), refer('b'), refer('c')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.outcome(d.last('transfer'), rejected('10015'));
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['rejected', null]);
    return d;
  }

  it('rings: the B-leg is hung up, and the next target need not wait', () => {
    const d = refusedThenNext();
    bLeg(d, 'call.initiated');
    bLeg(d, 'call.initiated');
    expect(hangups(d)).toHaveLength(1);
    expect(d.cancelled).not.toContain(d.last('refer').id);
    bLeg(d, 'call.hangup');
    expect(d.call.attempts[0]).toMatchObject({ verdict: 'rejected', bLegEnded: true });
  });

  it('rings: the target after next waits until the B-leg is hung up', () => {
    const d = refusedThenNext();
    const second = d.last('refer');
    d.accept(second);
    bLeg(d, 'call.initiated');
    d.hook('call.refer.failed', { clientState: second.clientState, sipNotifyResponse: 486 });
    expect(d.count('refer')).toBe(1);
    bLeg(d, 'call.hangup');
    expect(d.count('refer')).toBe(2);
  });

  it('answers: they talk, and the move that waits is taken back', () => {
    const d = refusedThenNext();
    bLeg(d, 'call.answered');
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }, {}] });
    expect(d.cancelled).toContain(d.last('refer').id);
  });

  it('was bridged, and the caller had hung up before that was reported', () => {
    const d = refusedThenNext();
    d.hook('call.hangup', { hangupSource: 'caller' });
    d.now += 1_000;
    bLeg(d, 'call.bridged');
    expect(d.call).toMatchObject({ ends: 'transferred', attempts: [{ verdict: 'completed' }, {}] });
  });
});
