/**
 * The first callers after a start: the p99 of a server's first thousand webhooks divided by that of
 * a thousand later ones, both at 100 calls a second. Each round has its own server and store.
 */
import type { Bench } from './bench.ts';
import { ratiosOf, spreadOf } from './bench.ts';
import { WEBHOOKS_OF_A_CALL } from './calls.ts';
import type { Figure } from './figures.ts';
import { CONNECTIONS, noteSent, quietApi, WARM_CALLS } from './intake.ts';
import { checkStore, type RefereeServer, type Sent, startReferee } from './referee.ts';

const CALLS_A_SECOND = 100;
const WEBHOOKS = 1_000;
/** A fifth of a second between two webhooks of a call. */
const LAG_CALLS = 20;

export async function coldStart(bench: Bench): Promise<Figure[]> {
  const cold: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < bench.rounds; round += 1) {
    const server = await startReferee(bench, { name: `cold-${round}` });
    const sent: Sent = { accepted: {}, commands: {} };
    try {
      cold.push(await p99(bench, server, sent));
      await bench.prepare({ calls: WARM_CALLS });
      const done = await bench.run({ port: server.port, connections: CONNECTIONS, rate: null });
      noteSent(sent, done, await quietApi(bench));
      // The first run brings the server to this pace.
      await p99(bench, server, sent);
      warm.push(await p99(bench, server, sent));
      await checkStore(server, sent, true);
    } finally {
      await server.stop();
    }
    bench.note(`p99 cold ${cold.at(-1)?.toFixed(1)} ms, warm ${warm.at(-1)?.toFixed(1)} ms`);
  }
  return [
    { name: 'cold-over-warm', goal: { atMost: 2 }, value: ratiosOf(cold, warm) },
    { name: 'cold: p99', goal: null, value: spreadOf(cold), unit: 'ms' },
    { name: 'warm: p99', goal: null, value: spreadOf(warm), unit: 'ms' },
  ];
}

async function p99(bench: Bench, { port }: RefereeServer, sent: Sent): Promise<number> {
  const calls = WEBHOOKS / WEBHOOKS_OF_A_CALL.length;
  await bench.prepare({ calls, lagCalls: LAG_CALLS });
  const rate = CALLS_A_SECOND * WEBHOOKS_OF_A_CALL.length;
  const done = await bench.run({ port, connections: CONNECTIONS, rate });
  if (Object.keys(done.statuses).some((status) => status !== '200')) {
    throw new Error(`answers were ${JSON.stringify(done.statuses)}`);
  }
  noteSent(sent, done, await quietApi(bench));
  return done.latency.p99;
}
