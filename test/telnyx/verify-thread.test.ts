import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import nacl from 'tweetnacl';
import { afterAll, describe, expect, it } from 'vitest';
import { sodiumEngine } from '../../src/telnyx/ed25519.ts';
import { loadSodium, type VerifySync } from '../../src/telnyx/sodium.ts';
import { createVerifyThread, type Signed, VERIFY_WORKER } from '../../src/telnyx/verify-thread.ts';
import { ours, runScript } from '../helpers/script.ts';

const pairs = [nacl.sign.keyPair(), nacl.sign.keyPair()];
const folder = mkdtempSync(join(tmpdir(), 'referee-thread-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ODD: Signed[] = oddLengths();

describe('the thread that verifies', () => {
  it('gives each its own answer, whatever keys and lengths come in one turn', async () => {
    const { verify, here } = counting();
    await untilHandedOver(verify, here);
    const before = here.count;
    const batch = Array.from({ length: 40 }, (_, n) => signed(n, n % 3 === 0));
    const answers = await Promise.all(batch.map(verify));
    expect(answers).toEqual(batch.map((_, n) => n % 3 !== 0));
    expect(here.count).toBe(before);
  });

  it('is not asked for one that came alone', async () => {
    const { verify, here } = counting();
    await untilHandedOver(verify, here);
    const before = here.count;
    expect(await verify(signed(1, false))).toBe(true);
    expect(await verify(signed(2, true))).toBe(false);
    expect(here.count).toBe(before + 2);
  });

  it('leaves nobody without an answer when it ends with their signatures in its hands', async () => {
    const file = join(folder, 'ends.mjs');
    writeFileSync(
      file,
      `import { parentPort } from 'node:worker_threads';
       parentPort.on('message', () => { throw new Error('the end'); });
       parentPort.postMessage('ready');`,
    );
    const { verify, here } = counting(pathToFileURL(file));
    for (let lost = 0; lost < 3; lost += 1) {
      const batch = Array.from({ length: 10 }, (_, n) => signed(n, n === 4));
      const before = here.count;
      expect(await Promise.all(batch.map(verify))).toEqual(batch.map((_, n) => n !== 4));
      expect(here.count).toBe(before + batch.length);
    }
  });

  it('takes no signature or key of another length, and the rest of its turn has its answers', async () => {
    const { verify, here } = counting();
    await untilHandedOver(verify, here);
    for (const one of ODD) {
      const turn = [signed(0, false), one, signed(2, false), signed(3, true)];
      expect(await Promise.all(turn.map(verify))).toEqual([true, false, true, false]);
    }
  });

  it('holds its process until all have their answers, and not a moment longer', async () => {
    const printed = await runScript(
      `import { loadSodium } from ${ours('src/telnyx/sodium.ts')};
       import { createVerifyThread, VERIFY_WORKER } from ${ours('src/telnyx/verify-thread.ts')};
       const sodium = loadSodium();
       let here = 0;
       const verify = createVerifyThread((...asked) => { here += 1; return sodium(...asked); }, VERIFY_WORKER);
       const forged = { message: Buffer.from('x'), signature: Buffer.alloc(64), publicKey: Buffer.alloc(32, 7) };
       const turn = () => Promise.all(Array.from({ length: 50 }, () => verify(forged)));
       for (let before = -1; here !== before; ) { before = here; await turn(); }
       // Only the thread keeps the process alive.
       turn().then((answers) => console.log(answers.length));`,
    );
    expect(printed).toBe('50\n');
  });

  it('is done without where it cannot start', async () => {
    const { verify } = counting(pathToFileURL(join(folder, 'is-not-there.mjs')));
    for (let tries = 0; tries < 3; tries += 1) {
      const batch = Array.from({ length: 5 }, (_, n) => signed(n, n === 0));
      expect(await Promise.all(batch.map(verify))).toEqual(batch.map((_, n) => n !== 0));
    }
  });
});

describe('libsodium on a single core', () => {
  const engine = sodiumEngine(1);
  if (engine === null) throw new Error('sodium-native has no binary for this machine');
  const verify = ({ message, signature, publicKey }: Signed) =>
    engine.forKey(publicKey)(message, signature);

  it('has verified before the turn of the event loop ends', async () => {
    const order: string[] = [];
    const turnEnded = new Promise<void>((resolve) => {
      setImmediate(() => resolve(void order.push('turn')));
    });
    const answers = [0, 1, 2, 3, 4].map(async (n) => {
      const genuine = await verify(signed(n, n === 2));
      order.push(`${n} ${genuine}`);
    });
    await Promise.all([...answers, turnEnded]);
    expect(order).toEqual(['0 true', '1 true', '2 false', '3 true', '4 true', 'turn']);
  });

  it('takes no signature or key of another length', async () => {
    for (const one of ODD) expect(await verify(one)).toBe(false);
  });
});

function counting(file: URL = VERIFY_WORKER) {
  const sodium = loadSodium();
  if (sodium === null) throw new Error('sodium-native has no binary for this machine');
  const here = { count: 0 };
  const verifySync: VerifySync = (signature, message, publicKey) => {
    here.count += 1;
    return sodium(signature, message, publicKey);
  };
  return { verify: createVerifyThread(verifySync, file), here };
}

/**
 * Until the thread has started, every batch is verified here; the first that is not was handed
 * over.
 */
async function untilHandedOver(
  verify: (signed: Signed) => Promise<boolean>,
  here: { count: number },
): Promise<void> {
  for (;;) {
    const before = here.count;
    await Promise.all([0, 1, 2].map((n) => verify(signed(n, false))));
    if (here.count === before) return;
  }
}

function signed(n: number, forged: boolean): Signed {
  const pair = pairs[n % 2];
  if (pair === undefined) throw new Error('no key');
  const message = Buffer.from(`1600000000|${'x'.repeat(n * 37)}`);
  const signature = Buffer.from(nacl.sign.detached(message, pair.secretKey));
  const sent = forged ? Buffer.concat([message, Buffer.from('!')]) : message;
  return { message: sent, signature, publicKey: Buffer.from(pair.publicKey) };
}

function oddLengths(): Signed[] {
  const { message, signature, publicKey } = signed(1, false);
  const more = Buffer.alloc(32);
  return [
    { message, publicKey, signature: signature.subarray(0, 63) },
    { message, publicKey, signature: Buffer.concat([signature, more]) },
    { message, publicKey: Buffer.concat([publicKey, more]), signature },
    { message, publicKey: Buffer.concat([publicKey, signature]), signature: Buffer.alloc(0) },
  ];
}
