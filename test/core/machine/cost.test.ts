/**
 * The cost of a call: stored once, whenever and however often it is reported, and without any other
 * effect.
 */
import { describe, expect, it } from 'vitest';
import { COSTS_MAX, costTarget, costTotals } from '../../../src/core/machine/cost.ts';
import { anAttempt } from '../../helpers/documents.ts';
import { CALL, decision, drive, refer, transfer } from '../../helpers/machine.ts';

const usd = (part: string, amount: string) => ({ part, currency: 'USD', amount });
const cost = (...parts: ReturnType<typeof usd>[]) => ({ cost: { parts, problem: null } });
const TWO_PARTS = cost(usd('call-control', '0.0020'), usd('sip-trunking', '0.1022'));

describe('call.cost', () => {
  it('after the hangup is kept with its parts, as an ordinary event', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.hook('call.hangup');
    const { commands, notices } = d.hook('call.cost', TWO_PARTS);
    expect(costTotals(d.call.costs)).toEqual([
      {
        currency: 'USD',
        amount: '0.1042',
        parts: [
          { part: 'call-control', amount: '0.0020' },
          { part: 'sip-trunking', amount: '0.1022' },
        ],
      },
    ]);
    expect(commands).toEqual([]);
    expect(notices).toEqual([]);
  });

  it('before the hangup changes nothing but the cost', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const before = d.call;
    const { commands, cancel } = d.hook('call.cost', TWO_PARTS);
    expect({ ...d.call, costs: [] }).toEqual(before);
    expect([commands, cancel]).toEqual([[], []]);
    d.hook('call.hangup');
    expect(costTotals(d.call.costs)[0]?.amount).toBe('0.1042');
  });

  it('under another event id is the same cost; a part that is new in it is added', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.hook('call.hangup');
    d.hook('call.cost', TWO_PARTS);
    const { notes } = d.hook('call.cost', TWO_PARTS);
    expect(notes).toEqual(['cost: known already']);
    expect(costTotals(d.call.costs)[0]?.amount).toBe('0.1042');
    d.hook('call.cost', cost(usd('call-control', '0.0020'), usd('recording', '0.0100')));
    expect(costTotals(d.call.costs)[0]?.amount).toBe('0.1142');
  });

  it('in a second currency has a sum of its own', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.hook('call.hangup');
    const euros = { part: 'sip-trunking', currency: 'EUR', amount: '0.5' };
    const { notes } = d.hook('call.cost', cost(usd('call-control', '0.0020'), euros));
    expect(costTotals(d.call.costs)).toMatchObject([
      { currency: 'USD', amount: '0.0020' },
      { currency: 'EUR', amount: '0.5' },
    ]);
    expect(notes).toEqual(['cost: 0.0020 USD, 0.5 EUR']);
  });

  it('that is a credit lowers the sum', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.hook('call.cost', cost(usd('call-control', '0.0020'), usd('credit', '-0.0050')));
    expect(costTotals(d.call.costs)[0]?.amount).toBe('-0.0030');
  });

  it('that cannot be read says so and keeps the rest', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    const problem = '1 of 2 cost_parts have no readable cost and currency';
    d.hook('call.cost', { cost: { parts: [usd('a', '0.1')], problem } });
    expect(d.notices).toContainEqual({ kind: 'cost_unreadable', problem });
    expect(costTotals(d.call.costs)[0]?.amount).toBe('0.1');
    d.hook('call.cost', { cost: { parts: [], problem: 'cost_parts is missing or empty' } });
    expect(d.call.costs).toHaveLength(1);
  });

  it('of a B-leg belongs to its caller, and leaves the attempt alone', () => {
    const d = drive(decision([transfer('+14155550199')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('transfer'));
    const before = d.call;
    d.put({
      source: 'b_leg',
      id: 'cost-of-b-leg',
      callId: CALL,
      type: 'call.cost',
      receivedAt: 0,
      occurredAt: null,
      bLegId: 'v3:b-leg',
      attemptId: d.last('transfer').id,
      hangupCause: null,
      sipHangupCause: null,
      ...cost(usd('sip-trunking', '0.0050')),
    });
    expect({ ...d.call, costs: [] }).toEqual(before);
    d.hook('call.cost', cost(usd('sip-trunking', '0.0035')));
    expect(costTotals(d.call.costs)).toMatchObject([{ amount: '0.0085' }]);
  });

  it('is all that was ever heard of a leg: it is over, and Telnyx is not asked', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.cost', TWO_PARTS);
    d.fall('undecided');
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'ignored', deadlines: [] });
    expect(d.commands).toEqual([]);
    expect(d.notices.map(({ kind }) => kind)).not.toContain('found_dead');
  });

  it('that overtook call.initiated does not keep the caller from being moved', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.cost', TWO_PARTS);
    d.hook('call.initiated');
    expect(d.call.phase).toBe('answering');
  });

  it('has a bound, however much of it is sent', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    for (let n = 0; n < COSTS_MAX + 5; n += 1) d.hook('call.cost', cost(usd(`part ${n}`, '1')));
    expect(d.call.costs).toHaveLength(COSTS_MAX);
  });
});

describe('a cost counts for the target', () => {
  const call = (...attempts: ReturnType<typeof anAttempt>[]) => ({ ...drive0(), attempts });
  const drive0 = () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    return d.call;
  };
  const busy = anAttempt('1', { target: 'first', verdict: 'busy' });
  const reached = anAttempt('2', { target: 'second', verdict: 'completed' });
  const open = anAttempt('3', { target: null });

  it.each([
    ['that was reached', call(busy, reached, open), 'second'],
    ['that was tried last', call(reached, busy).attempts.slice(1), 'first'],
    ['that is a literal destination', [open], null],
    ['of nobody, where nobody was moved', [], undefined],
  ])('%s', (_, given, target) => {
    expect(costTarget(Array.isArray(given) ? call(...given) : given)).toBe(target);
  });
});
