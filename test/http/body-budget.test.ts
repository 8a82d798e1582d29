import { expect, test } from 'vitest';
import { createBodyBudget } from '../../src/http/body-budget.ts';

test('beyond the budget the largest unfinished body gives way, of equal ones the oldest', () => {
  const { budget, begin, gone } = scene(100);
  begin('older').grow(40);
  begin('newer').grow(40);
  begin('small').grow(20);
  expect([gone, budget.held()]).toEqual([[], 100]);

  begin('another').grow(1);
  expect([gone, budget.held()]).toEqual([['older'], 61]);
});

test('a body that would be the largest gives way itself', () => {
  const { budget, begin, gone } = scene(100);
  begin('small').grow(30);
  const large = begin('large');
  large.grow(60);
  large.grow(120);
  expect([gone, budget.held()]).toEqual([['large'], 30]);
});

test('as many give way as are needed', () => {
  const { budget, begin, gone } = scene(100);
  for (const name of ['a', 'b', 'c', 'd']) begin(name).grow(25);
  const growing = begin('e');
  growing.grow(20);
  expect([gone, budget.held()]).toEqual([['a'], 95]);
  growing.grow(24);
  begin('f').grow(24);
  expect([gone, budget.held()]).toEqual([['a', 'b'], 98]);
});

test('a complete body counts until it is answered, but does not give way', () => {
  const { budget, begin, gone } = scene(100);
  const complete = begin('complete');
  complete.grow(90);
  complete.complete();
  begin('next').grow(20);
  expect([gone, budget.held()]).toEqual([['next'], 90]);

  complete.end();
  complete.end();
  begin('afterwards').grow(100);
  expect([gone, budget.held()]).toEqual([['next'], 100]);
});

test('the budget is never exceeded, and nothing is left when all have ended', () => {
  const { budget, begin } = scene(1_000);
  const bodies = Array.from({ length: 200 }, (_, i) => begin(String(i)));
  for (let bytes = 1; bytes <= 64; bytes *= 2) {
    for (const [i, body] of bodies.entries()) {
      if (i % 7 === 0) body.complete();
      else body.grow(bytes * (1 + (i % 3)));
      expect(budget.held()).toBeLessThanOrEqual(1_000);
    }
  }
  for (const body of bodies) body.end();
  expect(budget.held()).toBe(0);
});

function scene(bytesMax: number) {
  const budget = createBodyBudget(bytesMax);
  const gone: string[] = [];
  return { budget, gone, begin: (name: string) => budget.begin(() => gone.push(name)) };
}
