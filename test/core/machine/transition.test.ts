/** A call from its first event to its end, and legs that we ignore. */
import { describe, expect, it } from 'vitest';
import { decodeEnvelope } from '../../../src/core/machine/client-state.ts';
import { ALIVE, decision, drive, refer, rejected, say, webhook } from '../../helpers/machine.ts';

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
    expect(decodeEnvelope(d.last('refer').clientState)).toEqual({
      id: attempt?.id,
      foreignState: 'dGhlaXJz',
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

  it.each([
    'call.machine.detection.ended',
    'call.machine.premium.detection.ended',
    'call.machine.greeting.ended',
    'call.dtmf.received',
  ])('whose answer was lost is moved at %s, which only an answered leg has', (type) => {
    const d = outgoing(refer('a'));
    d.hook('call.speak.started');
    expect(d.call.phase).toBe('answering');
    d.hook(type);
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
