/** The cost of one verification with each engine: the thread's own time, one after another. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { createVerifier, type Verifier } from '../src/telnyx/signature.ts';
import type { Bench } from './bench.ts';
import { ratiosOf, spreadOf } from './bench.ts';
import type { Figure } from './figures.ts';

const BODY_BYTES = 1_400;

export async function verification(bench: Bench): Promise<Figure[]> {
  const pair = generateKeyPairSync('ed25519');
  const raw = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const timestamp = String(Math.floor(Date.now() / 1000));
  const body = Buffer.alloc(BODY_BYTES, 'x');
  const signature = sign(null, Buffer.from(`${timestamp}|${body}`), pair.privateKey);
  const headers = {
    'telnyx-timestamp': timestamp,
    'telnyx-signature-ed25519': signature.toString('base64'),
  };
  const engines = { tweetnacl: 40, native: 2_000, sodium: 2_000 } as const;
  const micros: Record<keyof typeof engines, number[]> = { tweetnacl: [], native: [], sodium: [] };
  for (let round = 0; round <= bench.rounds; round += 1) {
    for (const engine of ['tweetnacl', 'native', 'sodium'] as const) {
      const verifier = await createVerifier({ publicKeys: [raw], engine, toleranceSecs: 300 });
      const each = await microsEach(verifier, engines[engine], headers, body);
      if (round > 0) micros[engine].push(each);
    }
  }
  return [
    {
      name: 'tweetnacl-over-native',
      goal: null,
      value: ratiosOf(micros.tweetnacl, micros.native),
    },
    { name: 'verify tweetnacl', goal: null, value: spreadOf(micros.tweetnacl), unit: 'µs' },
    { name: 'verify native', goal: null, value: spreadOf(micros.native), unit: 'µs' },
    { name: 'verify sodium', goal: null, value: spreadOf(micros.sodium), unit: 'µs' },
  ];
}

async function microsEach(
  verifier: Verifier,
  times: number,
  headers: Record<string, string>,
  body: Buffer,
): Promise<number> {
  const now = Date.now();
  const before = process.cpuUsage();
  for (let i = 0; i < times; i += 1) {
    const { result } = await verifier.verify({ headers, body, now });
    if (result !== 'verified') throw new Error(result);
  }
  const used = process.cpuUsage(before);
  return (used.user + used.system) / times;
}
