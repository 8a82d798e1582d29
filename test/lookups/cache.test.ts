import { expect, test } from 'vitest';
import type { LookupRequest } from '../../src/core/machine/command.ts';
import { AnswerCache } from '../../src/lookups/cache.ts';

const request = (url: string): LookupRequest => ({
  name: 'crm',
  url,
  headers: [],
  keep: [],
  timeoutMs: 400,
  cacheMs: 1_000,
});
const answer = (tier: string) => ({ result: 'found' as const, values: { tier } });

test('an answer serves for its time, and a newer one replaces it', () => {
  const cache = new AnswerCache();
  cache.set(request('a'), answer('gold'), 0);
  expect(cache.get(request('a'), 999)).toEqual(answer('gold'));
  expect(cache.get(request('b'), 999)).toBeNull();
  cache.set(request('a'), answer('silver'), 999);
  expect(cache.get(request('a'), 1_998)).toEqual(answer('silver'));
  expect(cache.get(request('a'), 1_999)).toBeNull();
});

test('it is bounded: what was not used for the longest time goes first', () => {
  const cache = new AnswerCache(1_000);
  for (const url of ['a', 'b', 'c']) cache.set(request(url), answer('x'.repeat(250)), 0);
  cache.get(request('a'), 1);
  cache.set(request('d'), answer('x'.repeat(250)), 1);
  const known = ['a', 'b', 'c', 'd'].filter((url) => cache.get(request(url), 2) !== null);
  expect(known).toEqual(['a', 'c', 'd']);
});
