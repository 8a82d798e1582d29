/** Deadlines, and repeated hangups until the leg has ended. */
import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/core/machine/command.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import { ALIVE, decision, drive, refer, referring } from '../../helpers/machine.ts';

const MENU: Step = {
  do: 'menu',
  text: 'For sales press 1.',
  voice: 'v',
  language: null,
  digits: { '1': [{ do: 'play', url: 'https://example.com/sales.mp3' }] },
  tries: 1,
  timeoutMs: 5_000,
};

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

describe('deadlines', () => {
  it('are postponed once by 15 s where they were found late', () => {
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

  it.each<[Command['action'], Step]>([
    ['refer', refer('a')],
    ['gather_using_speak', MENU],
  ])('are postponed where the outcome itself comes late: no process ran (%s)', (action, step) => {
    const d = drive(decision([step, refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const sentAt = d.now;
    d.now += 90_000;
    d.outcome(d.last(action), { kind: 'unknown', detail: 'its time is over' }, sentAt);
    expect(d.count('probe')).toBe(0);
    // Telnyx delivers again what it could not deliver.
    d.now += 10_000;
    const { clientState } = d.last(action);
    if (action === 'refer') d.hook('call.refer.started', { sipNotifyResponse: 180, clientState });
    else d.hook('call.gather.ended', { digits: '1', status: 'valid', clientState });
    d.fall(action === 'refer' ? 'attempt' : 'step');
    if (action === 'refer') d.outcome(d.last('probe'), ALIVE);
    expect(d.call.attempts.map(({ target }) => target)).not.toContain('b');
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
