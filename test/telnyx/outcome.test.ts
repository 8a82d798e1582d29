import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeClientState } from '../../src/core/machine/client-state.ts';
import type { Action, Outcome } from '../../src/core/machine/command.ts';
import { outcomeOfAnswer, outcomeOfFailure } from '../../src/telnyx/outcome.ts';

const ACTIONS: Action[] = [
  'answer',
  'refer',
  'transfer',
  'speak',
  'playback_start',
  'playback_stop',
  'gather_using_speak',
  'gather_using_audio',
  'reject',
  'hangup',
  'client_state_update',
];

function answered(
  status: number,
  body: unknown = null,
  options: { action?: Action; rateLimitReset?: string; retryAfter?: string } = {},
): Outcome {
  return outcomeOfAnswer(options.action ?? 'refer', {
    status,
    body,
    rateLimitReset: options.rateLimitReset ?? null,
    retryAfter: options.retryAfter ?? null,
  });
}

function errors(code: string | number, title = 'Title', detail?: string): unknown {
  return { errors: [{ code, title, ...(detail === undefined ? {} : { detail }) }] };
}

/** The outcome of every status without a body from Telnyx. */
function expectedKind(status: number): Outcome['kind'] {
  if (status >= 200 && status <= 299) return 'accepted';
  if (status < 200 || status === 408 || status === 429 || status >= 500) return 'retry';
  return 'rejected';
}

test('every status has its end, and only 429 proves that nothing happened', () => {
  for (let status = 100; status <= 599; status += 1) {
    for (const action of ACTIONS) {
      const outcome = answered(status, null, { action });
      expect(outcome.kind, `${action} ${status}`).toBe(expectedKind(status));
      if (outcome.kind === 'rejected') {
        expect(outcome).toMatchObject({ code: null, callEnded: false, notAnswered: false });
      }
      if (outcome.kind === 'retry') expect(outcome.provenUnsent).toBe(status === 429);
    }
  }
});

describe('what Telnyx says about the call', () => {
  test.each([
    ['90018', 422],
    [90018, 422],
    ['90015', 422],
    ['10005', 404],
    [10005, 404],
  ])('code %s with %i is the fact that the call has ended', (code, status) => {
    expect(answered(status, errors(code))).toMatchObject({
      kind: 'rejected',
      code: String(code),
      callEnded: true,
      notAnswered: false,
      misconfigured: null,
    });
  });

  test('90034 says that the call was not answered', () => {
    expect(answered(422, errors('90034'))).toMatchObject({
      kind: 'rejected',
      callEnded: false,
      notAnswered: true,
      misconfigured: null,
    });
  });

  test('a code that is not the first of the list counts as well', () => {
    const body = { errors: [{ code: '10032', title: 'bad enum' }, { code: 90018 }] };
    expect(answered(422, body)).toMatchObject({ code: '10032', callEnded: true });
  });

  const others =
    '90017 90057 90102 90019 90020 90031 90032 90033 90035 90036 90037 90038 90041 90042 90043 90044 90061 10004 10006 10015 10016 10026 10032 10033 10011 10038 10039';
  test.each(others.split(' '))('code %s with 422 is a plain rejection', (code) => {
    expect(answered(422, errors(code))).toMatchObject({
      kind: 'rejected',
      code,
      callEnded: false,
      notAnswered: false,
      misconfigured: null,
    });
  });

  test('10036, being processed, is tried again', () => {
    for (const status of [409, 422]) {
      expect(answered(status, errors('10036'))).toMatchObject({
        kind: 'retry',
        provenUnsent: false,
      });
    }
  });

  test('a body with data and errors goes by its status', () => {
    const body = {
      data: { result: 'ok', is_alive: true },
      errors: [{ code: 10010, title: 'D60' }],
    };
    expect(answered(200, body).kind).toBe('accepted');
    expect(answered(403, body, { action: 'transfer' })).toMatchObject({
      kind: 'rejected',
      code: '10010',
      misconfigured: null,
    });
  });

  test('the detail holds status, code, title and detail, once each, short and on one line', () => {
    const outcome = answered(
      422,
      errors('90018', 'Call has ended', 'No longer\r\n\u001b[31mactive'),
    );
    expect(outcome).toMatchObject({
      detail: 'HTTP 422, Telnyx 90018 Call has ended: No longer [31mactive',
    });
    const long = answered(422, errors('10015', 'x'.repeat(10_000)));
    expect(long.kind === 'rejected' && long.detail.length).toBe(300);
  });
});

describe('our own misconfiguration is named', () => {
  test.each([
    [401, null, 'TELNYX_API_KEY'],
    [401, errors('10009'), 'TELNYX_API_KEY'],
    [403, null, 'TELNYX_API_KEY'],
    [403, errors('10010'), 'TELNYX_API_KEY'],
    [403, errors('90041'), null],
    [403, errors('10039'), null],
    [404, null, 'TELNYX_API_URL'],
    [404, { message: 'no such path' }, 'TELNYX_API_URL'],
    [404, { errors: 'none' }, 'TELNYX_API_URL'],
    [404, errors('10006'), null],
    [302, null, 'TELNYX_API_URL'],
    [308, null, 'TELNYX_API_URL'],
    [400, null, null],
    [405, null, null],
  ])('%i with %j names %s', (status, body, setting) => {
    expect(answered(status, body)).toMatchObject({ kind: 'rejected', misconfigured: setting });
  });

  test('a dial that the account may not make does not accuse the key', () => {
    expect(answered(403, errors(10010), { action: 'transfer' })).toMatchObject({
      misconfigured: null,
    });
  });
});

describe('429', () => {
  test.each([
    ['2', undefined, 2000],
    ['0.25', undefined, 250],
    ['0', undefined, 0],
    ['86400', undefined, 60_000],
    [undefined, '3', 3000],
    ['1', '9', 1000],
    ['soon', '4', 4000],
    ['-1', undefined, null],
    ['', undefined, null],
    ['1e3', undefined, null],
    [undefined, 'Wed, 21 Oct 2026 07:28:00 GMT', null],
    [undefined, undefined, null],
  ])('reset %s and retry-after %s make it wait %s ms', (reset, after, afterMs) => {
    const headers = {
      ...(reset === undefined ? {} : { rateLimitReset: reset }),
      ...(after === undefined ? {} : { retryAfter: after }),
    };
    expect(answered(429, errors('10011'), headers)).toMatchObject({
      kind: 'retry',
      status: 429,
      afterMs,
      provenUnsent: true,
    });
  });
});

describe('a probe', () => {
  const probe = (status: number, body: unknown) => answered(status, body, { action: 'probe' });

  test('tells alive from dead by is_alive', () => {
    expect(probe(200, { data: { is_alive: true } })).toMatchObject({
      kind: 'accepted',
      alive: true,
    });
    const state = encodeClientState('attempt', null);
    expect(probe(200, { data: { is_alive: true, client_state: state } })).toMatchObject({
      envelope: { id: 'attempt', foreignState: null },
    });
    expect(probe(200, { data: { is_alive: false } })).toMatchObject({
      kind: 'accepted',
      alive: false,
    });
  });

  test('tells dead by the codes that say so', () => {
    expect(probe(404, errors('10005'))).toMatchObject({ kind: 'rejected', callEnded: true });
    expect(probe(422, errors('90015'))).toMatchObject({ kind: 'rejected', callEnded: true });
  });

  test('is unknown for everything else, and never tried again by itself', () => {
    for (const body of [
      null,
      {},
      { data: null },
      { data: { is_alive: 'true' } },
      errors('10009'),
    ]) {
      for (let status = 100; status <= 599; status += 1) {
        expect(probe(status, body).kind).toBe('unknown');
      }
    }
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    expect(outcomeOfFailure('probe', refused)).toEqual({
      kind: 'unknown',
      detail: 'no answer from Telnyx: ECONNREFUSED refused',
    });
  });
});

describe('no answer at all', () => {
  test('because of our own limit of open files names that limit, not the network', () => {
    const full = Object.assign(new Error('connect EMFILE 192.0.2.1:443'), { code: 'EMFILE' });
    expect(outcomeOfFailure('answer', full, false)).toMatchObject({
      kind: 'retry',
      provenUnsent: true,
      detail: expect.stringMatching(/too many files.*raise ulimit -n/),
    });
  });

  const failure = (code: string, extra: object = {}) =>
    outcomeOfFailure(
      'refer',
      new Error('fetch failed', { cause: Object.assign(new Error(code), { code, ...extra }) }),
    );

  test.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'UND_ERR_CONNECT_TIMEOUT',
    'CERT_HAS_EXPIRED',
  ])('%s proves that nothing was sent', (code) => {
    expect(failure(code)).toMatchObject({ kind: 'retry', provenUnsent: true, status: null });
  });

  test.each([
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'UND_ERR_SOCKET',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_BODY_TIMEOUT',
    'HPE_INVALID_CONSTANT',
  ])('%s proves nothing', (code) => {
    expect(failure(code)).toMatchObject({ kind: 'retry', provenUnsent: false });
  });

  test('EHOSTUNREACH while connecting does prove it', () => {
    expect(failure('EHOSTUNREACH', { syscall: 'connect' })).toMatchObject({ provenUnsent: true });
  });

  test('several addresses that all refused are seen through', () => {
    const each = ['::1', '127.0.0.1'].map((address) =>
      Object.assign(new Error(address), { code: 'ECONNREFUSED', syscall: 'connect' }),
    );
    expect(outcomeOfFailure('refer', new AggregateError(each))).toMatchObject({
      provenUnsent: true,
    });
  });
});

test('whatever comes, one of four ends comes out and nothing is thrown', { tags: ['long'] }, () => {
  const action = fc.constantFrom<Action>(...ACTIONS, 'probe');
  const code = fc.oneof(fc.string(), fc.integer(), fc.anything());
  const body = fc.oneof(
    fc.anything(),
    fc.jsonValue(),
    fc.record({ data: fc.anything(), errors: fc.anything() }, { requiredKeys: [] }),
    fc.record({
      errors: fc.array(fc.record({ code, title: fc.anything(), detail: fc.anything() })),
    }),
  );
  fc.assert(
    fc.property(
      action,
      fc.integer(),
      body,
      fc.option(fc.string()),
      (chosen, status, value, reset) => {
        const outcome = outcomeOfAnswer(chosen, {
          status,
          body: value,
          rateLimitReset: reset,
          retryAfter: reset,
        });
        expect(['accepted', 'rejected', 'retry', 'unknown']).toContain(outcome.kind);
        if (outcome.kind === 'accepted') expect(outcome.alive === null).toBe(chosen !== 'probe');
      },
    ),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(action, fc.anything(), (chosen, thrown) => {
      expect(['retry', 'unknown']).toContain(outcomeOfFailure(chosen, thrown).kind);
    }),
  );
});

test('causes that run in a circle come to an end', () => {
  const error = new Error('a');
  error.cause = new Error('b', { cause: error });
  expect(outcomeOfFailure('hangup', error)).toMatchObject({ kind: 'retry', provenUnsent: false });
});
