/**
 * The caller at 3 a.m.: what our server adds between `call.initiated` and the REFER's arrival at a
 * far Telnyx, after a quiet period and in a busy one. A second server without KEEP_WARM_SECS shows
 * what that setting is worth. Time runs ten times as fast: a connection closes after six quiet
 * seconds, where a load balancer takes a minute, and half a minute of quiet stands for five
 * minutes.
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { ratiosOf, spreadOf } from './bench.ts';
import { type SignedWebhook, WEBHOOKS_OF_A_CALL } from './calls.ts';
import type { FarApiSaw, FarApiStart } from './far-api.ts';
import type { Figure } from './figures.ts';
import { sharedNow } from './load.ts';
import { type Commanded, startCommanded } from './processes.ts';
import { checkStore, type RefereeServer, type Sent, startReferee } from './referee.ts';

const IDLE_MS = 6_000;
const QUIET_MS = 30_000;
const KEEP_WARM_SECS = 2;
const WARM_CALLS = 30;
/**
 * Calls in a busy period: one after another, with pauses far shorter than the idle time of a
 * connection.
 */
const BUSY_CALLS = 10;
/** The least time that Telnyx takes between a command and the webhook that follows. */
const PAUSE_MS = 100;

export async function quietHour(bench: Bench): Promise<Figure[]> {
  const sides = await Promise.all([
    startSide(bench, 'warm', KEEP_WARM_SECS),
    startSide(bench, 'cold', 0),
  ]);
  try {
    await Promise.all(sides.map((side) => callers(bench, side, WARM_CALLS)));
    for (let round = 0; round < bench.rounds; round += 1) {
      const busy = await Promise.all(sides.map((side) => callers(bench, side, BUSY_CALLS)));
      for (const [n, side] of sides.entries()) side.busy.push(spreadOf(busy[n] ?? []).median);
      await setTimeout(QUIET_MS);
      for (const side of sides) {
        const [quiet = Number.NaN] = await callers(bench, side, 1);
        side.quiet.push(quiet);
        bench.note(`${side.name}: ${side.busy.at(-1)?.toFixed(1)} ms, then ${quiet.toFixed(1)} ms`);
      }
    }
    for (const { server, sent } of sides) await checkStore(server, sent, true);
  } finally {
    await Promise.all(sides.flatMap(({ server, far }) => [server.stop(), far.stop()]));
  }
  return sides.flatMap(({ name, busy, quiet }): Figure[] => [
    name === 'warm'
      ? { name: 'quiet-over-busy', goal: { atMost: 1.5 }, value: ratiosOf(quiet, busy) }
      : { name: 'quiet-over-busy-cold', goal: null, value: ratiosOf(quiet, busy) },
    { name: `busy, ${name}`, goal: null, value: spreadOf(busy), unit: 'ms' },
    { name: `quiet, ${name}`, goal: null, value: spreadOf(quiet), unit: 'ms' },
  ]);
}

interface Side {
  name: 'warm' | 'cold';
  far: Commanded;
  server: RefereeServer;
  sent: Sent;
  /** The median of each period. */
  busy: number[];
  quiet: number[];
}

async function startSide(bench: Bench, name: Side['name'], keepWarmSecs: number): Promise<Side> {
  const certFile = join(bench.folder, `far-api-${name}.pem`);
  const { process: far } = await startCommanded('far-api.ts', 'load', false);
  const wanted: FarApiStart = { certFile, idleMs: IDLE_MS };
  const { port } = await far.ask<{ port: number }>(wanted);
  const env = {
    TELNYX_API_URL: `https://localhost:${port}/v2`,
    NODE_EXTRA_CA_CERTS: certFile,
    KEEP_WARM_SECS: String(keepWarmSecs),
  };
  const server = await startReferee(bench, { name: `quiet-${name}`, env });
  return { name, far, server, sent: { accepted: {}, commands: {} }, busy: [], quiet: [] };
}

/**
 * Calls one after another. For each, the milliseconds that our server added before both commands.
 */
async function callers(
  bench: Bench,
  { far, server, sent }: Side,
  calls: number,
): Promise<number[]> {
  const webhooks = bench.webhooks({ calls, lagCalls: 0 });
  const took: number[] = [];
  for (let at = 0; at < webhooks.length; at += WEBHOOKS_OF_A_CALL.length) {
    let ms = 0;
    for (const webhook of webhooks.slice(at, at + WEBHOOKS_OF_A_CALL.length)) {
      const sentAt = sharedNow();
      await post(server.port, webhook);
      count(sent.accepted, webhook.type);
      const action = ACTION_AFTER[webhook.type];
      if (action !== undefined) {
        const saw = await far.ask<FarApiSaw>({ callId: webhook.callId, action });
        if (saw.times !== 1) throw new Error(`${action} came ${saw.times} times`);
        count(sent.commands, action);
        ms += saw.at - sentAt;
      }
      await setTimeout(PAUSE_MS);
    }
    took.push(ms);
  }
  return took;
}

const ACTION_AFTER: Record<string, string> = {
  'call.initiated': 'answer',
  'call.answered': 'refer',
};

async function post(port: number, { request }: SignedWebhook): Promise<void> {
  const text = request.toString();
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const headers = head
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(': ') as [string, string]);
  const kept = headers.filter(([name]) => /^(telnyx-|content-type)/.test(name));
  const url = `http://127.0.0.1:${port}/webhooks/telnyx`;
  const { status } = await fetch(url, { method: 'POST', headers: kept, body });
  if (status !== 200) throw new Error(`a webhook was answered ${status}`);
}

function count(sum: Record<string, number>, name: string): void {
  sum[name] = (sum[name] ?? 0) + 1;
}
