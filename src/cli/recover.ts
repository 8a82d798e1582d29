/**
 * `referee recover`: asks Telnyx for the webhooks that were missed, by hand; the server does so by
 * itself.
 */

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { type Config, readConfig } from '../config/config.ts';
import { withEnvFile } from '../config/env-file.ts';
import { BadValue } from '../config/values.ts';
import { counted } from '../core/counted.ts';
import type { Call } from '../core/machine/call.ts';
import type { WebhookEvent } from '../core/machine/event.ts';
import type { Receiver } from '../engine/engine.ts';
import { NO_OBSERVER, NO_OUTLET } from '../engine/observers.ts';
import { livingReplicas } from '../engine/other-replicas.ts';
import { createReceiver } from '../engine/receive.ts';
import { deliveryKey } from '../engine/receiving/timeline.ts';
import { recoveryJson } from '../engine/recovery/json.ts';
import { knownOf } from '../engine/recovery/known.ts';
import { owedOf, withMissed } from '../engine/recovery/owed.ts';
import {
  type Known,
  lostCaller,
  type RecoverOptions,
  type Recovery,
  recover,
} from '../engine/recovery/recover.ts';
import { sourceOf } from '../engine/recovery/service.ts';
import { createDecider } from '../engine/routes/decider.ts';
import { RefereeError } from '../errors.ts';
import { openRoutes } from '../routing/reload.ts';
import { SESSION_CALLS_MAX } from '../store/contract/calls.ts';
import { openStore } from '../store/open.ts';
import { openReader, type StoreReader } from '../store/reader.ts';
import type { Store } from '../store/store.ts';
import { createAsking } from '../telnyx/account/asking.ts';
import { createTelnyxClient } from '../telnyx/client.ts';
import { pastOf } from './options/since.ts';
import { UTC_OPTION } from './options/utc.ts';
import { useRoutesOf } from './recover/routes.ts';
import { inWords } from './recover/text.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { stopSignal } from './terminal/stop-signal.ts';
import { plain, plainLines } from './terminal/terminal.ts';

export interface RecoverCommandOptions {
  since?: number;
  dryRun?: boolean;
  utc?: boolean;
  json?: boolean;
}

/** Has no heartbeat and claims nothing. */
const OWNER = 'referee recover';
const SINCE_DEFAULT_MS = 24 * 60 * 60_000;
const LOST_MAX = 500;

export function recoverCommand(program: Command, io: Io): void {
  const command = program
    .command('recover')
    .description(
      'ask Telnyx for the webhooks that were missed, and handle or list their callers; a server does this itself at its start and while some may be missing',
    )
    .option(
      '--since <time>',
      'ISO 8601 with its zone, or how long ago: 15m, 2h, 1d; default: since webhooks may be missing, otherwise 1d',
      pastOf,
    )
    .option('--dry-run', 'change nothing, only report what would be done')
    .option(...UTC_OPTION)
    .option('--json', 'one JSON object');
  command.action(async (options: RecoverCommandOptions) => {
    using stopping = stopSignal(io.env);
    process.exitCode = await runRecover(options, io, stopping.signal);
  });
}

/** Returns 1 if something could not be read or stored; another run continues with the rest. */
async function runRecover(
  options: RecoverCommandOptions,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  try {
    const env = withEnvFile(io.env);
    const config = readConfig(env);
    const { apiUrl, apiKey, proxy } = config;
    await using opened = new AsyncDisposableStack();
    const client = createTelnyxClient({ apiUrl, apiKey, proxy, env });
    opened.defer(() => client.close());
    const asking = createAsking({ apiUrl, apiKey, proxy });
    opened.defer(() => asking.close());
    const common = {
      source: sourceOf(asking, client, signal),
      connectionIds: config.connectionIds,
      signal,
      now: Date.now,
      onRecovered() {},
    };
    const hands = options.dryRun
      ? await onlyLooking(opened, config, io)
      : await storing(opened, config, env);
    const since = options.since ?? (await sinceWhen(hands.store));
    const recovery = await recover({ ...common, ...hands }, since);
    if (recovery.postponed > 0) await hands.owe(since);
    const report = options.dryRun ? recovery : await withLostBefore(recovery, hands.store);
    io.stdout.write(
      options.json ? `${jsonText(recoveryJson(report))}\n` : inWords(report, options),
    );
    if (!hands.servesCallers && recovery.postponed > 0) {
      io.stderr.write(
        `referee recover: no server is running: ${counted(recovery.postponed, 'event')} of waiting callers will be handled at the next start\n`,
      );
    }
    return recovery.failed === null ? 0 : 1;
  } catch (error) {
    if (!(error instanceof RefereeError || error instanceof BadValue) && !signal.aborted)
      throw error;
    const message = signal.aborted
      ? 'stopped; run it again to continue with the rest'
      : error instanceof Error
        ? plainLines(error)
        : String(error);
    io.stderr.write(`referee recover: ${message}\n`);
    return 1;
  }
}

type Hands = Pick<RecoverOptions, 'know' | 'receive' | 'servesCallers'> & {
  store: Pick<Store, 'list' | 'setting'>;
  /** Lets the servers, or the next start, ask Telnyx for this time again. */
  owe(since: number): Promise<unknown>;
};

async function onlyLooking(
  opened: AsyncDisposableStack,
  { database }: Config,
  io: Io,
): Promise<Hands> {
  const looking = { receive: null, servesCallers: true, async owe() {} };
  if (database.kind === 'sqlite' && !existsSync(database.path)) {
    // Without --dry-run it would be made: the report is about that, and says so.
    io.stderr.write(
      `referee recover: ${plain(database.path)}: there is no such file, so nothing counts as stored\n`,
    );
    return { ...looking, store: NOTHING_STORED, know: async () => NOTHING_KNOWN };
  }
  const reader = await openReader(database);
  opened.defer(() => reader.close());
  return { ...looking, store: reader, know: (events, legIds) => lookUp(reader, events, legIds) };
}

const NOTHING_KNOWN: Known = { calls: new Map(), holds: () => false };
const NOTHING_STORED: Hands['store'] = {
  list: async () => ({ calls: [], next: null }),
  setting: async () => ({ version: 0, value: null }),
};

/** Commands for live calls are stored here and sent by the running server. */
async function storing(
  opened: AsyncDisposableStack,
  config: Config,
  env: Record<string, string | undefined>,
): Promise<Hands> {
  const routes = await openRoutes(config.routesDir, { env, handlers: config.routesHandlers });
  opened.defer(() => routes.close());
  const store = await openStore(config.database);
  opened.defer(() => store.close());
  const servers = await livingReplicas(store, OWNER);
  await useRoutesOf(servers, routes, store);
  const engine = createReceiver({
    store,
    decider: createDecider(routes),
    owner: OWNER,
    observer: NO_OBSERVER,
    outlet: NO_OUTLET,
  });
  const receive: Receiver['receive'] = engine.receive;
  opened.defer(() => engine.drained());
  return {
    store,
    know: knownOf(store),
    receive,
    servesCallers: servers.length > 0,
    owe: (since) =>
      store.changeSetting('recovery', (value) => {
        const now = Date.now();
        return { ...(value as object | null), ...withMissed(owedOf(value, now), since, now) };
      }),
  };
}

async function sinceWhen(store: Pick<Store, 'setting'>): Promise<number> {
  const now = Date.now();
  const { since } = owedOf((await store.setting('recovery')).value, now);
  return since ?? now - SINCE_DEFAULT_MS;
}

/**
 * Adds lost callers that the server has already found, because the user wants to see all of them.
 */
async function withLostBefore(recovery: Recovery, store: Pick<Store, 'list'>): Promise<Recovery> {
  const { calls } = await store.list({
    ends: 'missed',
    unacknowledged: true,
    since: recovery.since,
    limit: LOST_MAX,
  });
  const lost = new Map(recovery.lost.map((each) => [each.callId, each]));
  for (const call of calls) lost.set(call.id, lostCaller(call));
  return { ...recovery, lost: [...lost.values()].toSorted((a, b) => a.at - b.at) };
}

/** Only looks and writes nothing, so each call is looked up separately. */
async function lookUp(
  reader: StoreReader,
  events: WebhookEvent[],
  legIds: string[],
): Promise<Known> {
  const calls = new Map<string, Call>();
  const seen = new Set<string>();
  const ids = new Set([...events.map(({ callId }) => callId), ...legIds]);
  for (const id of ids) {
    const found = await reader.find(id);
    if (found === null) continue;
    calls.set(id, found.call);
    for (const { key } of await reader.timeline(id)) seen.add(`${id}\n${key}`);
  }
  const sessions = new Set(events.flatMap(({ facts }) => facts.sessionId ?? []));
  for (const sessionId of sessions) {
    const page = await reader.list({ sessionId, legs: 'all', limit: SESSION_CALLS_MAX });
    for (const call of page.calls) calls.set(call.id, call);
  }
  return { calls, holds: (event) => seen.has(deliveryKey(event)) };
}
