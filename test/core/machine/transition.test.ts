import { describe, expect, it } from 'vitest';
import { decodeClientState } from '../../../src/core/machine/client-state.ts';
import type { Outcome } from '../../../src/core/machine/command.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import {
  ALIVE,
  DEAD,
  type Driver,
  decision,
  drive,
  refer,
  rejected,
  say,
  transfer,
  webhook,
} from '../../helpers/machine.ts';

/** A call that was answered and whose first refer is under way and accepted. */
function referring(...steps: Parameters<typeof decision>[0] & object): Driver {
  const d = drive(decision(steps));
  d.hook('call.initiated');
  d.accept(d.last('answer'));
  d.hook('call.answered');
  d.accept(d.last('refer'));
  return d;
}

/** A policy whose `while_moving` says this. */
const looping = (text: string) => ({
  patienceMs: 120_000,
  whileMoving: say(text),
  refersPerCall: 5,
  transfersPerCall: 2,
});

const stamp = (d: Driver) => ({ clientState: d.last('refer').clientState });

describe('the straight way', () => {
  it('answers, refers, and knows that the caller arrived', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    expect(d.call.phase).toBe('answering');
    d.accept(d.last('answer'));
    d.hook('call.answered');
    expect(d.call.phase).toBe('referring');
    d.accept(d.last('refer'));
    d.hook('call.refer.started', { sipNotifyResponse: 100 });
    d.hook('call.refer.completed', { sipNotifyResponse: 200 });
    expect(d.call.phase).toBe('referred');
    d.hook('call.hangup');
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'referred' });
    expect(d.call.attempts).toMatchObject([{ target: 'a', verdict: 'completed', final: true }]);
    expect(d.commands.map(({ action }) => action)).toEqual(['answer', 'refer']);
    expect(d.call.deadlines).toEqual([]);
  });

  it('names the attempt in client_state and carries on what stood there before', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated', { clientState: 'dGhlaXJz' });
    d.hook('call.answered', { clientState: 'dGhlaXJz' });
    const attempt = d.call.attempts[0];
    expect(decodeClientState(d.last('refer').clientState)).toEqual({
      a: attempt?.id,
      u: 'dGhlaXJz',
    });
  });

  it('goes on when call.answered never comes: a probe, then the step anyway', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.accept(d.last('answer'));
    d.fall('step');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.phase).toBe('referring');
  });

  it('skips what needs an answered call where the answer was refused', () => {
    const d = drive(decision([refer('a'), say('x'), { do: 'reject', cause: 'busy' }]));
    d.hook('call.initiated');
    d.outcome(d.last('answer'), rejected('10015'));
    expect(d.call.phase).toBe('releasing');
    expect(d.last('reject')).toMatchObject({ cause: 'busy' });
    expect(d.count('refer')).toBe(0);
  });
});

describe('what follows a failed attempt', () => {
  it('is the next step', () => {
    const d = referring(refer('a'), refer('b'));
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.attempts).toMatchObject([
      { target: 'a', verdict: 'busy' },
      { target: 'b', verdict: null },
    ]);
    expect(d.count('refer')).toBe(2);
  });

  it('is the branch of its verdict, which replaces what is left', () => {
    const d = referring(refer('a', { ifFailed: { busy: [refer('c')] } }), refer('b'));
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.attempts[1]?.target).toBe('c');
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.phase).toBe('speaking');
    expect(d.call.lastResortRan).toBe(true);
  });

  it('returns to the outer list with continue', () => {
    const d = referring(
      refer('a', { ifFailed: { busy: [refer('c'), { do: 'continue' }] } }),
      refer('b'),
    );
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.attempts.map(({ target }) => target)).toEqual(['a', 'c', 'b']);
  });

  it('is never another move while an accepted REFER that rang may still be answered', () => {
    const d = referring(refer('a'), refer('b'), say('Sorry.'), { do: 'hangup' });
    d.hook('call.refer.started', { sipNotifyResponse: 180, ...stamp(d) });
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.count('refer')).toBe(1);
    expect(d.last('speak')).toMatchObject({ text: 'Sorry.' });
    d.hook('call.speak.ended', { status: 'completed' });
    d.hook('call.refer.completed', { sipNotifyResponse: 200 });
    d.hook('call.hangup');
    expect(d.call.ends).toBe('referred');
  });

  it('is another move when the operator wrote so for no_verdict', () => {
    const d = referring(refer('a', { ifFailed: { no_verdict: [refer('b')] } }));
    d.hook('call.refer.started', { sipNotifyResponse: 180, ...stamp(d) });
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.count('refer')).toBe(2);
  });

  it('is the next target when nothing ever rang', () => {
    const d = referring(refer('a'), refer('b'));
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.attempts).toMatchObject([{ verdict: 'no_verdict' }, { verdict: null }]);
  });

  it('is the step of a refused command after Telnyx said 422', () => {
    const d = drive(decision([refer('a', { ifFailed: { rejected: [say('No.')] } })]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.outcome(d.last('refer'), rejected('10015'));
    expect(d.call.attempts[0]?.verdict).toBe('rejected');
    expect(d.call.phase).toBe('speaking');
  });

  it('is the last resort once every step is used up, and then the hangup', () => {
    const d = referring(refer('a'));
    d.hook('call.refer.failed', { sipNotifyResponse: 603, ...stamp(d) });
    expect(d.last('speak')).toMatchObject({ text: 'We cannot connect you.' });
    d.accept(d.last('speak'));
    d.hook('call.speak.ended', { status: 'completed' });
    expect(d.call.phase).toBe('releasing');
    d.hook('call.hangup');
    expect(d.call.ends).toBe('failed');
  });

  it('answers once and refers again after 90034', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.outcome(d.last('refer'), rejected('90034'));
    expect(d.call.phase).toBe('answering');
    d.hook('call.answered');
    expect(d.call.phase).toBe('referring');
    expect(d.count('refer')).toBe(2);
    d.outcome(d.last('refer'), rejected('90034'));
    expect(d.count('answer')).toBe(2);
    expect(d.call.lastResortRan).toBe(true);
  });

  it('counts what the API refused against no budget', () => {
    const d = drive(
      decision([refer('a'), refer('b')], {
        policy: { patienceMs: 120_000, whileMoving: null, refersPerCall: 1, transfersPerCall: 1 },
      }),
    );
    d.hook('call.initiated');
    d.hook('call.answered');
    d.outcome(d.last('refer'), rejected('90034'));
    d.hook('call.answered');
    d.outcome(d.last('refer'), rejected('10015'));
    d.accept(d.last('refer'));
    expect(d.call.attempts.map(({ target, unsent }) => [target, unsent])).toEqual([
      ['a', false],
      ['a', false],
      ['b', false],
    ]);
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.attempts).toHaveLength(3);
    expect(d.call.lastResortRan).toBe(true);
  });

  it('is the last resort at once when patience runs out, whatever targets are left', () => {
    const d = drive(
      decision([refer('a', { timeoutMs: 500_000 }), refer('b')], {
        policy: { patienceMs: 20_000, whileMoving: null, refersPerCall: 5, transfersPerCall: 2 },
      }),
    );
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('refer'));
    d.fall('patience');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.attempts).toMatchObject([{ verdict: 'no_verdict' }]);
    expect(d.last('speak')).toMatchObject({ text: 'We cannot connect you.' });
  });

  it('fails as rejected where a template or a budget stops it, and sends nothing', () => {
    const d = drive(decision([refer('a', { problem: 'header X is empty' }), refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    expect(d.call.attempts).toMatchObject([
      { target: 'a', verdict: 'rejected', unsent: true, reason: 'header X is empty' },
      { target: 'b', verdict: null },
    ]);
    expect(d.count('refer')).toBe(1);
  });
});

describe('the caller leaves', () => {
  it('abandoned, before any REFER was accepted', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const out = d.hook('call.hangup', { hangupCause: 'originator_cancel' });
    expect(d.call).toMatchObject({ ends: 'abandoned', attempts: [{ verdict: 'abandoned' }] });
    expect(out.cancel).toContain(d.last('refer').id);
  });

  it('unconfirmed, while an accepted REFER had no final event', () => {
    const d = referring(refer('a'), refer('b'));
    d.hook('call.hangup');
    expect(d.call).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
    expect(d.count('refer')).toBe(1);
  });

  it('unconfirmed too, where the hangup overtook the answer to our request by a moment', () => {
    const quick = drive(decision([refer('a')]));
    const slow = drive(decision([refer('a')]));
    for (const d of [quick, slow]) {
      d.hook('call.initiated');
      d.hook('call.answered');
      d.hook('call.hangup');
      expect(d.call.ends).toBe('abandoned');
    }
    quick.now += 20;
    quick.accept(quick.last('refer'));
    expect(quick.call).toMatchObject({
      ends: 'unconfirmed',
      attempts: [{ verdict: 'no_verdict' }],
    });
    slow.now += 2_000;
    slow.accept(slow.last('refer'));
    expect(slow.call).toMatchObject({ ends: 'abandoned', attempts: [{ verdict: 'abandoned' }] });
  });

  it('counts as arrived where the target says so', () => {
    const d = referring(refer('a', { byeWithoutVerdict: 'completed' }));
    d.hook('call.hangup');
    expect(d.call).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  });

  it('a final event within 30 s still corrects it, later ones are recorded only', () => {
    const early = referring(refer('a'));
    early.hook('call.hangup');
    early.now += 29_000;
    early.hook('call.refer.failed', { sipNotifyResponse: 487 });
    expect(early.call).toMatchObject({ ends: 'abandoned', attempts: [{ verdict: 'abandoned' }] });

    const late = referring(refer('a'));
    late.hook('call.hangup');
    late.now += 31_000;
    late.hook('call.refer.failed', { sipNotifyResponse: 487 });
    expect(late.call).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
    late.hook('call.refer.completed', { sipNotifyResponse: 200 });
    expect(late.call).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  });

  it('is found dead by a probe, the same as a hangup seen late', () => {
    const d = referring(refer('a'), refer('b'));
    d.fall('attempt');
    d.outcome(d.last('probe'), DEAD);
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'unconfirmed' });
    expect(d.count('refer')).toBe(1);
    expect(d.notices.map(({ kind }) => kind)).toContain('found_dead');
  });

  it('is told by 90018 on a command', () => {
    const d = drive(decision([refer('a'), refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.outcome(d.last('refer'), rejected('90018'));
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'abandoned' });
  });

  it('an initiated after the hangup is recorded only', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.hangup');
    d.hook('call.initiated');
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'ignored' });
    expect(d.commands).toEqual([]);
  });
});

describe('correlation', () => {
  /** Attempt a ran out of time without any event; attempt b is open. */
  function twoOpen(): Driver {
    const d = referring(refer('a'), refer('b'), refer('c'));
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.now += 100;
    d.accept(d.last('refer'));
    return d;
  }

  it('a failed closes the oldest attempt that still owes its final event', () => {
    const d = twoOpen();
    d.hook('call.refer.failed', { sipNotifyResponse: 404, ...stamp(d) });
    expect(d.call.attempts).toMatchObject([{ verdict: 'not_found' }, { verdict: null }]);
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['not_found', 'busy', null]);
  });

  it('each event says which attempt it speaks of, for the story that is told of it', () => {
    const d = twoOpen();
    const [a, b] = d.call.attempts;
    const failed = { sipNotifyResponse: 486 };
    expect(d.hook('call.refer.failed', { ...failed, ...stamp(d) }).attemptId).toBe(a?.id);
    expect(d.hook('call.refer.failed', { ...failed, ...stamp(d) }).attemptId).toBe(b?.id);
    expect(d.accept(d.last('refer')).attemptId).toBe(d.last('refer').id);
    expect(d.fall('attempt').attemptId).toBe(d.last('refer').id);
    expect(d.hook('call.refer.failed', { clientState: null }).attemptId).not.toBe(a?.id);
    expect(d.hook('call.dtmf.received').attemptId).toBeNull();
  });

  it('a completed of the older attempt ends the plan and leaves the newer 30 s', () => {
    const d = twoOpen();
    d.hook('call.refer.completed', { occurredAt: 999_000, sipNotifyResponse: 200, ...stamp(d) });
    expect(d.call).toMatchObject({
      phase: 'referred',
      attempts: [{ verdict: 'completed' }, { verdict: null }],
    });
    d.fall('final');
    expect(d.call.attempts[1]?.verdict).toBe('no_verdict');
  });

  it('while_moving does not speak for an attempt: what comes with its envelope counts for the open one', () => {
    const d = drive(decision([refer('a'), refer('b')], { policy: looping('Hold.') }));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('refer'));
    const ofTheLoop = { clientState: d.last('speak').clientState };
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    d.accept(d.last('refer'));
    // A speak that was sent again late has stamped the leg once more.
    d.hook('call.refer.completed', { sipNotifyResponse: 200, ...ofTheLoop });
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['busy', 'completed']);
  });

  it('a completed overwrites the verdict of the attempt it names, and ends the plan of a newer one', () => {
    const d = referring(refer('a'), refer('b'));
    const ofTheFirst = stamp(d);
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...ofTheFirst });
    d.accept(d.last('refer'));
    d.now += 100;
    d.hook('call.refer.completed', { sipNotifyResponse: 200, occurredAt: d.now, ...ofTheFirst });
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['completed', null]);
    expect(d.call.phase).toBe('referred');
  });

  it('a final event told twice stays with its attempt, though a newer one is open', () => {
    const d = referring(refer('a'), refer('b'));
    const ofTheFirst = { ...stamp(d), sipNotifyResponse: 486, occurredAt: d.now };
    d.now += 100;
    d.hook('call.refer.failed', ofTheFirst);
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', ofTheFirst);
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['busy', null]);
  });

  it('a REFER that never left is owed nothing: the next one’s failure is its own', () => {
    const d = drive(decision([refer('a'), refer('b'), refer('c')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const lost = d.last('refer');
    d.put({
      source: 'outcome',
      id: 'never sent',
      callId: lost.callId,
      type: 'command.unknown',
      receivedAt: d.now,
      occurredAt: null,
      legId: lost.legId,
      commandId: lost.id,
      action: 'refer',
      outcome: { kind: 'unknown', detail: 'never sent; the time of its step is over' },
      firstSentAt: null,
    });
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', { ...stamp(d), sipNotifyResponse: 486 });
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', 'busy', null]);
  });

  it('without an envelope of ours an event counts only for the one open attempt', () => {
    const one = referring(refer('a'), refer('b'));
    one.hook('call.refer.failed', { sipNotifyResponse: 486, clientState: 'c29tZWJvZHk=' });
    expect(one.call.attempts[0]?.verdict).toBe('busy');
    const two = twoOpen();
    two.hook('call.refer.failed', { sipNotifyResponse: 486 });
    expect(two.call.attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', null]);
  });
});

describe('transfer', () => {
  function transferring(): Driver {
    const d = drive(decision([transfer('+14155550199'), say('Sorry.'), { do: 'hangup' }]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('transfer'));
    return d;
  }
  const far = (
    d: Driver,
    type: string,
    hangupCause: string | null = null,
    sipHangupCause: string | null = null,
  ) =>
    d.put({
      source: 'b_leg',
      id: `far-${type}`,
      callId: d.call.id,
      type,
      receivedAt: 0,
      occurredAt: null,
      bLegId: 'v3:far',
      attemptId: d.call.attempts[0]?.id ?? null,
      hangupCause,
      sipHangupCause,
    });

  it('is through when it is bridged', () => {
    const d = transferring();
    far(d, 'call.initiated');
    far(d, 'call.answered');
    d.hook('call.bridged');
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
    d.hook('call.hangup');
    expect(d.call.ends).toBe('transferred');
  });

  it('ends by the B-leg’s hangup cause, and the plan goes on', () => {
    const d = transferring();
    far(d, 'call.initiated');
    far(d, 'call.hangup', 'user_busy');
    expect(d.call).toMatchObject({ phase: 'speaking', attempts: [{ verdict: 'busy' }] });
  });

  it('hangs up the B-leg before the next step when its time is up', () => {
    const d = transferring();
    far(d, 'call.initiated');
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), { kind: 'unknown', detail: 'HTTP 404' });
    expect(d.last('hangup')).toMatchObject({ legId: 'v3:far' });
    expect(d.call.phase).toBe('speaking');
  });

  it('lets them talk where the B-leg answered and the news of the bridge was lost', () => {
    const d = transferring();
    far(d, 'call.initiated');
    far(d, 'call.answered');
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
    expect(d.count('hangup')).toBe(0);
    far(d, 'call.hangup', 'normal_clearing');
    d.hook('call.hangup');
    expect(d.call.ends).toBe('transferred');
  });

  it('releases a caller whom the B-leg left alone', () => {
    const d = transferring();
    far(d, 'call.initiated');
    d.hook('call.bridged');
    far(d, 'call.hangup', 'normal_clearing');
    d.fall('referred');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.phase).toBe('releasing');
    d.hook('call.hangup');
    expect(d.call.ends).toBe('transferred');
  });

  it('has talked where the B-leg’s hangup overtakes the bridge', () => {
    for (const [callerGoesToo, answerLost] of [[true], [false], [true, true]]) {
      const d = transferring();
      far(d, 'call.initiated');
      if (!answerLost) far(d, 'call.answered');
      far(d, 'call.hangup', 'normal_clearing', answerLost ? '200' : null);
      expect(d.call.attempts).toMatchObject([{ verdict: 'other' }]);
      if (callerGoesToo) d.hook('call.hangup');
      d.hook('call.bridged');
      if (!callerGoesToo) d.fall('referred');
      if (!callerGoesToo) d.outcome(d.last('probe'), DEAD);
      expect(d.call).toMatchObject({ ends: 'transferred', attempts: [{ verdict: 'completed' }] });
    }
  });
});

it('a bridge told late does not undo that a REFER completed', () => {
  const d = drive(decision([refer('a'), transfer('+14155550199')]));
  d.hook('call.initiated');
  d.hook('call.answered');
  d.accept(d.last('refer'));
  d.fall('attempt');
  d.outcome(d.last('probe'), ALIVE);
  d.accept(d.last('transfer'));
  d.hook('call.hangup');
  d.hook('call.refer.completed');
  expect(d.call.ends).toBe('referred');
  d.hook('call.bridged');
  expect(d.call.ends).toBe('referred');
  expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['completed', 'completed']);
});

describe('menu', () => {
  it('takes the branch of the digits', () => {
    const d = drive(
      decision([
        {
          do: 'menu',
          text: 'Press 1 or 2.',
          voice: 'v',
          language: null,
          digits: { '1': [refer('one')], '2': [refer('two')] },
          tries: 2,
          timeoutMs: 8_000,
        },
        refer('else'),
      ]),
    );
    d.hook('call.initiated');
    d.hook('call.answered');
    expect(d.last('gather_using_speak')).toMatchObject({ validDigits: '12', digitsMax: 1 });
    d.hook('call.gather.ended', { digits: '2', status: 'valid' });
    expect(d.call.attempts[0]?.target).toBe('two');
  });
});

describe('a voice that the caller cut off by hanging up', () => {
  const hungUpOn = () => {
    const d = drive(decision([say('Welcome.'), refer('a')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('speak'));
    d.hook('call.speak.ended', { status: 'call_hangup' });
    return d;
  };

  it('waits for the hangup: no step, and nothing asked that could answer too early', () => {
    const d = hungUpOn();
    expect(d.commands.map(({ action }) => action)).toEqual(['answer', 'speak']);
    d.hook('call.hangup');
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'abandoned' });
    expect(d.count('refer')).toBe(0);
  });

  it('leaves no question behind: unanswered, it would move the caller out of the next step', () => {
    const d = drive(decision([say('Hello.'), transfer('+14155550199'), refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.hook('call.speak.ended', { status: 'call_hangup' });
    d.outcome(d.last('speak'), rejected('90000'));
    expect(d.call.phase).toBe('transferring');
    // Nobody answers the probes: only the attempt's own time may end it.
    for (let falls = 0; d.call.attempts.length === 1; falls += 1) {
      expect(falls).toBeLessThan(20);
      d.fall();
    }
    expect(d.call.attempts).toMatchObject([{ verdict: 'no_verdict' }, { kind: 'refer' }]);
  });

  it('asks when the hangup does not come, and goes on only with a leg that lives', () => {
    const gone = hungUpOn();
    gone.fall();
    gone.outcome(gone.last('probe'), DEAD);
    expect(gone.call).toMatchObject({ phase: 'ended', ends: 'abandoned' });

    const there = hungUpOn();
    there.fall();
    there.outcome(there.last('probe'), ALIVE);
    expect(there.call.phase).toBe('referring');
  });
});

describe('an outgoing leg', () => {
  const outgoing = (...steps: Parameters<typeof decision>[0] & object) => {
    const d = drive(decision(steps));
    const { facts } = webhook('call.initiated');
    d.hook('call.initiated', { facts: { ...facts, direction: 'outgoing' } });
    return d;
  };

  it('is not answered by us: its steps wait until the far end answers', () => {
    const d = outgoing(refer('a'));
    expect(d.call.phase).toBe('answering');
    expect(d.commands).toEqual([]);
    d.hook('call.answered');
    expect(d.call.phase).toBe('referring');
  });

  it('whose answer got lost goes on once no leg rings any longer', () => {
    const d = outgoing(refer('a'));
    const before = d.now;
    d.fall('step');
    expect(d.now - before).toBe(600_000);
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.phase).toBe('referring');
    expect(d.count('answer')).toBe(0);
  });

  it('is hung up where a rule says reject', () => {
    const d = outgoing({ do: 'reject', cause: 'busy' });
    expect(d.commands.map(({ action }) => action)).toEqual(['hangup']);
    d.hook('call.hangup');
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'rejected' });
  });
});

describe('a refer by hand', () => {
  const byHand = {
    source: 'manual',
    id: 'manual:1',
    callId: 'x',
    type: 'manual.refer',
    receivedAt: 0,
    occurredAt: null,
  } as const;

  // Without an envelope, or with that of the refer by hand, which spoke last.
  it.each([false, true])('returns the call to the phase it had when it fails (%s)', (stamped) => {
    const d = drive(decision([say('A long text.'), { do: 'hangup' }]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
    expect(d.call.phase).toBe('referring');
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.phase).toBe('speaking');
    d.hook('call.speak.ended', stamped ? stamp(d) : {});
    expect(d.call.phase).toBe('releasing');
  });

  it('goes on with the plan when the interrupted step ended meanwhile', () => {
    const d = drive(decision([say('A long text.'), refer('next')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
    d.hook('call.speak.ended');
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.attempts.map(({ target }) => target)).toEqual(['hand', 'next']);
  });

  describe('while something is said', () => {
    const interrupted = (step: Step, more: Parameters<typeof decision>[1] = {}) => {
      const d = drive(decision([step, refer('next')], more));
      d.hook('call.initiated');
      d.hook('call.answered');
      const words = d.commands.at(-1);
      if (words === undefined) throw new Error('nothing is said');
      d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
      const failed = () => d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
      return { d, words, failed };
    };

    it('leaves alone what has not been sent yet: it is what the caller waits for if it fails', () => {
      const { d, words, failed } = interrupted(say('A long text.'));
      expect(d.cancelled).not.toContain(words.id);
      failed();
      d.accept(words);
      d.hook('call.speak.ended', stamp(d));
      expect(d.call.attempts.map(({ target }) => target)).toEqual(['hand', 'next']);
    });

    it('goes on with the plan where that was refused meanwhile', () => {
      const { d, words, failed } = interrupted(say('A long text.'));
      d.outcome(words, rejected('10015'));
      failed();
      expect(d.call.attempts.map(({ target }) => target)).toEqual(['hand', 'next']);
    });

    it('says it again, instead of the loop, where a loop was played meanwhile', () => {
      const { d, words, failed } = interrupted(say('A long text.'), {
        policy: looping('Hold.'),
      });
      d.accept(words);
      expect(d.last('speak')).toMatchObject({ text: 'Hold.', loop: true });
      failed();
      expect(d.last('speak')).toMatchObject({
        text: 'A long text.',
        loop: false,
        stopOthers: true,
      });
      expect(d.last('speak').id).not.toBe(words.id);
      expect(d.call.phase).toBe('speaking');
    });

    const resaid = (step: Step) => {
      const { d, words, failed } = interrupted(step, { policy: looping('Hold.') });
      d.accept(words);
      d.accept(d.last('speak'));
      failed();
      // gather_using_speak has no `stop` of its own: it goes once the loop's stop is through.
      if (step.do === 'menu') d.accept(d.last('playback_stop'));
      d.now += 50;
      return d;
    };

    it('does not take the end of what that replaced for its own', () => {
      const d = resaid(say('A long text.'));
      const { clientState } = d.last('speak');
      d.hook('call.speak.ended', { clientState, status: 'completed' });
      d.hook('call.speak.ended', { clientState, status: 'completed' });
      expect(d.call.phase).toBe('speaking');
      d.now += 5_000;
      d.hook('call.speak.ended', { clientState, status: 'completed' });
      expect(d.call.attempts.map(({ target }) => target)).toEqual(['hand', 'next']);
    });

    it('nor the end of the menu that it asks again for a choice, but a choice at once', () => {
      const menu: Step = {
        do: 'menu',
        text: 'Press 1 for sales or 2 for support.',
        voice: 'v',
        language: null,
        digits: { '1': [refer('one')] },
        tries: 2,
        timeoutMs: 8_000,
      };
      for (const replaced of [['cancelled'], []]) {
        const d = resaid(menu);
        const { clientState } = d.last('gather_using_speak');
        for (const status of replaced) {
          d.hook('call.gather.ended', { clientState, digits: '', status });
        }
        expect(d.call.phase).toBe('gathering');
        d.hook('call.gather.ended', { clientState, digits: '1', status: 'valid' });
        expect(d.call.attempts.at(-1)?.target).toBe('one');
      }
    });

    it('stops the loop where nothing of ours follows', () => {
      const d = drive(decision(null, { policy: looping('Hold.') }));
      d.hook('call.initiated');
      d.hook('call.answered');
      d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
      expect(d.last('speak')).toMatchObject({ loop: true });
      d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
      expect(d.call.phase).toBe('unmanaged');
      expect(d.count('playback_stop')).toBe(1);
    });
  });

  it('waits no longer for an answer that Telnyx has accepted than the plan would have', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.accept(d.last('answer'));
    d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
    expect(d.count('answer')).toBe(1);
    expect(d.call.deadlines).toMatchObject([{ name: 'step', dueAt: d.now + 10_000 }]);
  });

  it('gives an unmanaged call back to its application with its client_state', () => {
    const d = drive(decision(null));
    d.hook('call.initiated', { clientState: 'dGhlaXJz' });
    d.hook('call.answered');
    d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
    d.hook('call.refer.failed', { sipNotifyResponse: 404, ...stamp(d) });
    expect(d.call.phase).toBe('unmanaged');
    expect(d.last('client_state_update').clientState).toBe('dGhlaXJz');
  });

  it('is refused while the call is being moved, and once it has ended', () => {
    const d = referring(refer('a'));
    expect(d.put({ ...byHand, callId: d.call.id, step: refer('hand') }).refused).toBe(
      'being_moved',
    );
    d.hook('call.hangup');
    expect(d.put({ ...byHand, callId: d.call.id, step: refer('hand') }).refused).toBe('ended');
  });
});

describe('releasing', () => {
  it('hangs up again after 5, 30 and 120 s, then asks a human and probes slowly', () => {
    const d = drive(decision([{ do: 'hangup' }]));
    const start = d.now;
    d.hook('call.initiated');
    const at: number[] = [];
    for (let i = 0; i < 3; i++) {
      d.fall('release');
      at.push(d.now - start);
    }
    expect(at).toEqual([5_000, 35_000, 155_000]);
    expect(d.count('hangup')).toBe(4);
    d.fall('release');
    expect(d.notices.map(({ kind }) => kind)).toContain('release_stuck');
    expect(d.call.deadlines.map(({ name }) => name)).toEqual(['watch']);
  });
});

describe('a request of which nobody knows', () => {
  const unknown: Outcome = { kind: 'unknown', detail: 'the connection was cut' };

  it('has the time of its step from when it first left, before anybody else is called', () => {
    const d = drive(decision([refer('a', { timeoutMs: 30_000 }), refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const [command, started] = [d.last('refer'), d.now];
    d.now = started + 30_000;
    // Telnyx had limited the rate for all but the last second.
    d.outcome(command, unknown, started + 29_000);
    expect(d.count('refer')).toBe(1);
    expect(d.call.phase).toBe('referring');
    expect(d.call.deadlines).toContainEqual(
      expect.objectContaining({ name: 'attempt', dueAt: started + 59_000 }),
    );
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', null]);
  });

  it('is looked for on the leg where it has had that: nothing of it there, and the next is called', () => {
    const d = drive(decision([refer('a', { timeoutMs: 30_000 }), refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const [command, started] = [d.last('refer'), d.now];
    d.now = started + 30_000;
    d.outcome(command, unknown, started + 20);
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual([null]);
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', null]);
  });
});

describe('deadlines', () => {
  it('are put off once by 15 s where they were found late', () => {
    const d = referring(refer('a'));
    const due = d.call.deadlines.find(({ name }) => name === 'attempt');
    if (due === undefined) throw new Error('no deadline');
    d.now = due.dueAt + 6_000;
    const late = {
      source: 'deadline',
      id: 'x',
      callId: d.call.id,
      type: 'deadline.attempt',
      receivedAt: 0,
      occurredAt: null,
      name: 'attempt',
    } as const;
    d.put({ ...late, n: due.n, putOff: true });
    const again = d.call.deadlines.find(({ name }) => name === 'attempt');
    expect(again).toMatchObject({ dueAt: d.now + 15_000, putOff: true });
    expect(d.put({ ...late, n: due.n, putOff: true }).refused).toBe('overtaken');
    d.put({ ...late, n: again?.n ?? 0, putOff: true });
    expect(d.call.probe).not.toBeNull();
  });

  it('after three unanswered probes the machine goes on without', () => {
    const d = referring(refer('a'), refer('b'));
    d.fall('attempt');
    d.fall('probing');
    d.fall('probing');
    d.fall('probing');
    expect(d.count('probe')).toBe(3);
    expect(d.call.attempts[0]?.verdict).toBe('no_verdict');
    expect(d.count('refer')).toBe(2);
  });
});

describe('while_moving', () => {
  it('ends where the call is left to another application', () => {
    const d = drive(
      decision([refer('a'), { do: 'ignore' }], {
        policy: looping('Please hold.'),
      }),
    );
    d.hook('call.initiated');
    d.hook('call.answered');
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.phase).toBe('unmanaged');
    expect(d.count('playback_stop')).toBe(1);
  });

  it('plays in a loop until the plan speaks, and the loop’s own end does not end the plan’s words', () => {
    const d = drive(
      decision([refer('a'), say('Sorry, nobody can take your call right now.'), { do: 'hangup' }], {
        policy: looping('Please hold.'),
      }),
    );
    d.hook('call.initiated');
    d.hook('call.answered');
    expect(d.last('speak')).toMatchObject({ loop: true, text: 'Please hold.' });
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    const words = d.last('speak');
    expect(words).toMatchObject({ loop: false, stopOthers: true });
    d.accept(words);
    d.now += 50;
    d.hook('call.speak.ended', { clientState: words.clientState });
    expect(d.call.phase).toBe('speaking');
    d.now += 4_000;
    d.hook('call.speak.ended', { clientState: words.clientState });
    expect(d.call.phase).toBe('releasing');
  });
});

describe('nothing decided', () => {
  it('waits for the direction, and is unmanaged after 60 s without', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.answered');
    expect(d.call.phase).toBe('new');
    d.fall('undecided');
    expect(d.call.phase).toBe('unmanaged');
    expect(d.commands).toEqual([]);
  });

  it('rules on later events see only calls that no plan runs', () => {
    const d = drive((event) => decision(event === 'call.dtmf.received' ? [refer('a')] : null));
    d.hook('call.initiated');
    d.hook('call.answered');
    expect(d.call.phase).toBe('unmanaged');
    d.hook('call.dtmf.received', { digits: '9' });
    expect(d.call.phase).toBe('referring');
    d.hook('call.dtmf.received', { digits: '9' });
    expect(d.count('refer')).toBe(1);
  });
});
