/** What every figure uses: the signing key, the stand-in API, the load generator, a folder. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiSaw } from './api.ts';
import { type CallsWanted, type SignedWebhook, signedWebhooks } from './calls.ts';
import type { LoadDone, LoadWanted } from './load.ts';
import { type Commanded, startCommanded } from './processes.ts';

export interface Bench {
  /** Duration of one measured slice. */
  seconds: number;
  rounds: number;
  folder: string;
  /** Base64 of the raw key, as Telnyx shows it. */
  publicKey: string;
  apiUrl: string;
  prepare(wanted: Omit<CallsWanted, 'privateKey' | 'lot'>): Promise<number>;
  /** Webhooks to be sent without the load generator. */
  webhooks(wanted: Omit<CallsWanted, 'privateKey' | 'lot'>): SignedWebhook[];
  run(wanted: LoadWanted): Promise<LoadDone>;
  /** What the API has received since the last call of this. */
  apiSaw(): Promise<ApiSaw>;
  note(text: string): void;
  close(): Promise<void>;
}

export async function openBench(options: {
  seconds: number;
  rounds: number;
  note(text: string): void;
}): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-bench-'));
  const pair = generateKeyPairSync('ed25519');
  const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const { process: load } = await startCommanded('load.ts', 'load', false);
  const { process: api, greeting } = await startCommanded('api.ts', 'load', true);
  let lots = 0;
  const nextLot = () => {
    lots += 1;
    return lots.toString(36).padStart(4, '0');
  };
  return {
    ...options,
    folder,
    publicKey: Buffer.from(jwk.x ?? '', 'base64url').toString('base64'),
    apiUrl: `http://127.0.0.1:${(greeting as { port: number }).port}`,
    async prepare(wanted) {
      const { prepared } = await load.ask<{ prepared: number }>({
        do: 'prepare',
        wanted: { ...wanted, lot: nextLot(), privateKey },
      });
      return prepared;
    },
    webhooks: (wanted) => signedWebhooks({ ...wanted, lot: nextLot(), privateKey }),
    run: (wanted) => load.ask<LoadDone>({ do: 'run', wanted }),
    apiSaw: () => api.ask<ApiSaw>('take'),
    async close() {
      await stopAll(load, api);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function stopAll(...processes: Commanded[]): Promise<void> {
  await Promise.all(processes.map((each) => each.stop()));
}

export interface Spread {
  median: number;
  low: number;
  high: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const lower = sorted.length % 2 === 0 ? (sorted[middle - 1] ?? upper) : upper;
  return {
    median: (upper + lower) / 2,
    low: sorted[0] ?? Number.NaN,
    high: sorted.at(-1) ?? Number.NaN,
  };
}

/**
 * The ratios of each round, whose median is used: noise that lasts longer than a round cancels out.
 */
export function ratiosOf(a: readonly number[], b: readonly number[]): Spread {
  return spreadOf(a.map((value, round) => value / (b[round] ?? Number.NaN)));
}
