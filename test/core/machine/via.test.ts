/** `via`: the other way to a target is only tried after a refusal. */
import { describe, expect, it } from 'vitest';
import type { Step } from '../../../src/core/machine/plan.ts';
import {
  ALIVE,
  bare,
  byTransfer,
  decision,
  drive,
  refer,
  referring,
  rejected,
  say,
  stamp,
  transfer,
} from '../../helpers/machine.ts';

/** An answered call whose first move has been requested but not answered. */
function requested(...steps: Step[]) {
  const d = drive(decision(steps));
  d.hook('call.initiated');
  d.hook('call.answered');
  return d;
}

const both = (more = {}) => refer('a', { otherWay: byTransfer('a'), ...more });

describe('the other way', () => {
  it('follows a REFER that is not allowed, before if_failed and the next step', () => {
    const d = referring(both({ ifFailed: { not_allowed: [say('No.')] } }), refer('b'));
    d.hook('call.refer.failed', { sipNotifyResponse: 405, ...stamp(d) });
    expect(d.last('transfer')).toMatchObject({ to: 'sip:a@pbx.example.com' });
    expect(d.call.attempts).toMatchObject([
      { kind: 'refer', target: 'a', verdict: 'not_allowed' },
      { kind: 'transfer', target: 'a', verdict: null },
    ]);
  });

  it('follows a request that Telnyx refuses, and a budget that is used up', () => {
    const refused = requested(both());
    refused.outcome(refused.last('refer'), rejected('10015'));
    expect(refused.count('transfer')).toBe(1);
    const spent = referring(...Array.from({ length: 5 }, (_, n) => refer(`x${n}`)), both());
    for (let n = 0; n < 5; n += 1) {
      spent.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(spent) });
    }
    expect(spent.count('refer')).toBe(5);
    expect(spent.last('transfer')).toMatchObject({ to: 'sip:a@pbx.example.com' });
  });

  it.each([486, 404, 503, 603])('does not follow a target that was called: %i', (code) => {
    const d = referring(both(), refer('b'));
    d.hook('call.refer.started', { sipNotifyResponse: 180, ...stamp(d) });
    d.hook('call.refer.failed', { sipNotifyResponse: code, ...stamp(d) });
    expect(d.count('transfer')).toBe(0);
    expect(d.call.attempts[1]?.target).toBe('b');
  });

  it('does not follow silence, nor a request of which nobody knows what became of it', () => {
    const silent = referring(both(), say('Sorry.'));
    silent.fall('attempt');
    silent.outcome(silent.last('probe'), ALIVE);
    expect(silent.count('transfer')).toBe(0);
    expect(silent.call.attempts).toMatchObject([{ verdict: 'no_verdict' }]);
    const unknown = requested(both(), say('Sorry.'));
    unknown.outcome(unknown.last('refer'), { kind: 'unknown', detail: 'no answer' });
    unknown.fall('attempt');
    unknown.outcome(unknown.last('probe'), ALIVE);
    expect(unknown.count('transfer')).toBe(0);
  });

  it('asks the same if_failed once every way is closed, then the rest of the list', () => {
    const d = referring(both({ ifFailed: { rejected: [say('No.')] } }), refer('b'));
    d.hook('call.refer.failed', { sipNotifyResponse: 405, ...stamp(d) });
    d.outcome(d.last('transfer'), rejected('10015'));
    expect(d.last('speak')).toMatchObject({ text: 'No.' });
    const on = referring(both(), refer('b'));
    on.hook('call.refer.failed', { sipNotifyResponse: 405, ...stamp(on) });
    on.outcome(on.last('transfer'), rejected('10015'));
    expect(on.call.attempts.map(({ target }) => target)).toEqual(['a', 'a', 'b']);
  });

  it('keeps the siblings of a pick before any', () => {
    const d = referring(both({ sibling: true, ifFailed: { any: [say('No.')] } }), refer('b'));
    d.hook('call.refer.failed', { sipNotifyResponse: 405, ...stamp(d) });
    d.outcome(d.last('transfer'), rejected('10015'));
    expect(d.call.attempts.at(-1)?.target).toBe('b');
  });

  it('may be a REFER after a transfer', () => {
    const first = transfer('sip:a@pbx.example.com', { target: 'a', otherWay: bare(refer('a')) });
    const d = requested(first);
    d.outcome(d.last('transfer'), rejected('10015'));
    expect(d.last('refer')).toMatchObject({ sipAddress: 'sip:a@pbx.example.com' });
  });
});
