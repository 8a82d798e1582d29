/**
 * The HTTP side on its own port: real servers, real signatures, a real store. Everything else is
 * replaced by recorders.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { CallEvent } from '../../src/core/machine/event.ts';
import { explainNow, explainThen } from '../../src/core/replay/replay.ts';
import { compileRouteSet } from '../../src/core/rules/compiled-routes.ts';
import { decide } from '../../src/core/rules/decide.ts';
import type { RouteSet } from '../../src/core/rules/rule.ts';
import type { Received, Receiver } from '../../src/engine/engine.ts';
import type { LiveRoutes } from '../../src/engine/live-routes.ts';
import { NO_OBSERVER, NO_OUTLET } from '../../src/engine/observers.ts';
import { createReceiver } from '../../src/engine/receive.ts';
import { type AppDeps, buildApp } from '../../src/http/app.ts';
import { watchStore } from '../../src/http/health.ts';
import type { Lifecycle } from '../../src/http/lifecycle.ts';
import type { Log, LogFields } from '../../src/log/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { loadRoutes } from '../../src/routing/load.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { createVerifier } from '../../src/telnyx/signature.ts';
import { signedHeaders, type TelnyxKey, telnyxKey } from './webhooks.ts';

export const ADMIN_TOKEN = 'a-token-of-at-least-24-characters';

export interface ServedApp extends AsyncDisposable {
  url: string;
  adminUrl: string | null;
  port: number;
  key: TelnyxKey;
  store: Store;
  databaseUrl: string;
  set: RouteSet;
  lifecycle: Lifecycle;
  events: CallEvent[];
  lines: { event: string; fields: LogFields }[];
  metrics: AppDeps['metrics'];
  server: FastifyInstance;
  /** Sends a request with the token. */
  api(path: string, init?: RequestInit): Promise<Response>;
  /** Calls the receiver directly. */
  receive: Receiver['receive'];
  /** Sends a signed webhook. */
  deliver(body: string): Promise<Response>;
  close(): Promise<void>;
}

export interface ServedOptions {
  /** Replaces the engine. */
  receive?: (event: CallEvent) => Promise<Received>;
  config?: Partial<AppDeps['config']>;
  routes?: Partial<LiveRoutes>;
  deps?: Partial<AppDeps>;
  /** Telnyx's signing key, which replicas of one account share. Default: a new key. */
  key?: TelnyxKey;
}

/** Nothing is sent: without a dispatcher, commands stay in the store's outbox. */
export async function serveApp(options: ServedOptions = {}): Promise<ServedApp> {
  const folder = mkdtempSync(join(tmpdir(), 'referee-http-'));
  const store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  const set = await loadSet(folder);
  const key = options.key ?? telnyxKey();
  const events: CallEvent[] = [];
  const lines: ServedApp['lines'] = [];
  const log: Log = { emit: (event, fields = {}) => lines.push({ event, fields }) };
  const lifecycle: Lifecycle = { phase: 'running' };
  const metrics = createMetrics();
  const storeWatch = watchStore(store, { everyMs: 20, timeoutMs: 200 });
  const engine = createEngine(store, set);
  const receiver: Receiver = {
    receive(event, settle) {
      events.push(event);
      return options.receive?.(event) ?? engine.receive(event, settle);
    },
  };
  const app = buildApp({
    config: { adminToken: ADMIN_TOKEN, adminPort: null, connectionIds: null, ...options.config },
    log,
    metrics,
    store,
    storeWatch,
    receiver,
    verifier: await createVerifier({
      publicKeys: [key.publicKey],
      engine: 'auto',
      toleranceSecs: 300,
    }),
    routes: { ...routesOf(set), ...options.routes },
    lifecycle,
    warnings: () => [],
    now: Date.now,
    ...options.deps,
  });
  await app.public.listen({ host: '127.0.0.1', port: 0 });
  await app.admin?.listen({ host: '127.0.0.1', port: 0 });
  const url = urlOf(app.public);
  const adminUrl = app.admin === null ? null : urlOf(app.admin);

  async function close(): Promise<void> {
    storeWatch.stop();
    await Promise.all([app.public.close(), app.admin?.close()]);
    metrics.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }

  return {
    url,
    adminUrl,
    port: (app.public.server.address() as AddressInfo).port,
    key,
    store,
    databaseUrl: `sqlite:${join(folder, 'referee.db')}`,
    set,
    lifecycle,
    events,
    lines,
    metrics,
    server: app.public,
    api(path, init = {}) {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${ADMIN_TOKEN}`);
      if (typeof init.body === 'string') headers.set('content-type', 'application/json');
      return fetch(`${adminUrl ?? url}${path}`, { ...init, headers });
    },
    receive: receiver.receive,
    deliver: (body) =>
      fetch(`${url}/webhooks/telnyx`, { method: 'POST', body, headers: signedHeaders(key, body) }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function urlOf(server: FastifyInstance): string {
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

function createEngine(store: Store, set: RouteSet): Receiver {
  const compiled = compileRouteSet(set);
  return createReceiver({
    store,
    decider: {
      decide: (facts, moment, overrides) => decide(compiled, facts, moment, overrides),
      budgets: () => ({ refers: set.policy.refers, transfers: set.policy.transfers }),
    },
    outlet: NO_OUTLET,
    observer: NO_OBSERVER,
    owner: 'test',
  });
}

const ROUTES = `
targets:
  support-us: { sip: "sip:support@pbx-us.example.com" }
  templated: { sip: "sip:{from_user}@pbx-us.example.com" }
schedules:
  office: { zone: UTC, open: ["mon-fri 09:00-17:30"] }
switches:
  main-site: on
lists:
  vip: ["+14155550101", "+1415555*"]
policy:
  allow: ["sip:*@*.example.com"]
rules:
  - name: left alone
    when: { to: "+14155550111" }
    do: [ignore]
  - name: support
    when: { to: "+14155550100" }
    do:
      - refer: support-us
      - hangup
otherwise: [{ reject: declined }]
`;

async function loadSet(folder: string): Promise<RouteSet> {
  writeFileSync(join(folder, 'main.yaml'), ROUTES);
  const loaded = await loadRoutes(folder, { env: {}, handlers: false });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.set;
}

function routesOf(set: RouteSet): LiveRoutes {
  return {
    current: () => set,
    refusal: () => null,
    reload: async () => ({ ok: true, hash: set.hash, changed: false, warnings: [] }),
    activate: async () => ({ ok: false, why: 'no_such_version' }),
    activated: () => null,
    next: () => null,
    prove: async () => null,
    explainAgain: (recorded) => ({
      before: explainThen(recorded),
      after: explainNow(recorded, compileRouteSet(set)),
    }),
    explain: async () => ({ rule: null, path: [], attempts: [], ends: null, trace: [] }),
  };
}
