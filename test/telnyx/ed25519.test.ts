import fc from 'fast-check';
import nacl from 'tweetnacl';
import { describe, expect, it } from 'vitest';
import {
  type Engine,
  isScalarReduced,
  NATIVE,
  SODIUM,
  selfTest,
  TWEETNACL,
} from '../../src/telnyx/ed25519.ts';
import { SIGNATURE_BYTES } from '../../src/telnyx/sodium.ts';
import { GROUP_ORDER, SMALL_ORDER_POINTS, VECTORS } from './ed25519-vectors.ts';

const ENGINES = [NATIVE, SODIUM, TWEETNACL].filter((engine) => engine !== null);

describe.each(ENGINES)('the engine $name behind the check before it', (engine) => {
  it.each(VECTORS)('judges $name', async ({ key, message, signature, valid }) => {
    expect(await judge(engine, hex(key), hex(message), hex(signature))).toBe(valid);
  });
});

describe('the engines', () => {
  it('agree on genuine signatures and on every way of bending one', {
    tags: ['long'],
  }, async () => {
    const bend = fc.record({
      seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      message: fc.uint8Array({ maxLength: 300 }),
      flip: fc.option(fc.nat(SIGNATURE_BYTES * 8 - 1)),
      r: fc.option(fc.constantFrom(...SMALL_ORDER_POINTS)),
      timesOrder: fc.nat(14),
      tail: fc.uint8Array({ maxLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(bend, async ({ seed, message, flip, r, timesOrder, tail }) => {
        const pair = nacl.sign.keyPair.fromSeed(seed);
        const key = Buffer.from(pair.publicKey);
        const signature = Buffer.from(nacl.sign.detached(message, pair.secretKey));
        if (r !== null) hex(r).copy(signature);
        if (flip !== null) {
          signature.writeUInt8(signature.readUInt8(flip >> 3) ^ (1 << (flip & 7)), flip >> 3);
        }
        addToScalar(signature, BigInt(timesOrder) * GROUP_ORDER);
        const signed = Buffer.concat([message, tail]);
        const judged = await Promise.all(
          ENGINES.map((engine) => judge(engine, key, signed, signature)),
        );
        const untouched = r === null && flip === null && timesOrder === 0 && tail.length === 0;
        expect(judged).toEqual(ENGINES.map(() => untouched));
      }),
      { numRuns: 60 },
    );
  });

  it('disagree on S + L without that check, which is why it stands before them', async () => {
    const pair = nacl.sign.keyPair();
    const message = Buffer.from('Test');
    const signature = Buffer.from(nacl.sign.detached(message, pair.secretKey));
    addToScalar(signature, GROUP_ORDER);
    const key = Buffer.from(pair.publicKey);
    expect(await TWEETNACL.forKey(key)(message, signature)).toBe(true);
    expect(await NATIVE.forKey(key)(message, signature)).toBe(false);
    expect(isScalarReduced(signature)).toBe(false);
  });
});

describe('isScalarReduced', () => {
  it.each([
    [0n, true],
    [GROUP_ORDER - 1n, true],
    [GROUP_ORDER, false],
    [GROUP_ORDER + 1n, false],
    [2n ** 256n - 1n, false],
  ])('says of S = %s: %s', (scalar, reduced) => {
    const signature = Buffer.alloc(SIGNATURE_BYTES);
    addToScalar(signature, scalar);
    expect(isScalarReduced(signature)).toBe(reduced);
  });
});

describe('selfTest', () => {
  const broken = (answer: boolean): Engine => ({
    name: 'native',
    forKey: () => async () => answer,
  });

  it('finds nothing wrong with the engines', async () => {
    expect(await selfTest(ENGINES)).toBeNull();
  });

  it('finds an engine that believes everything, and one that believes nothing', async () => {
    expect(await selfTest([TWEETNACL, broken(true)])).toBe('native accepts an altered message');
    expect(await selfTest([TWEETNACL, broken(false)])).toBe('native refuses a genuine signature');
  });
});

/** In the order used for webhooks: length and scalar first, then the engine. */
async function judge(engine: Engine, key: Buffer, message: Buffer, signature: Buffer) {
  if (signature.length !== SIGNATURE_BYTES || !isScalarReduced(signature)) return false;
  return engine.forKey(key)(message, signature);
}

function addToScalar(signature: Buffer, addend: bigint): void {
  const bytes = Buffer.from(signature.subarray(32)).reverse();
  const sum = (BigInt(`0x${bytes.toString('hex')}`) + addend) % 2n ** 256n;
  Buffer.from(sum.toString(16).padStart(64, '0'), 'hex').reverse().copy(signature, 32);
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}
