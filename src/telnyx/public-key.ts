/**
 * Telnyx's public key as the portal shows it: base64 of the raw 32 bytes of an Ed25519 point. It
 * refuses everything that cannot be a real key: text that decodes to something else, bytes that are
 * not on the curve, and points of small order, for which anybody can make valid signatures (RFC
 * 8032 section 8.9; Chalkias, Garillot, Nikolaenko: "Taming the many EdDSAs").
 */

const PUBLIC_KEY_BYTES = 32;

export type ParsedPublicKey = { key: Buffer } | { problem: string };

/** Problems never contain the text, which may be a secret by mistake. */
export function parsePublicKey(text: string): ParsedPublicKey {
  if (/^KEY[0-9A-Za-z]/.test(text)) {
    return { problem: 'looks like an API key; the public key is another value of the portal' };
  }
  const key = Buffer.from(text, 'base64');
  if (key.toString('base64') !== text) {
    return {
      problem: `expected canonical base64 (44 characters), got ${text.length} characters that are not`,
    };
  }
  if (key.length !== PUBLIC_KEY_BYTES) {
    return { problem: `expected base64 of ${PUBLIC_KEY_BYTES} bytes, got one of ${key.length}` };
  }
  const y = yCoordinate(key);
  if (y >= FIELD_PRIME) return { problem: 'not a canonical point: its coordinate is too large' };
  if (SMALL_ORDER_Y.has(y)) return { problem: 'a point of small order: anybody could sign for it' };
  if (!isOnCurve(y)) return { problem: 'these 32 bytes are not an Ed25519 public key' };
  return { key };
}

const FIELD_PRIME = 2n ** 255n - 19n;
/** d of the curve -x² + y² = 1 + d·x²·y² (RFC 8032 section 5.1). */
const CURVE_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** y of the eight points whose order divides 8; x may have either sign. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  1n,
  FIELD_PRIME - 1n,
  0n,
  littleEndian(
    Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex'),
  ),
  littleEndian(
    Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex'),
  ),
]);

/** The top bit is the sign of x. */
function yCoordinate(key: Buffer): bigint {
  return littleEndian(key) & (2n ** 255n - 1n);
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

/**
 * x² = (y² - 1) / (d·y² + 1) must be a square: Euler's criterion on numerator times denominator.
 */
function isOnCurve(y: bigint): boolean {
  const square = (y * y) % FIELD_PRIME;
  const product = ((square - 1n + FIELD_PRIME) * (CURVE_D * square + 1n)) % FIELD_PRIME;
  return product === 0n || power(product, (FIELD_PRIME - 1n) / 2n) === 1n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % FIELD_PRIME;
    factor = (factor * factor) % FIELD_PRIME;
  }
  return result;
}
