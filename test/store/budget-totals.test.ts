import { expect, test } from 'vitest';
import { BudgetTotals } from '../../src/store/budget-totals.ts';
import { aCall, anAttempt, aUnit } from '../helpers/documents.ts';

const ask = { callers: [], limit: 10_000, since: 0 };

function started(totals: BudgetTotals, result: 'committed' | 'conflict', ...ids: string[]): void {
  const attempts = ids.map((id) => anAttempt(id, { startedAt: 5_000 }));
  totals.committed([aUnit(aCall('call', { attempts }), 1)], [result]);
}

test('few are counted anew every time', () => {
  const totals = new BudgetTotals();
  totals.counted({ refers: 900, transfers: 100 }, ask.limit, 5_000, 0, 1);
  expect(totals.known(ask, 0)).toBeNull();
});

test('many are kept for a while, and what was committed since is added once', () => {
  const totals = new BudgetTotals();
  totals.counted({ refers: 9_990, transfers: 100 }, ask.limit, 5_000, 0, 1);
  started(totals, 'committed', 'a', 'b');
  started(totals, 'committed', 'a', 'b', 'c');
  started(totals, 'conflict', 'd');
  expect(totals.known(ask, 500)).toEqual({ refers: 9_993, transfers: 100 });
  expect(totals.known(ask, 1_000)).toBeNull();
});

test('attempts of before the count, unsent ones and transfers are told apart', () => {
  const totals = new BudgetTotals();
  totals.counted({ refers: 5_000, transfers: 0 }, ask.limit, 5_000, 0, 1);
  const attempts = [
    anAttempt('old', { startedAt: 4_999 }),
    anAttempt('unsent', { startedAt: 5_001, unsent: true }),
    anAttempt('transfer', { startedAt: 5_001, kind: 'transfer' }),
  ];
  totals.committed([aUnit(aCall('call', { attempts }), 1)], ['committed']);
  expect(totals.known(ask, 500)).toEqual({ refers: 5_000, transfers: 1 });
});

test('never more than the limit is told, and another limit is another question', () => {
  const totals = new BudgetTotals();
  totals.counted({ refers: 10_000, transfers: 0 }, ask.limit, 5_000, 0, 1);
  started(totals, 'committed', 'a');
  expect(totals.known(ask, 500)?.refers).toBe(10_000);
  expect(totals.known({ ...ask, limit: 20_000 }, 500)).toBeNull();
});

test('the longer the counting took, the longer it is kept', () => {
  const totals = new BudgetTotals();
  totals.counted({ refers: 5_000, transfers: 0 }, ask.limit, 5_000, 0, 50);
  expect(totals.known(ask, 4_999)).not.toBeNull();
  expect(totals.known(ask, 5_000)).toBeNull();
  totals.counted({ refers: 5_000, transfers: 0 }, ask.limit, 5_000, 0, 10_000);
  expect(totals.known(ask, 30_000)).toBeNull();
});
