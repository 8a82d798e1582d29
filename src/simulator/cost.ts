/** The cost of a leg: per started minute, in the parts that a `call.cost` webhook lists. */
import type { Leg, Payload } from './leg.ts';

/** In ten-thousandths of a dollar per minute: invented, but of the same size as Telnyx's rates. */
const RATES: Readonly<Record<Leg['direction'], Readonly<Record<string, number>>>> = {
  incoming: { 'call-control': 20, 'sip-trunking': 35 },
  outgoing: { 'call-control': 20, 'sip-trunking': 50 },
};
const CURRENCY = 'USD';

/** A leg that was not answered costs nothing but is reported too. */
export function costPayload(leg: Leg, occurredAt: string): Payload {
  const minutes = minutesOf(leg);
  const rates = Object.entries(RATES[leg.direction]);
  const total = rates.reduce((sum, [, rate]) => sum + rate * minutes, 0);
  return {
    billed_duration_secs: minutes * 60,
    billing_group_id: null,
    cost_parts: rates.map(([part, rate]) => ({
      billed_duration_secs: minutes * 60,
      call_part: part,
      cost: dollars(rate * minutes),
      currency: CURRENCY,
      rate: dollars(rate),
    })),
    occurred_at: occurredAt,
    status: 'success',
    total_cost: dollars(total),
  };
}

function minutesOf({ answeredAt, endedAt }: Leg): number {
  if (answeredAt === null || endedAt === null) return 0;
  return Math.max(1, Math.ceil((Date.parse(endedAt) - Date.parse(answeredAt)) / 60_000));
}

function dollars(tenThousandths: number): string {
  return (tenThousandths / 10_000).toFixed(4);
}
