import { expect, test } from 'vitest';
import { readingOf } from '../../../src/telnyx/account/reading.ts';

const RETRY_MS = 500;
const KEY = 'KEY_of_this_test';

function read(status: number, text: string, headers: Record<string, string> = {}) {
  const get = (name: string) => headers[name] ?? null;
  return readingOf({ status, headers: { get } }, text, { apiKey: KEY, retryMs: RETRY_MS });
}

test.each([200, 201, 299])('%i with an object is a value', (status) => {
  const reading = { end: 'value', value: { data: [] } };
  expect(read(status, '{"data":[]}')).toEqual({ reading, againMs: null });
});

test.each(['<html></html>', '[]', '""', ''])('200 with %j is no answer of Telnyx', (text) => {
  expect(read(200, text)).toEqual({
    reading: { end: 'unreachable', why: expect.stringContaining("not Telnyx's JSON") },
    againMs: null,
  });
});

test.each([
  [401, { end: 'denied', status: 401 }, null],
  [403, { end: 'denied', status: 403 }, null],
  [404, { end: 'missing' }, null],
  [302, { end: 'unreachable' }, null],
  [422, { end: 'unreachable' }, null],
  [500, { end: 'unreachable' }, RETRY_MS],
  [503, { end: 'unreachable' }, RETRY_MS],
])('%i ends as %j and is repeated after %s ms', (status, ended, againMs) => {
  const body = JSON.stringify({ errors: [{ code: '10015', title: `refused for ${KEY}` }] });
  const { reading, ...rest } = read(status, body);
  expect(rest).toEqual({ againMs });
  expect(reading).toMatchObject({ ...ended, why: expect.stringContaining(`HTTP ${status}`) });
  if (status >= 400) expect(JSON.stringify(reading)).not.toContain(KEY);
});

test.each([
  [{}, RETRY_MS],
  [{ 'x-ratelimit-reset': '2', 'retry-after': '3' }, 2_000],
  [{ 'retry-after': '3' }, 3_000],
  [{ 'x-ratelimit-reset': '3600' }, 10_000],
])('429 with %j is repeated after %i ms', (headers, againMs) => {
  expect(read(429, '{}', headers)).toMatchObject({ reading: { end: 'unreachable' }, againMs });
});
