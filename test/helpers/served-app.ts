/** The HTTP side on a port of its own: real servers, real signatures, a real store; what is not under test is recorded. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type AppDeps, buildApp } from '../../src/app.ts';
import type { CallEvent } from '../../src/core/event.ts';
import type { RouteSet } from '../../src/core/rule.ts';
import type { Received, Receiver } from '../../src/engine/engine.ts';
import { watchStore } from '../../src/http/health.ts';
import type { Lifecycle } from '../../src/http/lifecycle.ts';
import type { LiveRoutes } from '../../src/http/live-routes.ts';
import type { Log, LogFields } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { ChangeRing } from '../../src/store/change-ring.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { createVerifier } from '../../src/telnyx/signature.ts';
import { type TelnyxKey, telnyxKey } from './webhooks.ts';

export const ADMIN_TOKEN = 'a token of at least 24 characters'.replaceAll(' ', '-');

export interface ServedApp extends AsyncDisposable {
  url: string;
  adminUrl: string | null;
  port: number;
  key: TelnyxKey;
  store: Store;
  ring: ChangeRing;
  lifecycle: Lifecycle;
  events: CallEvent[];
  lines: { event: string; fields: LogFields }[];
  metrics: AppDeps['metrics'];
  server: FastifyInstance;
  /** With the token. */
  api(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

export interface ServedOptions {
  receive?: (event: CallEvent, store: Store) => Promise<Received>;
  config?: Partial<AppDeps['config']>;
  routes?: Partial<LiveRoutes>;
  deps?: Partial<AppDeps>;
  toleranceSecs?: number;
  inFlightMax?: number;
}

export async function serveApp(options: ServedOptions = {}): Promise<ServedApp> {
  const folder = mkdtempSync(join(tmpdir(), 'referee-http-'));
  const store = await openSqlite(join(folder, 'referee.db'), 1);
  const key = telnyxKey();
  const events: CallEvent[] = [];
  const lines: ServedApp['lines'] = [];
  const log: Log = { emit: (event, fields = {}) => lines.push({ event, fields }) };
  const lifecycle: Lifecycle = { phase: 'running' };
  const metrics = createMetrics();
  const storeWatch = watchStore(store, { everyMs: 20, timeoutMs: 200 });
  const ring = new ChangeRing();
  const receiver: Receiver = {
    async receive(event) {
      events.push(event);
      return options.receive?.(event, store) ?? { result: 'duplicate' };
    },
  };
  const app = buildApp({
    config: { adminToken: ADMIN_TOKEN, adminPort: null, connectionIds: null, ...options.config },
    log,
    metrics,
    store,
    feed: ring,
    storeWatch,
    receiver,
    verifier: await createVerifier({
      publicKeys: [key.publicKey],
      engine: 'auto',
      toleranceSecs: options.toleranceSecs ?? 300,
      ...(options.inFlightMax === undefined ? {} : { inFlightMax: options.inFlightMax }),
    }),
    routes: { ...STILL_ROUTES, ...options.routes },
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
    ring,
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
    close,
    [Symbol.asyncDispose]: close,
  };
}

function urlOf(server: FastifyInstance): string {
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

const EMPTY_SET: RouteSet = {
  hash: '0'.repeat(64),
  files: ['main.yaml'],
  targets: new Map(),
  lists: new Map(),
  schedules: new Map([
    ['office', { name: 'office', zone: 'UTC', open: [], closed: [], closedSpans: [] }],
  ]),
  policy: {
    voice: 'Telnyx.KokoroTTS.af',
    language: null,
    patienceMs: 120_000,
    whileMoving: null,
    allow: [],
    refers: { perCall: 5, perHour: 1000, perCallerPerHour: 20 },
    transfers: { perCall: 2, perHour: 500, perCallerPerHour: 20 },
  },
  rules: [],
  otherwise: [{ do: 'hangup' }],
  lastResort: [{ do: 'hangup' }],
};

const STILL_ROUTES: LiveRoutes = {
  current: () => EMPTY_SET,
  refusal: () => null,
  reload: async () => ({ ok: true, hash: EMPTY_SET.hash, changed: false, warnings: [] }),
  explain: async () => ({ rule: null, path: ['hangup'], attempts: [], ends: 'hung_up', trace: [] }),
  resolveManual: () => ({ problem: 'no targets here' }),
};
