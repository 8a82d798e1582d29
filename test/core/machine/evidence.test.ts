/** What proves that Telnyx executed a command, and which attempt a report belongs to. */
import { describe, expect, it } from 'vitest';
import { decodeEnvelope, encodeClientState } from '../../../src/core/machine/client-state.ts';
import type { Command, Outcome } from '../../../src/core/machine/command.ts';
import type { OutcomeEvent } from '../../../src/core/machine/event.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import {
  ACCEPTED,
  ALIVE,
  DEAD,
  type Driver,
  decision,
  drive,
  refer,
  rejected,
  say,
  transfer,
} from '../../helpers/machine.ts';

const UNKNOWN: Outcome = { kind: 'unknown', detail: 'a repetition was refused' };
const RETRY: Outcome = {
  kind: 'retry',
  status: 500,
  detail: 'HTTP 500',
  afterMs: null,
  provenUnsent: false,
};
const RATE_LIMITED: Outcome = { ...RETRY, status: 429, provenUnsent: true };
const OVER = { kind: 'unknown', detail: 'never sent; the time of its step is over' } as const;

/** Of a first try. */
function outcomeOf(command: Command, outcome: Outcome): OutcomeEvent {
  return {
    source: 'outcome',
    id: 'outcome:next:1',
    callId: command.callId,
    type: `command.${outcome.kind}`,
    receivedAt: 0,
    occurredAt: null,
    commandId: command.id,
    legId: command.legId,
    action: command.action,
    outcome,
    firstSentAt: null,
  };
}

function answered(plan: Parameters<typeof decision>[0], more = {}): Driver {
  const d = drive(decision(plan, more));
  d.hook('call.initiated');
  d.hook('call.answered');
  return d;
}

const nameOf = (attemptId: string) => ({ clientState: encodeClientState(attemptId, null) });

const verdicts = (d: Driver) => d.call.attempts.map(({ verdict }) => verdict);

describe('a request whose outcome is unknown', () => {
  it.each([
    ['refer', [refer('a'), refer('b')]],
    ['transfer', [transfer('+14155550199'), refer('b')]],
  ] as const)('of a %s has the time of its step before anybody else is called', (action, plan) => {
    const d = answered([...plan]);
    const command = d.last(action);
    const started = d.now;
    d.now += 600;
    d.outcome(command, UNKNOWN, started);
    expect(verdicts(d)).toEqual([null]);
    d.now = started + 15_000;
    expect(d.call.deadlines.find(({ name }) => name === 'attempt')?.dueAt).toBeGreaterThan(d.now);
  });

  it('is not one that was never sent, and the call does not say so', () => {
    const d = answered([refer('a'), refer('b')]);
    d.put({ ...outcomeOf(d.last('refer'), OVER), receivedAt: d.now });
    expect(d.call.attempts[0]).toMatchObject({
      target: 'a',
      unsent: true,
      verdict: 'no_verdict',
      reason: OVER.detail,
    });
    expect(d.timeline.at(-1)?.notes).toContain(`refer: given up: ${OVER.detail}`);
  });

  it('has its own time once the client_state of the leg shows that its last try was executed', () => {
    const d = answered([refer('a'), refer('b')]);
    const command = d.last('refer');
    const started = d.now;
    d.now = started + 29_900;
    d.outcome(command, UNKNOWN, started);
    // The step's time since the first try is over, so Telnyx is asked before the next target is
    // tried.
    d.outcome(d.last('probe'), {
      ...ALIVE,
      envelope: decodeEnvelope(command.clientState),
    } as Outcome);
    expect(d.call.attempts[0]).toMatchObject({ verdict: null, acceptedAt: d.now });
    expect(d.call.deadlines).toContainEqual(
      expect.objectContaining({ name: 'attempt', dueAt: started + 59_900 }),
    );
  });

  it('has its own time where another process reports its acceptance while the leg is asked for', () => {
    const d = answered([refer('a', { timeoutMs: 60_000 }), refer('b')]);
    const command = d.last('refer');
    const started = d.now;
    d.now = started + 10_000;
    d.outcome(command, UNKNOWN, started);
    d.fall('attempt');
    const question = d.last('probe');
    d.outcome(command, ACCEPTED, started);
    d.outcome(question, ALIVE);
    expect(d.count('refer')).toBe(1);
    expect(d.call.deadlines).toContainEqual(
      expect.objectContaining({ name: 'attempt', dueAt: started + 115_000 }),
    );
  });

  it.each([
    ['an older envelope of ours', (d: Driver) => d.last('answer').clientState],
    ['somebody else’s', () => 'c29tZWJvZHk='],
    ['none', () => null],
  ])('is not shown by %s, and nothing is sent again because of it', (_, stateOf) => {
    const d = answered([refer('a'), refer('b')]);
    const started = d.now;
    d.now = started + 29_900;
    d.outcome(d.last('refer'), UNKNOWN, started);
    d.outcome(d.last('probe'), { ...ALIVE, envelope: decodeEnvelope(stateOf(d)) } as Outcome);
    expect(d.call.attempts[0]).toMatchObject({ verdict: 'no_verdict', acceptedAt: null });
    expect(d.count('refer')).toBe(2);
  });

  it('counts as accepted where the leg ends with its envelope', () => {
    const d = answered([refer('a'), refer('b')]);
    const { clientState } = d.last('refer');
    d.hook('call.hangup', { clientState, hangupSource: 'caller' });
    expect(d.call).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
  });

  it('counts as arrived then, where the target’s bye_without_verdict says so', () => {
    const d = answered([refer('a', { byeWithoutVerdict: 'completed' })]);
    d.hook('call.hangup', { clientState: d.last('refer').clientState });
    expect(d.call).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  });

  it('corrects an end that was concluded before its hangup was heard', () => {
    const d = answered([refer('a'), refer('b')]);
    const command = d.last('refer');
    d.outcome(command, rejected('90018'));
    expect(d.call.ends).toBe('abandoned');
    d.hook('call.hangup', { clientState: command.clientState });
    expect(d.call).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
  });

  it('counts as accepted where a probe finds the leg dead with its envelope', () => {
    const d = answered([refer('a')]);
    const command = d.last('refer');
    const started = d.now;
    d.now = started + 29_900;
    d.outcome(command, UNKNOWN, started);
    const dead = { ...DEAD, envelope: decodeEnvelope(command.clientState) } as Outcome;
    d.outcome(d.last('probe'), dead);
    expect(d.call).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
  });

  it('of an answer leaves call.answered the time that it has after an acceptance', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    const started = d.now;
    d.now += 650;
    d.outcome(d.last('answer'), UNKNOWN, started);
    expect(d.call.phase).toBe('answering');
    expect(d.call.answerRefused).toBe(false);
    d.hook('call.answered');
    expect(d.count('refer')).toBe(1);
  });

  it('of an answer does not count as answered before Telnyx executes a step after it', () => {
    const d = drive(decision([refer('a'), say('Sorry.')]));
    d.hook('call.initiated');
    d.outcome(d.last('answer'), UNKNOWN, d.now - 10_000);
    d.outcome(d.last('probe'), ALIVE);
    expect([d.count('refer'), d.call.answered, d.call.answerAssumed]).toEqual([1, true, true]);
    d.outcome(d.last('refer'), UNKNOWN, d.now);
    expect(d.call.answerAssumed).toBe(true);
    d.hook('call.refer.started');
    expect([d.call.answered, d.call.answerAssumed]).toEqual([true, false]);
  });

  it('of a prompt leaves it the time in which it may be heard', () => {
    const d = answered([say('One moment, please.'), refer('a')]);
    const started = d.now;
    d.now += 600;
    d.outcome(d.last('speak'), UNKNOWN, started);
    expect(d.count('refer')).toBe(0);
    d.hook('call.speak.ended', { status: 'completed' });
    expect(d.count('refer')).toBe(1);
  });
});

describe('a REFER that stayed silent', () => {
  /** The first target stays silent for its 30 s, and the second is tried. */
  const silentThenNext = (first = {}) => {
    const d = answered([refer('a', first), refer('b'), refer('c')]);
    d.accept(d.last('refer'));
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.accept(d.last('refer'));
    return d;
  };

  it('owes nothing after 32 s: the failure is that of the attempt which the envelope names', () => {
    const d = silentThenNext();
    const { clientState } = d.last('refer');
    d.hook('call.refer.started', { clientState, sipNotifyResponse: 180 });
    d.now += 5_000;
    d.hook('call.refer.failed', { clientState, sipNotifyResponse: 486 });
    expect(verdicts(d)).toEqual(['no_verdict', 'busy', null]);
  });

  it('still owes it within 32 s', () => {
    const d = silentThenNext();
    d.now += 1_000;
    d.hook('call.refer.failed', {
      clientState: d.last('refer').clientState,
      sipNotifyResponse: 486,
    });
    expect(verdicts(d)).toEqual(['busy', null]);
  });

  it('still owes it after progress, however long it rings', () => {
    const d = silentThenNext({ ifFailed: { no_verdict: [refer('b'), refer('c')] } });
    // It rings after all, but the route says to move on anyway.
    const [first] = d.commands.filter(({ action }) => action === 'refer');
    d.hook('call.refer.started', {
      clientState: first?.clientState ?? null,
      sipNotifyResponse: 180,
    });
    d.now += 20_000;
    d.hook('call.refer.failed', {
      clientState: d.last('refer').clientState,
      sipNotifyResponse: 486,
    });
    expect(verdicts(d)).toEqual(['busy', null]);
  });

  it('owes nothing either where its outcome stayed unknown', () => {
    const d = answered([refer('a'), refer('b'), refer('c')]);
    const started = d.now;
    d.now += 600;
    d.outcome(d.last('refer'), UNKNOWN, started);
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.accept(d.last('refer'));
    d.now += 10_000;
    d.hook('call.refer.failed', {
      clientState: d.last('refer').clientState,
      sipNotifyResponse: 486,
    });
    expect(verdicts(d)).toEqual(['no_verdict', 'busy', null]);
  });
});

describe('a ringing that is heard after the failure of the next attempt', () => {
  /** The first was silent for its 10 s; a failure names the second while the first may report. */
  const failed = (clientState: (first: string | null, second: string | null) => string | null) => {
    const d = answered([refer('a', { timeoutMs: 10_000 }), refer('b'), refer('c'), say('Sorry.')]);
    const first = d.last('refer');
    d.accept(first);
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    const second = d.last('refer');
    d.accept(second);
    const names = clientState(first.clientState, second.clientState);
    d.hook('call.refer.failed', { sipNotifyResponse: 486, clientState: names });
    d.hook('call.refer.started', { sipNotifyResponse: 180, clientState: first.clientState });
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    return d;
  };

  it('may be that of a target that still rings: nobody else is called', () => {
    const d = failed((_, second) => second);
    expect(d.count('refer')).toBe(2);
    expect(d.call).toMatchObject({ phase: 'speaking', movingUnsafe: true });
  });

  it('is over where the failure names it', () => {
    expect(failed((first) => first).count('refer')).toBe(3);
  });
});

describe('a ringing that names no attempt', () => {
  /** The first is silent beyond its time; the second's command has this outcome. */
  const twoOpen = (outcome: Outcome) => {
    const d = answered([refer('a'), refer('b'), refer('c'), say('Sorry.')]);
    d.accept(d.last('refer'));
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    const next = d.last('refer');
    d.outcome(next, outcome);
    d.now += 500;
    return { d, next };
  };

  it.each([null, 'c29tZWJvZHk='])('takes back a repetition, whosever it is (%s)', (clientState) => {
    const { d, next } = twoOpen(RETRY);
    d.hook('call.refer.started', { clientState, sipNotifyResponse: 180 });
    expect(d.cancelled).toContain(next.id);
    d.hook('call.refer.completed', { clientState, sipNotifyResponse: 200 });
    expect(verdicts(d)[0]).toBe('completed');
  });

  it('takes back a move that waits out a rate limit and cannot be the one that rings', () => {
    const quick = { timeoutMs: 10_000 };
    const d = answered([refer('a', quick), refer('b', quick), refer('c')]);
    for (let n = 0; n < 2; n += 1) {
      d.accept(d.last('refer'));
      d.fall('attempt');
      d.outcome(d.last('probe'), ALIVE);
    }
    const third = d.last('refer');
    const turnedAway = { ...RATE_LIMITED, afterMs: 2_000 };
    d.put({ ...outcomeOf(third, turnedAway), firstSentAt: null });
    d.hook('call.refer.started', { sipNotifyResponse: 180, occurredAt: d.now });
    expect(d.cancelled).toContain(third.id);
    expect(d.call).toMatchObject({ phase: 'referring', movingUnsafe: true });
  });

  it('lets nobody else be called', () => {
    const { d } = twoOpen(ACCEPTED);
    d.hook('call.refer.started', { clientState: null, sipNotifyResponse: 180 });
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.count('refer')).toBe(2);
    expect(d.call.phase).toBe('speaking');
  });
});

describe('an end that names no attempt, while the request of the newest is in flight', () => {
  const quick = { timeoutMs: 18_000 };
  const busy = { sipNotifyResponse: 486 };
  /** So many targets are silent for 18 s each; the last one fails once the first owes nothing. */
  const failed = (silent: number) => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const d = answered([...names.map((name) => refer(name, quick)), say('Sorry.')]);
    for (let n = 0; n < silent; n += 1) {
      d.accept(d.last('refer'));
      d.fall('attempt');
      d.outcome(d.last('probe'), ALIVE);
    }
    d.accept(d.last('refer'));
    d.now += 17_000;
    d.hook('call.refer.failed', busy);
    return d;
  };

  it('is that of a target whose request was answered, however long it was silent', () => {
    const d = failed(1);
    expect(verdicts(d)).toEqual(['no_verdict', 'busy', null]);
    d.hook('call.refer.failed', busy);
    // The caller is not moved on while the third target may be ringing.
    expect(verdicts(d)).toEqual(['busy', 'busy', null]);
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', busy);
    expect(verdicts(d)).toEqual(['busy', 'busy', 'busy', null]);
  });

  it('is that of nobody in particular if two were silent', () => {
    const d = failed(2);
    d.hook('call.refer.failed', busy);
    expect(verdicts(d)).toEqual(['no_verdict', 'no_verdict', 'busy', null]);
  });

  it('says that the caller has arrived, whoever it was', () => {
    const d = failed(1);
    d.hook('call.refer.completed', { sipNotifyResponse: 200 });
    expect(verdicts(d)).toEqual(['completed', 'busy', null]);
    expect(d.call.phase).toBe('referred');
  });

  it('is its own if nothing else is awaited', () => {
    const d = answered([refer('a'), refer('b')]);
    d.hook('call.refer.failed', busy);
    expect(verdicts(d)).toEqual(['busy', null]);
  });
});

describe('a branch for no_verdict', () => {
  const quick = { timeoutMs: 10_000 };
  const over = { ...quick, ifFailed: { no_verdict: [refer('c', quick)] } };
  const silentThen = (next: Step) => {
    const d = answered([refer('a', quick), next]);
    d.accept(d.last('refer'));
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    return d;
  };
  const timesOut = (d: Driver) => {
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
  };

  it('moves on over its own target, not over an older one that rings', () => {
    const d = silentThen(refer('b', over));
    const [first, second] = [d.call.attempts[0]?.id ?? '', d.last('refer')];
    d.accept(second);
    d.hook('call.refer.started', { sipNotifyResponse: 180, ...nameOf(first) });
    d.hook('call.refer.started', { sipNotifyResponse: 180, clientState: second.clientState });
    timesOut(d);
    expect(d.call).toMatchObject({ phase: 'speaking', movingUnsafe: true });
    expect(d.count('refer')).toBe(2);
  });

  it('moves on once the older one has ended', () => {
    const d = silentThen(refer('b', over));
    const [first, second] = [d.call.attempts[0]?.id ?? '', d.last('refer')];
    d.accept(second);
    d.hook('call.refer.started', { sipNotifyResponse: 180, ...nameOf(first) });
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...nameOf(first) });
    d.hook('call.refer.started', { sipNotifyResponse: 180, clientState: second.clientState });
    timesOut(d);
    expect(d.last('refer')).toMatchObject({ sipAddress: 'sip:c@pbx.example.com' });
  });

  it('does not move on where its target failed and the older one may be what rings', () => {
    const d = silentThen(refer('b', over));
    const [first, second] = [d.call.attempts[0]?.id ?? '', d.last('refer')];
    d.accept(second);
    d.hook('call.refer.started', { sipNotifyResponse: 180, ...nameOf(first) });
    d.hook('call.refer.failed', { sipNotifyResponse: 486, clientState: second.clientState });
    timesOut(d);
    expect(d.call).toMatchObject({ phase: 'speaking', movingUnsafe: true });
    expect(d.count('refer')).toBe(2);
  });
});

describe('a clock that is ahead of Telnyx’s', () => {
  /**
   * The first is silent beyond its time, the second rings: an event of the second, timed by
   * Telnyx's clock.
   */
  const started = (clockSkewMs: number | undefined) => {
    const d = answered([refer('a'), refer('b'), refer('c')]);
    d.accept(d.last('refer'));
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.accept(d.last('refer'));
    d.now += 500;
    d.hook('call.refer.started', {
      clientState: d.last('refer').clientState,
      sipNotifyResponse: 180,
      occurredAt: d.now - 8_000,
      ...(clockSkewMs === undefined ? {} : { clockSkewMs }),
    });
    return d.call.attempts.map(({ progress }) => progress);
  };

  it('gives no event to an older attempt once it is known', () => {
    expect(started(8_000)).toEqual([false, true]);
  });

  it('an event of before the newer command belongs to the older attempt', () => {
    expect(started(undefined)).toEqual([true, false]);
  });
});

describe('an attempt that was given up rings after all', () => {
  /**
   * The first is silent for its 30 s; the second's command is stored, and its request has this
   * outcome.
   */
  const nextIs = (outcome: Outcome | null, sent = false, first = {}) => {
    const d = answered([refer('a', first), refer('b'), refer('c'), say('Sorry.')]);
    const firstCommand = d.last('refer');
    d.accept(firstCommand);
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    const next = d.last('refer');
    if (outcome !== null) {
      d.put({ ...outcomeOf(next, outcome), firstSentAt: sent ? d.now : null });
    }
    const ring = () =>
      d.hook('call.refer.started', {
        clientState: firstCommand.clientState,
        sipNotifyResponse: 180,
      });
    return { d, next, ring };
  };

  it.each([
    ['has not been sent', null, false],
    ['waits out a rate limit', RATE_LIMITED, false],
    ['waits for its retry', RETRY, true],
  ] as const)('takes back the next move that %s', (_, outcome, sent) => {
    const { d, next, ring } = nextIs(outcome, sent);
    ring();
    expect(d.cancelled).toContain(next.id);
    expect(d.count('refer')).toBe(2);
    expect(d.call.phase).toBe('referring');
  });

  it('arrives: nobody else was called', () => {
    const { d, ring } = nextIs(RATE_LIMITED);
    ring();
    d.hook('call.refer.completed', { sipNotifyResponse: 200 });
    expect(d.call).toMatchObject({ phase: 'referred', attempts: [{ verdict: 'completed' }, {}] });
    d.hook('call.hangup');
    expect(d.call.ends).toBe('referred');
  });

  it('fails: the move that was taken back is made after all', () => {
    const { d, ring } = nextIs(RATE_LIMITED);
    ring();
    d.hook('call.refer.failed', { sipNotifyResponse: 486 });
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.attempts).toMatchObject([
      { target: 'a', verdict: 'busy' },
      { target: 'b', verdict: 'rejected', unsent: true },
      { target: 'b', verdict: null },
    ]);
  });

  it('fails, or the move that was taken back does, where no outcome says that it never left', () => {
    const { d, ring } = nextIs(null);
    ring();
    d.hook('call.refer.failed', { sipNotifyResponse: 486 });
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.count('refer')).toBe(2);
    expect(d.call).toMatchObject({ phase: 'speaking', movingUnsafe: true });
  });

  it.each([
    ['was accepted', ACCEPTED],
    ['was left without an answer', RETRY],
  ])(
    'fails: the move that was taken back is made again, and then is heard to have been sent: it %s',
    (_, outcome) => {
      const { d, next, ring } = nextIs(null);
      ring();
      const { clientState } = d.commands.find(({ action }) => action === 'refer') ?? {};
      d.hook('call.refer.failed', { sipNotifyResponse: 486, clientState: clientState ?? null });
      d.fall('attempt');
      d.outcome(d.last('probe'), ALIVE);
      const again = d.last('refer');
      expect(d.call.attempts[1]).toMatchObject({ verdict: 'rejected', unsent: true });
      d.outcome(next, outcome, d.now - 20_000);
      expect(d.call.attempts[1]).toMatchObject({ verdict: 'no_verdict', unsent: false });
      // Either of the two requests may be the one that rings.
      d.accept(again);
      d.hook('call.refer.started', { sipNotifyResponse: 180 });
      d.hook('call.refer.failed', { sipNotifyResponse: 486 });
      expect(d.count('refer')).toBe(3);
    },
  );

  it.each([
    ['had no outcome', null, false, 30_000],
    ['was sent before', RETRY, true, 30_000],
    ['was turned away', RATE_LIMITED, false, 12_000],
  ] as const)('fails: a move that %s and was taken back is waited for', (_, outcome, sent, ms) => {
    const { d, ring } = nextIs(outcome, sent);
    const since = d.now;
    ring();
    d.now += 1;
    const { clientState } = d.commands.find(({ action }) => action === 'refer') ?? {};
    d.hook('call.refer.failed', { sipNotifyResponse: 486, clientState: clientState ?? null });
    d.fall('attempt');
    expect(d.now - since).toBe(ms);
  });

  it('rings on: the plan goes on with what does not move, and the last resort does not end it early', () => {
    const { d, ring } = nextIs(RATE_LIMITED);
    ring();
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.phase).toBe('speaking');
    expect(d.count('refer')).toBe(2);
    d.hook('call.hangup');
    expect(d.call.ends).toBe('unconfirmed');
  });

  it('leaves alone a move that Telnyx has accepted', () => {
    const { d, next, ring } = nextIs(ACCEPTED, true);
    ring();
    expect(d.cancelled).not.toContain(next.id);
  });

  it('leaves the next move alone where the route says to move on', () => {
    const { d, next, ring } = nextIs(null, false, { ifFailed: { no_verdict: [refer('b')] } });
    ring();
    expect(d.cancelled).not.toContain(next.id);
  });
});

describe('a REFER that Telnyx refused and sent all the same', () => {
  function refusedThenNext(more: object = {}) {
    const d = answered([refer('a', more), refer('b'), refer('c'), say('Sorry.')]);
    const first = d.last('refer');
    d.outcome(first, rejected('10015'));
    expect(verdicts(d)).toEqual(['rejected', null]);
    return { d, a: nameOf(first.id), next: d.last('refer') };
  }

  it('rings: the next move is taken back, and nobody else is called while it rings', () => {
    const { d, a, next } = refusedThenNext();
    d.hook('call.refer.started', { ...a, sipNotifyResponse: 180 });
    expect(d.call.attempts[0]).toMatchObject({ verdict: 'no_verdict', progress: true });
    expect(d.cancelled).toContain(next.id);
    expect(d.call.movingUnsafe).toBe(true);
    d.hook('call.refer.completed', { ...a, sipNotifyResponse: 200 });
    expect(d.call.phase).toBe('referred');
    expect(d.count('refer')).toBe(2);
  });

  /** A prompt that was spoken since hides its name. */
  const ringsUnnamed = (d: Driver) => {
    d.accept(d.last('speak'));
    const { clientState } = d.last('speak');
    d.hook('call.refer.started', { clientState, sipNotifyResponse: 180 });
    d.now += 5_000;
    d.hook('call.speak.ended', { clientState });
  };

  it('rings without its name: nobody else is called while it rings', () => {
    const d = answered([refer('a'), say('One moment.'), refer('b')]);
    d.outcome(d.last('refer'), rejected('10015'));
    ringsUnnamed(d);
    expect(d.call.attempts[0]).toMatchObject({ verdict: 'no_verdict', progress: true });
    expect(d.count('refer')).toBe(1);
  });

  it('is not said to ring for one that has been asked since, and failed', () => {
    const d = answered([refer('a'), refer('b'), say('One moment.'), refer('c')]);
    d.outcome(d.last('refer'), rejected('10015'));
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', { sipNotifyResponse: 486 });
    ringsUnnamed(d);
    expect(verdicts(d)).toEqual(['rejected', 'busy', null]);
  });

  it('fails: its verdict is what its target said, and the next one has its turn', () => {
    const { d, a } = refusedThenNext();
    d.hook('call.refer.started', { ...a, sipNotifyResponse: 180 });
    d.hook('call.refer.failed', { ...a, sipNotifyResponse: 486 });
    expect(d.call.attempts[0]).toMatchObject({ verdict: 'busy', final: true });
    expect(d.call.movingUnsafe).toBe(false);
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.count('refer')).toBe(3);
  });

  it('fails at once: the target that has been asked since is not disturbed', () => {
    const { d, a, next } = refusedThenNext();
    d.accept(next);
    d.hook('call.refer.failed', { ...a, sipNotifyResponse: 486 });
    expect(verdicts(d)).toEqual(['busy', null]);
    expect(d.call.running?.id).toBe(next.id);
    d.hook('call.refer.failed', { ...nameOf(next.id), sipNotifyResponse: 480 });
    expect(verdicts(d)).toEqual(['busy', 'no_answer', null]);
  });

  it('rings, and the route moves on all the same', () => {
    const { d, a, next } = refusedThenNext({ ifFailed: { no_verdict: [refer('b')] } });
    d.hook('call.refer.started', { ...a, sipNotifyResponse: 180 });
    expect(d.cancelled).not.toContain(next.id);
  });
});
