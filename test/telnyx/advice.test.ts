import { expect, test } from 'vitest';
import { VERDICTS } from '../../src/core/machine/verdict.ts';
import { adviceFor, adviceForAttempt } from '../../src/telnyx/advice.ts';
import { anAttempt } from '../helpers/documents.ts';

test("a caller's side that does not allow REFER is advised to enable call transfer, or to use transfer", () => {
  const advice = adviceFor({ verdict: 'not_allowed', sipNotifyResponse: 405 });
  expect(advice?.meaning).toBe("The caller's side does not allow REFER.");
  expect(advice?.fix).toMatch(/[Ee]nable call transfer.*use a transfer step/);
});

test.each([
  [603, /does not allow REFER/],
  [501, /does not allow REFER/],
  [420, /does not allow REFER/],
  [481, /no longer knows this call/],
])('%i as the answer to the REFER itself is no word of the phone behind it', (code, meaning) => {
  expect(adviceFor({ verdict: 'not_allowed', sipNotifyResponse: code })?.meaning).toMatch(meaning);
});

test('603 and 501 after ringing are explained by the phone and by its server', () => {
  const after = (verdict: 'declined' | 'server_error', sipNotifyResponse: number) =>
    adviceFor({ verdict, sipNotifyResponse })?.meaning;
  expect(after('declined', 603)).toBe('The target declined the call.');
  expect(after('server_error', 501)).toBe("The target's server failed.");
});

test('a refused API key names the setting, whether by status or by code', () => {
  expect(adviceFor({ verdict: 'rejected', status: 401 })?.fix).toContain('TELNYX_API_KEY');
  expect(adviceFor({ verdict: 'rejected', status: 403 })?.fix).toContain('TELNYX_API_KEY');
  expect(adviceFor({ code: '10009' })?.fix).toContain('TELNYX_API_KEY');
  expect(adviceFor({ status: 404 })?.fix).toContain('TELNYX_API_URL');
});

test('what the far end said outweighs our verdict, and a code outweighs its status', () => {
  expect(adviceFor({ verdict: 'declined', sipNotifyResponse: 486 })?.meaning).toContain('busy');
  expect(adviceFor({ code: '90018', status: 422 })?.meaning).toContain('already ended');
});

test('a missing NOTIFY is explained', () => {
  expect(adviceFor({ verdict: 'no_verdict' })?.cause).toContain('NOTIFY');
});

test('no clear answer of Telnyx is not blamed on the side of the caller or the target', () => {
  for (const kind of ['refer', 'transfer'] as const) {
    const advice = adviceFor({ verdict: 'no_verdict', kind, maybeTried: true });
    expect(advice?.meaning).toContain('whether Telnyx executed the command');
  }
});

test('a transfer has no REFER that its advice could be about', () => {
  for (const verdict of VERDICTS) {
    const advice = adviceFor({ verdict, kind: 'transfer' });
    expect(JSON.stringify(advice), verdict).not.toMatch(/REFER|NOTIFY|bye_without/);
    expect(advice === null, verdict).toBe(adviceFor({ verdict }) === null);
  }
  expect(adviceFor({ verdict: 'no_verdict', kind: 'transfer' })?.cause).toContain('B-leg');
  expect(adviceFor({ verdict: 'busy', kind: 'transfer' })).toEqual(adviceFor({ verdict: 'busy' }));
});

test('every failed verdict has advice, a success has none', () => {
  const none = ['completed', 'abandoned', 'skipped'];
  const failed = VERDICTS.filter((verdict) => !none.includes(verdict));
  expect(failed).toHaveLength(9);
  for (const verdict of failed) expect(adviceFor({ verdict })).not.toBeNull();
  expect(adviceFor({ verdict: 'completed', sipNotifyResponse: 200 })).toBeNull();
  expect(adviceFor({ verdict: 'abandoned' })).toBeNull();
  expect(adviceFor({ verdict: 'skipped' })).toBeNull();
  expect(adviceFor({})).toBeNull();
  expect(adviceFor({ code: 'constructor' })).toBeNull();
});

test('every SIP code that has a verdict of its own has advice', () => {
  const named = [
    486, 600, 408, 480, 487, 603, 607, 608, 404, 410, 484, 604, 401, 403, 405, 407, 503,
  ];
  for (const sipNotifyResponse of named) {
    expect(adviceFor({ sipNotifyResponse }), String(sipNotifyResponse)).not.toBeNull();
  }
});

test('every text is a sentence on one line', () => {
  for (const failure of [{ status: 500 }, { code: '90034' }, { sipNotifyResponse: 603 }]) {
    for (const text of Object.values(adviceFor(failure) ?? {}))
      expect(text).toMatch(/^[^\n]+[.…]$/);
  }
});

test('of an attempt, what Telnyx refused it with is explained, and nothing if nothing was sent', () => {
  const of = (reason: string, unsent = false) =>
    adviceForAttempt(anAttempt('one', { verdict: 'rejected', reason, unsent }));
  expect(of('rejected with 401, 10009: no such key')).toEqual(adviceFor({ code: '10009' }));
  expect(of('rejected with 403: forbidden')).toEqual(adviceFor({ status: 403 }));
  expect(of('rejected with 0: PBX_USER is not set')).toEqual(adviceFor({ verdict: 'rejected' }));
  expect(of('policy refers.per_hour: 3 used in the last hour', true)).toBeNull();
});

test('the usual failure of many attempts is not explained by something that may not be so', () => {
  // A group knows only its verdict: it may be full of attempts that Telnyx never answered clearly,
  // or that still rang.
  expect(adviceFor({ verdict: 'no_verdict' })?.cause).toMatch(
    /still rang.*or Telnyx gave no clear/,
  );
});
