/**
 * Verifies that a webhook is from Telnyx, which signs `<telnyx-timestamp>|<raw body>` with Ed25519
 * (Telnyx: "Webhook Fundamentals", webhook signing). The headers are checked before the body is
 * read, so that refusing a forged or stale request is cheap; the signature is verified after that.
 */
import { RefereeError } from '../errors.ts';
import {
  type Engine,
  type EngineName,
  hasNativeEd25519,
  isScalarReduced,
  NATIVE,
  SODIUM,
  selfTest,
  TWEETNACL,
  type VerifyBytes,
} from './ed25519.ts';
import type { RefusalReason, SignatureRefusal } from './signature-refusal.ts';
import { SIGNATURE_BYTES } from './sodium.ts';

export interface VerifierOptions {
  /** Raw 32-byte points; several while a key is rotated. */
  publicKeys: readonly Buffer[];
  engine: 'auto' | EngineName;
  toleranceSecs: number;
}

/** A request as it arrived; nothing in it is trusted yet. */
export interface SignedRequest {
  /** Names in lower case, as Node gives them. */
  headers: RequestHeaders;
  body: Buffer;
  /** Time of arrival, by our clock. */
  now: number;
}

export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

declare const stage: unique symbol;
/** A body whose signature was right. Only `verify` makes one, and only this is parsed. */
export type VerifiedBody = Buffer & { readonly [stage]: 'verified' };

type Verification =
  /** `signedAt`: milliseconds by Telnyx's clock, in whole seconds. */
  | { result: 'verified'; body: VerifiedBody; signedAt: number }
  | { result: 'refused'; refusal: SignatureRefusal };

export interface Verifier {
  readonly engine: EngineName;
  /** Called before the body is read; null if the headers give no reason to refuse. */
  refuseByHeaders(headers: RequestHeaders, now: number): SignatureRefusal | null;
  verify(signed: SignedRequest): Promise<Verification>;
}

/** Rejects if the engines disagree, or if the configured engine cannot run here. */
export async function createVerifier(options: VerifierOptions): Promise<Verifier> {
  const engine = await chooseEngine(options.engine);
  const keys = options.publicKeys.map((key) => engine.forKey(key));
  const { toleranceSecs } = options;
  return {
    engine: engine.name,
    refuseByHeaders(headers, now) {
      const check = checkHeaders(headers, now, toleranceSecs);
      return check.result === 'refused' ? check.refusal : null;
    },
    async verify({ headers, body, now }) {
      const check = checkHeaders(headers, now, toleranceSecs);
      return check.result === 'refused' ? check : verifyWithAny(keys, check, body);
    },
  };
}

async function chooseEngine(wanted: VerifierOptions['engine']): Promise<Engine> {
  tested ??= testEngines();
  const { native, problem } = await tested;
  const engines: Record<EngineName, Engine | string> = {
    native: native ?? NO_NATIVE,
    sodium: SODIUM ?? NO_SODIUM,
    tweetnacl: TWEETNACL,
  };
  const chosen = wanted === 'auto' ? bestOf(native) : engines[wanted];
  if (typeof chosen === 'string') {
    throw new RefereeError('SIGNATURE_ENGINE', `SIGNATURE_ENGINE=${wanted}, but ${chosen}`);
  }
  if (problem !== null) {
    throw new RefereeError(
      'SIGNATURE_SELF_TEST',
      `The self-test of the signature engines failed: ${problem}. Reinstall the dependencies (npm ci) on a supported Node; do not serve without it.`,
    );
  }
  return chosen;
}

/** Once for each process: its engines do not change, and tweetnacl takes tens of milliseconds. */
let tested: ReturnType<typeof testEngines> | undefined;

/** All must agree, whichever of them is used. `native`: null if OpenSSL has no Ed25519. */
async function testEngines(): Promise<{ native: Engine | null; problem: string | null }> {
  const native = (await hasNativeEd25519()) ? NATIVE : null;
  const others = [TWEETNACL, SODIUM].filter((engine) => engine !== null);
  return { native, problem: await selfTest(others) };
}

/** tweetnacl if OpenSSL has no Ed25519, otherwise libsodium, which is faster. */
function bestOf(native: Engine | null): Engine {
  return native === null ? TWEETNACL : (SODIUM ?? native);
}

const NO_NATIVE =
  'the OpenSSL of this Node has no working Ed25519 (a FIPS build?). Set SIGNATURE_ENGINE to auto or tweetnacl.';
const NO_SODIUM =
  'sodium-native is not installed (npm install --omit=optional leaves it out), or has no binary for this system (it needs glibc, macOS or Windows on x64 or arm64). Install it, or set SIGNATURE_ENGINE to auto.';

/** Unix seconds have ten digits until 2286; more than fifteen would lose precision as a number. */
const TIMESTAMP_DIGITS_MAX = 15;
const DAY_SECS = 86_400;
const SECS_SHOWN_MAX = 1_000_000;

/** Headers that passed the checks; the body has not been verified against them yet. */
interface CheckedHeaders {
  result: 'checked';
  timestamp: string;
  signature: Buffer;
}

function checkHeaders(
  headers: RequestHeaders,
  nowMs: number,
  toleranceSecs: number,
): CheckedHeaders | { result: 'refused'; refusal: SignatureRefusal } {
  const given = headers['telnyx-signature-ed25519'];
  if (given === undefined || given === '') {
    return headers['x-telnyx-signature'] === undefined
      ? refused('signature_missing', 'Telnyx signs every webhook of API version 2 with it.')
      : refused(
          'api_version_1',
          'There is an x-telnyx-signature, and no telnyx-signature-ed25519.',
        );
  }
  const signature = parseSignature(given);
  if (typeof signature === 'string') return refused('signature_malformed', signature);

  const timestamp = headers['telnyx-timestamp'];
  if (timestamp === undefined || timestamp === '') {
    return refused('timestamp_missing', 'It is part of what Telnyx signs.');
  }
  if (typeof timestamp !== 'string') {
    return refused('timestamp_malformed', 'The header appears more than once.');
  }
  if (!/^\d+$/.test(timestamp) || timestamp.length > TIMESTAMP_DIGITS_MAX) {
    return refused('timestamp_malformed', 'Expected the digits of a Unix time in seconds.');
  }
  const skewSecs = Math.floor(nowMs / 1000) - Number(timestamp);
  if (Math.abs(skewSecs) > toleranceSecs) {
    const side = skewSecs > 0 ? 'old: our clock is ahead, or it came late' : 'ahead of our clock';
    const off = Math.abs(skewSecs);
    // Many digits look like a phone number, which the log would mask.
    const howFar = off < SECS_SHOWN_MAX ? `${off} s` : `${Math.round(off / DAY_SECS)} days`;
    const detail = `Clock off by ${howFar} (the webhook is ${side}); ${toleranceSecs} s are tolerated.`;
    return refused('timestamp_stale', detail);
  }
  return { result: 'checked', timestamp, signature };
}

/** The signature's bytes, or what is wrong with the header. */
function parseSignature(text: string | string[]): Buffer | string {
  if (typeof text !== 'string') return 'The header appears more than once.';
  if (text.length !== SIGNATURE_TEXT_CHARS) {
    return `Expected ${SIGNATURE_TEXT_CHARS} characters, got ${text.length}.`;
  }
  const bytes = Buffer.from(text, 'base64');
  // Only one encoding per signature: no URL-safe alphabet, no white space, no extra bits.
  if (bytes.length !== SIGNATURE_BYTES || bytes.toString('base64') !== text) {
    return 'Expected canonical base64.';
  }
  return isScalarReduced(bytes) ? bytes : 'Its S is not below the order of the group.';
}

const SIGNATURE_TEXT_CHARS = 88;

/**
 * Tries the keys one after another, so that a forged webhook cannot occupy several threads of the
 * pool.
 */
async function verifyWithAny(
  keys: readonly VerifyBytes[],
  { timestamp, signature }: CheckedHeaders,
  body: Buffer,
): Promise<Verification> {
  const message = signedBytes(timestamp, body);
  for (const verify of keys) {
    if (await verify(message, signature)) {
      const signedAt = Number(timestamp) * 1000;
      return { result: 'verified', body: body as VerifiedBody, signedAt };
    }
  }
  const tried = keys.length === 1 ? 'One key was tried.' : `${keys.length} keys were tried.`;
  return refused('signature_wrong', tried);
}

/** No engine accepts a message in pieces, so timestamp and body are copied into one buffer. */
function signedBytes(timestamp: string, rawBody: Buffer): Buffer {
  const message = Buffer.allocUnsafe(timestamp.length + 1 + rawBody.length);
  message.write(`${timestamp}|`, 'latin1');
  rawBody.copy(message, timestamp.length + 1);
  return message;
}

function refused(reason: RefusalReason, detail: string) {
  return { result: 'refused', refusal: { reason, detail } } as const;
}
