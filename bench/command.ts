/**
 * The cost of a command: microseconds of CPU on our thread from a Command value to its Outcome,
 * over warm connections to a server in another thread. The bare undici pool and ofetch over
 * undici's own fetch are measured in turn in the same run, so that the ratios hold on a noisy
 * machine.
 *
 *     node bench/command.ts [--requests 4000] [--rounds 5] [--json]
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { createFetch } from 'ofetch';
import { Pool, Headers as UndiciHeaders, fetch as undiciFetch } from 'undici';
import type { Command } from '../src/core/machine/command.ts';
import { createTelnyxClient } from '../src/telnyx/client.ts';

const CONCURRENCY = 16;

const refer: Extract<Command, { action: 'refer' }> = {
  id: '51d844c6-f069-5b7c-925b-7fdbf10dfd2f',
  callId: 'v3:abc',
  legId: 'v3:abc',
  attemptId: null,
  giveUpAt: null,
  clientState: Buffer.alloc(120, 'x').toString('base64'),
  action: 'refer',
  sipAddress: 'sip:support@pbx-us.example.com',
  userToUser: null,
  headers: [],
  auth: null,
};

if (isMainThread) await measure();
else serve();

function serve(): void {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"data":{"result":"ok"}}');
    });
  });
  server.listen(0, '127.0.0.1', () => {
    parentPort?.postMessage((server.address() as AddressInfo).port);
  });
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '4000' },
      rounds: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
    },
  });
  const server = new Worker(new URL(import.meta.url));
  const [port] = (await once(server, 'message')) as [number];
  const peers = peersOf(`http://127.0.0.1:${port}`);
  const figures = new Map<string, number[]>();
  for (let round = 0; round <= Number(values.rounds); round += 1) {
    for (const [name, send] of Object.entries(peers.send)) {
      const figure = await cpuMicros(send, Number(values.requests));
      // The first round only warms up the code and the connections.
      if (round > 0) figures.set(name, [...(figures.get(name) ?? []), figure]);
    }
  }
  await peers.close();
  await server.terminate();
  print(figures, values.json);
}

/** CPU time of this thread only, including its garbage collection. */
async function cpuMicros(send: () => Promise<void>, requests: number): Promise<number> {
  let left = requests;
  const before = process.threadCpuUsage();
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await send();
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const used = process.threadCpuUsage(before);
  return (used.user + used.system) / requests;
}

function peersOf(origin: string) {
  const client = createTelnyxClient({ apiUrl: `${origin}/v2`, apiKey: 'KEY', env: {} });
  const pool = new Pool(origin, { connections: 64 });
  const headers = { authorization: 'Bearer KEY', 'content-type': 'application/json' };
  const path = '/v2/calls/v3%3Aabc/actions/refer';
  const body = JSON.stringify({
    sip_address: refer.sipAddress,
    client_state: refer.clientState,
    command_id: refer.id,
  });
  const viaFetch = createFetch({
    fetch: ((url: string, init: object) =>
      undiciFetch(url, { ...init, dispatcher: pool })) as unknown as typeof fetch,
    Headers: UndiciHeaders as unknown as typeof Headers,
    defaults: { headers, retry: 0, redirect: 'error', timeout: 5_000 },
  });
  const send: Record<string, () => Promise<void>> = {
    'command-cpu-us': async () => {
      const outcome = await client.send(refer);
      if (outcome.kind !== 'accepted') throw new Error(JSON.stringify(outcome));
    },
    'undici-pool-cpu-us': async () => {
      const answer = await pool.request({ path, method: 'POST', headers, body });
      await answer.body.json();
    },
    'ofetch-over-undici-fetch-cpu-us': async () => {
      await viaFetch(`${origin}${path}`, { method: 'POST', body });
    },
  };
  const close = async () => {
    await client.close();
    await pool.destroy();
  };
  return { send, close };
}

function print(figures: Map<string, number[]>, asJson: boolean): void {
  const lines = [...figures].map(([name, all]) => {
    const sorted = all.toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1] ?? Number.NaN;
    return { name, median, low: sorted[0] ?? Number.NaN, high: sorted.at(-1) ?? Number.NaN };
  });
  if (asJson) {
    console.log(JSON.stringify(Object.fromEntries(lines.map(({ name, ...rest }) => [name, rest]))));
    return;
  }
  for (const { name, median, low, high } of lines) {
    console.log(`${name}: ${median.toFixed(1)}   (${low.toFixed(1)} to ${high.toFixed(1)})`);
  }
}
