/**
 * The payload of `call.cost`: amounts are decimal text, or numbers if something on the way has
 * converted them.
 */

import type { ReportedCost } from '../core/machine/cost.ts';
import { addDecimals, readDecimal } from '../core/machine/decimal.ts';
import { asArray, asObject, asText, type Fields, field } from './fields.ts';

const PARTS_MAX = 20;
const PART_CHARS = 64;
/** For a part without a name; Telnyx does not publish a list of the parts. */
const UNNAMED_PART = 'unknown';

export function costOf(payload: Fields): ReportedCost {
  if (field(payload, 'status') === 'error') {
    return { parts: [], problem: 'Telnyx could not calculate it (status "error")' };
  }
  const all = asArray(field(payload, 'cost_parts'));
  const read = all.slice(0, PARTS_MAX).map(partOf);
  const parts = read.filter((part) => part !== null);
  return { parts: summed(parts), problem: problemOf(payload, all.length, parts.length) };
}

function partOf(value: unknown): ReportedCost['parts'][number] | null {
  const fields = asObject(value);
  if (fields === null) return null;
  const amount = readDecimal(field(fields, 'cost'));
  const currency = currencyOf(field(fields, 'currency'));
  if (amount === null || currency === null) return null;
  const name = asText(field(fields, 'call_part'), PART_CHARS)?.trim();
  return { part: name || UNNAMED_PART, currency, amount };
}

function currencyOf(value: unknown): string | null {
  const text = typeof value === 'string' ? value.trim().toUpperCase() : '';
  return /^[A-Z]{3}$/.test(text) ? text : null;
}

/** A part that is listed twice means two charges of the same kind. */
function summed(parts: ReportedCost['parts']): ReportedCost['parts'] {
  const sums = new Map<string, ReportedCost['parts'][number]>();
  for (const part of parts) {
    const key = `${part.currency} ${part.part}`;
    const known = sums.get(key);
    const amount = known === undefined ? part.amount : addDecimals(known.amount, part.amount);
    sums.set(key, { ...part, amount });
  }
  return [...sums.values()];
}

function problemOf(payload: Fields, parts: number, read: number): string | null {
  if (parts === 0) {
    const total = readDecimal(field(payload, 'total_cost'));
    const said = total === null ? '' : `; total_cost is ${total}, of no currency`;
    return `cost_parts is missing or empty${said}`;
  }
  if (read === parts) return null;
  return `${parts - read} of ${parts} cost_parts have no readable cost and currency`;
}
