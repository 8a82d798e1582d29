/** What follows an attempt that failed, or whose outcome is unknown. */
import { describe, expect, it } from 'vitest';
import { summaryOf } from '../../../src/core/machine/caller-outcome.ts';
import type { Outcome } from '../../../src/core/machine/command.ts';
import {
  ALIVE,
  decision,
  drive,
  refer,
  referring,
  rejected,
  say,
  stamp,
  webhook,
} from '../../helpers/machine.ts';

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

  it.each<[(number | null)[], number | null, string]>([
    [[100, 180, 100], 180, 'Ringing at a.'],
    [[180, 183], 180, 'Ringing at a.'],
    [[183, 180], 180, 'Ringing at a.'],
    [[180, null], 180, 'Ringing at a.'],
    [[183, 100], 183, 'Calling a.'],
    [[null, 100], 100, 'Calling a.'],
  ])(
    'after NOTIFYs of %j shows the furthest one, in whatever order they come',
    (codes, code, said) => {
      const d = referring(refer('a'));
      for (const sipNotifyResponse of codes) {
        d.hook('call.refer.started', { sipNotifyResponse, ...stamp(d) });
      }
      expect(d.call.attempts[0]?.sipNotifyResponse).toBe(code);
      expect(summaryOf(d.call)).toBe(said);
      // The final one counts whatever came before.
      d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
      expect(d.call.attempts[0]).toMatchObject({ verdict: 'busy', sipNotifyResponse: 486 });
    },
  );

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

  it('is the last resort once every step was used, and then the hangup', () => {
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

  it('goes on after 90034 where Telnyx refuses to answer what it has answered', () => {
    const d = drive(decision([say('Welcome.'), refer('a')]));
    d.hook('call.initiated');
    d.accept(d.last('answer'));
    d.hook('call.answered');
    d.outcome(d.last('speak'), rejected('90034'));
    d.outcome(d.last('answer'), rejected('10015'));
    expect([d.call.phase, d.count('speak'), d.count('answer')]).toEqual(['speaking', 2, 2]);
    expect(d.notices.some(({ kind }) => kind === 'answer_refused')).toBe(false);
    // It is not asked a third time: the next step follows.
    d.outcome(d.last('speak'), rejected('90034'));
    expect([d.call.phase, d.count('answer')]).toEqual(['referring', 2]);
  });

  it('does not wait ten minutes after 90034 for a far end that has answered', () => {
    const d = drive(decision([say('Welcome.'), refer('a')]));
    const { facts } = webhook('call.initiated');
    d.hook('call.initiated', { facts: { ...facts, direction: 'outgoing' } });
    d.hook('call.answered');
    d.outcome(d.last('speak'), rejected('90034'));
    const { now } = d;
    d.fall();
    expect(d.now - now).toBe(10_000);
    d.outcome(d.last('probe'), ALIVE);
    expect([d.call.phase, d.count('speak'), d.count('answer')]).toEqual(['speaking', 2, 0]);
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

describe('a request of which nobody knows', () => {
  const unknown: Outcome = { kind: 'unknown', detail: 'the connection was cut' };

  it('has the time of its step from when it first left, before anybody else is called', () => {
    const d = drive(decision([refer('a', { timeoutMs: 30_000 }), refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const [command, started] = [d.last('refer'), d.now];
    d.now = started + 30_000;
    // Telnyx's rate limit had lasted for all but the last second.
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
