/** A manual refer: a plan of one step that interrupts whatever is in progress. */
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../src/core/machine/command.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import {
  ALIVE,
  decision,
  drive,
  looping,
  refer,
  referring,
  rejected,
  say,
  stamp,
  transfer,
} from '../../helpers/machine.ts';

describe('a manual refer', () => {
  const byHand = {
    source: 'manual',
    id: 'manual:1',
    callId: 'x',
    type: 'manual.refer',
    receivedAt: 0,
    occurredAt: null,
  } as const;

  // Without an envelope, or with that of the manual refer, which was the last command.
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
      // gather_using_speak has no `stop` field, so it is sent after the loop's stop was accepted.
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

    it('returns to its menu though the end of the words before came meanwhile', () => {
      const menu: Step = {
        do: 'menu',
        text: 'Press 1 for sales.',
        voice: 'v',
        language: null,
        digits: { '1': [refer('one')] },
        tries: 2,
        timeoutMs: 8_000,
      };
      const d = drive(decision([say('Welcome.'), menu, refer('next')]));
      d.hook('call.initiated');
      d.hook('call.answered');
      const { clientState } = d.last('speak');
      d.fall('step');
      d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
      d.hook('call.speak.ended', { clientState });
      d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
      expect(d.call.phase).toBe('gathering');
      d.hook('call.gather.ended', { ...stamp(d), digits: '1', status: 'valid' });
      expect(d.call.attempts.at(-1)?.target).toBe('one');
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

  /** A transfer that was bridged. */
  const talking = () => {
    const d = drive(decision([transfer('+14155550199')], { policy: looping('Hold.') }));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('speak'));
    d.accept(d.last('transfer'));
    d.hook('call.bridged');
    d.accept(d.last('playback_stop'));
    const farHangsUp = () =>
      d.put({
        source: 'b_leg',
        id: 'far-hangup',
        callId: d.call.id,
        type: 'call.hangup',
        receivedAt: 0,
        occurredAt: null,
        bLegId: 'v3:far',
        attemptId: d.call.attempts[0]?.id ?? null,
        hangupCause: 'normal_clearing',
        sipHangupCause: '200',
      });
    return { d, farHangsUp };
  };

  it('plays nothing into a conversation, but does not leave silence after it', () => {
    const { d, farHangsUp } = talking();
    const heard = d.count('speak');
    d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
    expect(d.count('speak')).toBe(heard);
    farHangsUp();
    expect(d.count('speak')).toBe(heard + 1);
    expect(d.last('speak')).toMatchObject({ text: 'Hold.', loop: true });
  });

  // A hangup that Telnyx owes: without its deadline the caller would stay on a silent line.
  it.each(['before it', 'during it', 'never'] as const)(
    'returns the call to its conversation, whose other side hung up %s',
    (when) => {
      const { d, farHangsUp } = talking();
      if (when === 'before it') farHangsUp();
      d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
      if (when === 'during it') farHangsUp();
      d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
      expect(d.call.phase).toBe('bridged');
      expect(d.call.deadlines.map(({ name }) => name)).toEqual([
        when === 'never' ? 'watch' : 'referred',
      ]);
    },
  );

  it('is refused while the call is being moved, and once it has ended', () => {
    const d = referring(refer('a'));
    expect(d.put({ ...byHand, callId: d.call.id, step: refer('hand') }).refused).toBe(
      'being_moved',
    );
    d.hook('call.hangup');
    expect(d.put({ ...byHand, callId: d.call.id, step: refer('hand') }).refused).toBe('ended');
  });

  const patience = { ...looping(''), whileMoving: null, patienceMs: 20_000 };
  /** Patience has ended the only target, which was silent or rang; the last resort speaks. */
  const impatient = (rings: boolean) => {
    const d = drive(decision([refer('a')], { policy: patience }));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('refer'));
    if (rings) d.hook('call.refer.started', { sipNotifyResponse: 180, ...stamp(d) });
    d.fall('patience');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call).toMatchObject({ phase: 'speaking', patienceOver: true });
    return d;
  };

  it('is refused where patience ended a target that rings, until that has failed', () => {
    const d = impatient(true);
    const again = { ...byHand, callId: d.call.id, step: refer('hand') };
    expect(d.put(again).refused).toBe('being_moved');
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.put(again).refused).toBeNull();
  });

  describe('has the time of its target', () => {
    const dueOf = (d: ReturnType<typeof drive>) =>
      d.call.deadlines.find(({ name }) => name === 'attempt')?.dueAt;

    it('though patience was over, also where the outcome of its request is unknown', () => {
      const d = impatient(false);
      d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
      const started = d.now;
      d.now += 600;
      const repeated: Outcome = { kind: 'unknown', detail: 'a repetition was refused' };
      d.outcome(d.last('refer'), repeated, started);
      expect(d.call).toMatchObject({ phase: 'referring', probe: null });
      expect(dueOf(d)).toBe(started + 30_000);
    });

    it('though patience of the plan runs out meanwhile', () => {
      const d = drive(decision([refer('a'), say('A long text.')], { policy: patience }));
      d.hook('call.initiated');
      d.hook('call.answered');
      d.now += 15_000;
      d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
      d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
      expect(d.last('refer').giveUpAt).toBe(d.now + 30_000);
      d.accept(d.last('refer'));
      const due = dueOf(d);
      d.fall('patience');
      expect(d.call).toMatchObject({ phase: 'referring', probe: null, patienceOver: true });
      expect(dueOf(d)).toBe(due);
    });

    it('though another manual refer came before it', () => {
      const d = drive(decision([{ do: 'ignore' }], { policy: patience }));
      d.hook('call.initiated');
      d.hook('call.answered');
      d.put({ ...byHand, callId: d.call.id, step: refer('hand') });
      d.accept(d.last('refer'));
      d.now += 18_000;
      d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
      d.put({ ...byHand, id: 'manual:2', callId: d.call.id, step: refer('other') });
      expect(d.last('refer').giveUpAt).toBe(d.now + 30_000);
      expect(d.call.deadlines.map(({ name }) => name)).toEqual(['attempt']);
    });
  });
});
