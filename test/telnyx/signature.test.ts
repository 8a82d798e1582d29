import { createHmac } from 'node:crypto';
import nacl from 'tweetnacl';
import { beforeAll, describe, expect, it } from 'vitest';
import { createMasker } from '../../src/log/mask.ts';
import {
  createVerifier,
  type RequestHeaders,
  type Verifier,
  type VerifierOptions,
} from '../../src/telnyx/signature.ts';
import { REFUSAL_WORDS } from '../../src/telnyx/signature-refusal.ts';
import { GROUP_ORDER } from './ed25519-vectors.ts';

const NOW_SECS = 1_779_233_415;
const pair = nacl.sign.keyPair();
const otherPair = nacl.sign.keyPair();
const body = Buffer.from('{"data":{"event_type":"call.initiated","id":"1","payload":{}}}');

describe.each(['native', 'sodium', 'tweetnacl'] as const)('the verifier with %s', (engine) => {
  const options = { publicKeys: [Buffer.from(pair.publicKey)], engine, toleranceSecs: 300 };
  // One for all cases: it keeps nothing of what it verified, and its self-test takes 70 ms.
  let verifier: Verifier;
  beforeAll(async () => {
    verifier = await createVerifier(options);
  });

  it('believes a webhook that is signed as Telnyx signs', async () => {
    expect(verifier.engine).toBe(engine);
    expect(await ask(verifier, signed())).toEqual({
      result: 'verified',
      body,
      signedAt: NOW_SECS * 1000,
    });
  });

  it('believes an empty body and one of 256 KB', async () => {
    for (const content of [Buffer.alloc(0), Buffer.alloc(256 * 1024, 0xe4)]) {
      const headers = signed({ content });
      expect(await ask(verifier, headers, content)).toMatchObject({ result: 'verified' });
    }
  });

  it.each([
    ['no headers at all', {}, 'signature_missing'],
    ['an empty signature', signed({ signature: '' }), 'signature_missing'],
    ['no signature', { 'telnyx-timestamp': String(NOW_SECS) }, 'signature_missing'],
    ['the HMAC of webhook API version 1', version1(), 'api_version_1'],
    [
      'no timestamp',
      { 'telnyx-signature-ed25519': 'A'.repeat(86).concat('==') },
      'timestamp_missing',
    ],
    ['an empty timestamp', { ...signed(), 'telnyx-timestamp': '' }, 'timestamp_missing'],
    ['a negative timestamp', signed({ timestamp: `-${NOW_SECS}` }), 'timestamp_malformed'],
    ['1e9', signed({ timestamp: '1e9' }), 'timestamp_malformed'],
    ['a fraction', signed({ timestamp: `${NOW_SECS}.0` }), 'timestamp_malformed'],
    ['hexadecimal', signed({ timestamp: '0x6a0d1c47' }), 'timestamp_malformed'],
    ['a blank inside', signed({ timestamp: `${NOW_SECS} ` }), 'timestamp_malformed'],
    ['a line end', signed({ timestamp: `${NOW_SECS}\n` }), 'timestamp_malformed'],
    ['Arabic digits', signed({ timestamp: '١٧٧٩٢٣٣٤١٥' }), 'timestamp_malformed'],
    ['a timestamp of 400 digits', signed({ timestamp: '9'.repeat(400) }), 'timestamp_malformed'],
    [
      'two timestamps',
      { ...signed(), 'telnyx-timestamp': [`${NOW_SECS}`, '1'] },
      'timestamp_malformed',
    ],
    [
      'two timestamps in one line',
      { ...signed(), 'telnyx-timestamp': `${NOW_SECS}, 1` },
      'timestamp_malformed',
    ],
    ['milliseconds', signed({ timestamp: `${NOW_SECS}000` }), 'timestamp_stale'],
    ['301 s ago', signed({ timestamp: `${NOW_SECS - 301}` }), 'timestamp_stale'],
    ['301 s ahead', signed({ timestamp: `${NOW_SECS + 301}` }), 'timestamp_stale'],
    ['1970', signed({ timestamp: '0' }), 'timestamp_stale'],
    ['two signatures', twice(signed()), 'signature_malformed'],
    [
      'two signatures in one line',
      signed({ signature: `${signature()}, ${signature()}` }),
      'signature_malformed',
    ],
    ['63 bytes', signed({ signature: Buffer.alloc(63).toString('base64') }), 'signature_malformed'],
    ['65 bytes', signed({ signature: Buffer.alloc(65).toString('base64') }), 'signature_malformed'],
    ['66 bytes', signed({ signature: Buffer.alloc(66).toString('base64') }), 'signature_malformed'],
    [
      'url-safe base64',
      signed({ signature: urlSafe(Buffer.alloc(64, 0xf8)) }),
      'signature_malformed',
    ],
    ['no padding', signed({ signature: signature().slice(0, 86) }), 'signature_malformed'],
    [
      'bits beyond the last byte',
      signed({ signature: spareBits(signature()) }),
      'signature_malformed',
    ],
    [
      'a blank before',
      signed({ signature: ` ${signature().slice(0, 87)}` }),
      'signature_malformed',
    ],
    [
      'a line end inside',
      signed({ signature: `${signature().slice(0, 40)}\n${signature().slice(41)}` }),
      'signature_malformed',
    ],
    [
      'hexadecimal',
      signed({ signature: Buffer.from(signature(), 'base64').toString('hex') }),
      'signature_malformed',
    ],
    ['S + L', signed({ signature: highScalar(signature()) }), 'signature_malformed'],
    [
      'all bits set',
      signed({ signature: Buffer.alloc(64, 0xff).toString('base64') }),
      'signature_malformed',
    ],
    ['all zero', signed({ signature: Buffer.alloc(64).toString('base64') }), 'signature_wrong'],
    ['another key', signed({ secretKey: otherPair.secretKey }), 'signature_wrong'],
    ['another body', signed({ content: Buffer.from(`${body} `) }), 'signature_wrong'],
    ['another time', { ...signed(), 'telnyx-timestamp': `${NOW_SECS - 1}` }, 'signature_wrong'],
    ['a leading zero', { ...signed(), 'telnyx-timestamp': `0${NOW_SECS}` }, 'signature_wrong'],
    ['the body alone', signed({ signature: sign(body) }), 'signature_wrong'],
    [
      'a dot for the pipe',
      signed({ signature: sign(Buffer.from(`${NOW_SECS}.${body}`)) }),
      'signature_wrong',
    ],
  ])('refuses %s', async (_, headers: RequestHeaders, reason) => {
    expect(await ask(verifier, headers)).toMatchObject({ result: 'refused', refusal: { reason } });
  });

  it('takes the keys of a rotation, and says how many it tried', async () => {
    const keys = [otherPair, pair].map(({ publicKey }) => Buffer.from(publicKey));
    const rotating = await createVerifier({ ...options, publicKeys: keys });
    const byOther = signed({ secretKey: otherPair.secretKey });
    const byNobody = signed({ secretKey: nacl.sign.keyPair().secretKey });
    expect(await ask(rotating, signed())).toMatchObject({ result: 'verified' });
    expect(await ask(rotating, byOther)).toMatchObject({ result: 'verified' });
    expect(await ask(rotating, byNobody)).toMatchObject({
      refusal: { reason: 'signature_wrong', detail: '2 keys were tried.' },
    });
  });
});

describe('the timestamp', () => {
  it('is good to the last second of the tolerance, both ways, and says when it was signed', async () => {
    const verifier = await verifierWith({ toleranceSecs: 300 });
    for (const skewSecs of [300, -300]) {
      const headers = signed({ timestamp: String(NOW_SECS - skewSecs) });
      expect(await ask(verifier, headers)).toMatchObject({
        result: 'verified',
        signedAt: (NOW_SECS - skewSecs) * 1000,
      });
    }
  });

  it.each([75, 86_400, 999_999])('says that the clock is off by %i s', async (secs) => {
    const verifier = await verifierWith({ toleranceSecs: 60 });
    const stale = signed({ timestamp: String(NOW_SECS - secs) });
    const refusal = verifier.refuseByHeaders(stale, NOW_SECS * 1000);
    if (refusal === null) throw new Error('expected a refusal');
    expect(refusal.detail).toMatch(new RegExp(`off by ${secs} s .*60 s are tolerated`));
    expect(createMasker('KEY0123').text(refusal.detail)).toBe(refusal.detail);
    expect(REFUSAL_WORDS[refusal.reason].fix).toContain('clock');
  });

  it('says it in days if it is years, so that the log does not mask it as a phone number', async () => {
    const verifier = await verifierWith({ toleranceSecs: 300 });
    const yearsAhead = signed({ timestamp: String(NOW_SECS + 7_300 * 86_400) });
    const detail = verifier.refuseByHeaders(yearsAhead, NOW_SECS * 1000)?.detail ?? '';
    expect(detail).toMatch(/off by 7300 days/);
    expect(createMasker('KEY0123').text(detail)).toBe(detail);
  });
});

describe('the engine', () => {
  it('is libsodium by itself', async () => {
    expect((await verifierWith({ engine: 'auto' })).engine).toBe('sodium');
  });

  it('lets the event loop turn between verifications with tweetnacl', async () => {
    const verifier = await verifierWith({ engine: 'tweetnacl' });
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
    }, 0);
    await Promise.all(Array.from({ length: 20 }, () => ask(verifier, signed())));
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(3);
  });
});

describe('the words of a refusal', () => {
  it('name the likely fix', () => {
    expect(REFUSAL_WORDS.signature_wrong.fix).toMatch(/TELNYX_PUBLIC_KEY.*proxy/);
    expect(REFUSAL_WORDS.api_version_1.fix).toContain('version 2');
    expect(REFUSAL_WORDS.timestamp_stale.fix).toContain('clock');
  });
});

function verifierWith(options: Partial<VerifierOptions>): Promise<Verifier> {
  const publicKeys = [Buffer.from(pair.publicKey)];
  return createVerifier({ publicKeys, engine: 'auto', toleranceSecs: 300, ...options });
}

/** The check of the headers alone refuses exactly what is refused because of its headers. */
async function ask(verifier: Verifier, headers: RequestHeaders, content = body) {
  const now = NOW_SECS * 1000 + 999;
  const verification = await verifier.verify({ headers, body: content, now });
  const refusal = verification.result === 'refused' ? verification.refusal : null;
  const byHeaders = refusal?.reason === 'signature_wrong' ? null : refusal;
  expect(verifier.refuseByHeaders(headers, now)).toEqual(byHeaders);
  return verification;
}

interface Signing {
  timestamp?: string;
  content?: Buffer;
  secretKey?: Uint8Array;
  signature?: string;
}

function signed(given: Signing = {}): RequestHeaders {
  const timestamp = given.timestamp ?? String(NOW_SECS);
  const message = Buffer.concat([Buffer.from(`${timestamp}|`), given.content ?? body]);
  return {
    'telnyx-signature-ed25519': given.signature ?? sign(message, given.secretKey),
    'telnyx-timestamp': timestamp,
  };
}

function sign(message: Uint8Array, secretKey: Uint8Array = pair.secretKey): string {
  return Buffer.from(nacl.sign.detached(new Uint8Array(message), secretKey)).toString('base64');
}

function signature(): string {
  return String(signed()['telnyx-signature-ed25519']);
}

function twice(headers: RequestHeaders): RequestHeaders {
  const text = String(headers['telnyx-signature-ed25519']);
  return { ...headers, 'telnyx-signature-ed25519': [text, text] };
}

function version1(): RequestHeaders {
  return { 'x-telnyx-signature': createHmac('sha256', 'key').update(body).digest('hex') };
}

function urlSafe(bytes: Buffer): string {
  return `${bytes.toString('base64url')}==`;
}

/** The last character before the padding has four unused bits. */
function spareBits(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return `${text.slice(0, 85)}${alphabet[alphabet.indexOf(text.charAt(85)) + 1]}==`;
}

function highScalar(text: string): string {
  const bytes = Buffer.from(text, 'base64');
  const scalar = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`);
  const high = (scalar + GROUP_ORDER).toString(16).padStart(64, '0');
  Buffer.from(high, 'hex').reverse().copy(bytes, 32);
  return bytes.toString('base64');
}
