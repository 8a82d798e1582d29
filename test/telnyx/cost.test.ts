import { describe, expect, it } from 'vitest';
import type { VerifiedBody } from '../../src/telnyx/signature.ts';
import { parseWebhook } from '../../src/telnyx/webhook.ts';
import { webhookBody } from '../helpers/webhooks.ts';

function costOf(payload: Record<string, unknown>) {
  const parsed = parseWebhook(Buffer.from(webhookBody('call.cost', payload)) as VerifiedBody, 0);
  if (parsed.kind !== 'call') throw new Error(`it is ${parsed.kind}`);
  return parsed.event.cost;
}

const PART = {
  billed_duration_secs: 60,
  call_part: 'call-control',
  cost: '0.0020',
  currency: 'USD',
  rate: '0.0020',
};

describe('call.cost', () => {
  it('is read with all its parts', () => {
    const trunk = { ...PART, call_part: 'sip-trunking', cost: '0.1022' };
    const payload = { cost_parts: [PART, trunk], status: 'success', total_cost: '0.1042' };
    expect(costOf(payload)).toEqual({
      parts: [
        { part: 'call-control', currency: 'USD', amount: '0.0020' },
        { part: 'sip-trunking', currency: 'USD', amount: '0.1022' },
      ],
      problem: null,
    });
  });

  it.each([
    [
      { ...PART, cost: 0.1042 },
      { part: 'call-control', currency: 'USD', amount: '0.1042' },
    ],
    [
      { ...PART, cost: '-0.01' },
      { part: 'call-control', currency: 'USD', amount: '-0.01' },
    ],
    [
      { ...PART, currency: 'eur' },
      { part: 'call-control', currency: 'EUR', amount: '0.0020' },
    ],
    [
      { cost: '1', currency: 'USD' },
      { part: 'unknown', currency: 'USD', amount: '1' },
    ],
    [
      { ...PART, call_part: 7 },
      { part: '7', currency: 'USD', amount: '0.0020' },
    ],
  ])('reads the part %j', (given, part) => {
    expect(costOf({ cost_parts: [given] })).toEqual({ parts: [part], problem: null });
  });

  it('sums parts of one name: they are two charges', () => {
    const { parts } = costOf({ cost_parts: [PART, { ...PART, cost: '0.0001' }] }) ?? {};
    expect(parts).toEqual([{ part: 'call-control', currency: 'USD', amount: '0.0021' }]);
  });

  it.each([
    [{ ...PART, cost: null }],
    [{ ...PART, cost: 'free' }],
    [{ ...PART, cost: { amount: 1 } }],
    [{ ...PART, currency: null }],
    [{ ...PART, currency: 'dollars' }],
    ['0.0020'],
    [null],
  ])('keeps the other parts where one is %j', (bad) => {
    expect(costOf({ cost_parts: [bad, PART] })).toEqual({
      parts: [{ part: 'call-control', currency: 'USD', amount: '0.0020' }],
      problem: '1 of 2 cost_parts have no readable cost and currency',
    });
  });

  it.each([
    [{}, 'cost_parts is missing or empty'],
    [{ cost_parts: null, total_cost: null }, 'cost_parts is missing or empty'],
    [{ cost_parts: 'none' }, 'cost_parts is missing or empty'],
    [
      { cost_parts: [], total_cost: '0.1042' },
      'cost_parts is missing or empty; total_cost is 0.1042, of no currency',
    ],
    [
      { status: 'error', cost_parts: [PART], total_cost: null },
      'Telnyx could not calculate it (status "error")',
    ],
  ])('says what is wrong with %j', (payload, problem) => {
    expect(costOf(payload)).toEqual({ parts: [], problem });
  });

  it('has a bound of parts', () => {
    const cost_parts = Array.from({ length: 1_000 }, (_, n) => ({ ...PART, call_part: `p${n}` }));
    expect(costOf({ cost_parts })).toMatchObject({
      parts: { length: 20 },
      problem: '980 of 1000 cost_parts have no readable cost and currency',
    });
  });
});
