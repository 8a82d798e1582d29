/**
 * Puts the HTTP side together: which endpoint is on which port, and the limits of both servers.
 * compose.ts makes them listen and closes them.
 */
import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifySchema } from 'fastify';
import type { Receiver } from '../engine/engine.ts';
import type { LiveRoutes } from '../engine/live-routes.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics.ts';
import type { Store } from '../store/store.ts';
import type { Verifier } from '../telnyx/signature.ts';
import type { ApiScope } from './api/api.ts';
import { createAudit } from './api/audit.ts';
import { registerAuditList } from './api/audit-list.ts';
import { registerActing } from './api/calls/acting.ts';
import { registerCalls } from './api/calls/calls.ts';
import { registerEvents } from './api/calls/events.ts';
import { registerLostCallers } from './api/calls/lost-callers.ts';
import { registerMetrics } from './api/metrics.ts';
import { collectOpenapi, registerOpenapi } from './api/openapi.ts';
import { registerDeadLetters } from './api/outbox/dead-letters.ts';
import { registerOutbox } from './api/outbox/outbox.ts';
import { registerSchedules } from './api/overriding/schedules.ts';
import { registerSwitches } from './api/overriding/switches.ts';
import { registerTargets } from './api/overriding/targets.ts';
import { type ProblemsDeps, registerProblems } from './api/problems/current-problems.ts';
import { registerExplain } from './api/routes/explain.ts';
import { registerExplainAgain } from './api/routes/explain-again.ts';
import { registerRoutes } from './api/routes/routes.ts';
import { registerVersions } from './api/routes/versions.ts';
import { registerSession } from './api/session.ts';
import { registerReports } from './api/stats/reports.ts';
import { registerStats, sharedActivity } from './api/stats/stats.ts';
import { type BodyBudget, createBodyBudget } from './body-budget.ts';
import { clientErrorHandler, errorHandler, problemOf } from './error-problems.ts';
import { registerHealth, type StoreWatch } from './health.ts';
import { closeIdleConnections } from './idle-connections.ts';
import type { Lifecycle } from './lifecycle.ts';
import { HTTP_LIMITS } from './limits.ts';
import { answerForNode } from './node-answers.ts';
import { answerUnknown, type Unknown } from './not-found.ts';
import { createAccess } from './people/access.ts';
import { onlyAdmin, type People } from './people/people.ts';
import { createSessions } from './people/sessions.ts';
import { gatherPieces } from './pieces.ts';
import { limitPipelining } from './pipelining.ts';
import { sendProblem } from './problem.ts';
import { COMPILERS } from './strict-validators.ts';
import { createStrays } from './webhook/strays.ts';
import { registerWebhook, type WebhookDeps } from './webhook/webhook.ts';

export interface AppDeps {
  config: {
    /** If this is null and there is no tokens file, /v1, /metrics and the page answer 404. */
    adminToken: string | null;
    tokensFile?: string | null;
    /** Signs the session cookies; all replicas share it. Absent: a random one for this process. */
    sessionSecret?: string;
    /** Null: everything is on one port. */
    adminPort: number | null;
    connectionIds: ReadonlySet<string> | null;
  };
  /** Absent: only the holder of ADMIN_TOKEN. */
  people?: People;
  log: Log;
  metrics: Metrics;
  store: Store;
  storeWatch: StoreWatch;
  receiver: Receiver;
  verifier: Verifier;
  routes: LiveRoutes;
  lifecycle: Lifecycle;
  /** Shown by /health/ready in addition to the warnings of the route set. */
  warnings: () => string[];
  /** See `WebhookDeps.missed`. */
  missed?: NonNullable<WebhookDeps['missed']>;
  /** Recent problems of this process, for the page. */
  troubles?: NonNullable<ProblemsDeps['troubles']>;
  /** The operator's page; it contains no data, so it needs no token. */
  page?: (scope: FastifyInstance) => void;
  /** Our clock, milliseconds since the epoch. */
  now: () => number;
  timeouts?: Timeouts;
  /** See HTTP_LIMITS. */
  bodiesBytesMax?: number;
  webhooksUnderWayMax?: number;
  webhookWaitMs?: number;
  answerMs?: number;
}

/** How long a client may take; see HTTP_LIMITS. */
export type Timeouts = {
  [name in 'headersTimeoutMs' | 'requestTimeoutMs' | 'connectionsCheckMs']: number;
};

export interface App {
  public: FastifyInstance;
  /** Null if ADMIN_PORT is not set; its endpoints are then on the public server. */
  admin: FastifyInstance | null;
}

export function buildApp(deps: AppDeps): App {
  const bodies = createBodyBudget(deps.bodiesBytesMax ?? HTTP_LIMITS.bodiesBytesMax);
  const open = buildServer(deps, bodies, true);
  const admin = deps.config.adminPort === null ? null : buildServer(deps, bodies, false);

  registerHealth(open.server, deps);
  registerWebhook(open.server, { ...deps, connectionIds: deps.config.connectionIds });
  if (admin !== null) registerHealth(admin.server, deps);
  registerAdmin(admin ?? open, deps);
  return { public: open.server, admin: admin?.server ?? null };
}

interface Built {
  server: FastifyInstance;
  unknown: Unknown;
}

function registerAdmin({ server, unknown }: Built, deps: AppDeps): void {
  const { config, log, store, now, page } = deps;
  if (isAdminOff(config)) return;
  const { people = onlyAdmin(config.adminToken) } = deps;
  const secret = config.sessionSecret ?? randomUUID();
  const sessions = createSessions({ secret, people, store, now });
  const access = createAccess({ people, sessions, log });
  // Everybody who may read something.
  unknown.guard((request, reply) => access.check(request, reply, 'viewer'));
  const api = { ...deps, access, sessions, audit: createAudit({ log, store }) };

  server.register(async (scope: ApiScope) => {
    scope.decorateRequest('person', null);
    scope.decorateRequest('session', null);
    showRoles(scope);
    api.audit.recordRefusals(scope);
    scope.addHook('onRequest', async (request, reply) => {
      return (await access.check(request, reply)) ? undefined : reply;
    });
    scope.addHook('onSend', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });
    takeJsonAlone(scope);
    registerSession(scope, api);
    registerCalls(scope, api);
    registerActing(scope, api);
    registerOutbox(scope, api);
    registerDeadLetters(scope, api);
    registerAuditList(scope, api);
    registerExplainAgain(scope, api);
    registerRoutes(scope, api);
    registerExplain(scope, api);
    registerVersions(scope, api);
    registerLostCallers(scope, api);
    registerSchedules(scope, api);
    registerSwitches(scope, api);
    registerTargets(scope, api);
    registerEvents(scope, api);
    const activity = sharedActivity(deps);
    registerStats(scope, deps, activity);
    registerReports(scope, deps);
    registerProblems(scope, deps, activity);
    registerMetrics(scope, deps.metrics);
    registerOpenapi(scope);
  });
  if (page !== undefined) server.register(async (scope) => page(scope));
}

function isAdminOff({ adminToken, tokensFile = null }: AppDeps['config']): boolean {
  return adminToken === null && tokensFile === null;
}

/** The OpenAPI document says which role each endpoint needs, and what it is in the audit. */
function showRoles(scope: ApiScope): void {
  scope.addHook('onRoute', (route) => {
    const { role, action } = route.config ?? {};
    if (role === undefined) return;
    const said = { 'x-role': role, ...(action === undefined ? {} : { 'x-action': action }) };
    route.schema = { ...route.schema, ...said } as FastifySchema;
  });
}

/**
 * Accepts only JSON: fastify also accepts text/plain, which forms on other sites can send. Without
 * a body the type does not matter: for a reload, clients send that of JSON, and `curl -d ''` that
 * of a form.
 */
function takeJsonAlone(scope: ApiScope): void {
  scope.removeAllContentTypeParsers();
  scope.addHook('onRequest', async ({ headers }) => {
    if (headers['content-length'] === '0') delete headers['content-type'];
  });
  const parse = scope.getDefaultJsonParser('error', 'error');
  scope.addContentTypeParser<string>(
    'application/json',
    { parseAs: 'string' },
    (request, body, done) => {
      if (body === '') done(null, undefined);
      else parse(request, body, done);
    },
  );
}

function buildServer(
  { config, log, metrics, timeouts = HTTP_LIMITS }: AppDeps,
  bodies: BodyBudget,
  takesWebhooks: boolean,
): Built {
  const strays = createStrays({ log, metrics, takesWebhooks });
  const server = fastify({
    logger: false,
    schemaController: { compilersFactory: COMPILERS },
    bodyLimit: HTTP_LIMITS.bodyBytesMax,
    requestTimeout: timeouts.requestTimeoutMs,
    connectionTimeout: HTTP_LIMITS.connectionTimeoutMs,
    keepAliveTimeout: HTTP_LIMITS.keepAliveTimeoutMs,
    http: {
      headersTimeout: timeouts.headersTimeoutMs,
      connectionsCheckingInterval: timeouts.connectionsCheckMs,
      maxHeaderSize: HTTP_LIMITS.headerBytesMax,
      // Node would answer an empty 400; see node-answers.ts.
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: HTTP_LIMITS.paramCharsMax },
    // While closing we answer ourselves, because fastify's 503 has no Retry-After and is not
    // problem+json.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: clientErrorHandler(strays.bytes),
    frameworkErrors: (error, request, reply) => {
      const problem = problemOf(error);
      const fix = strays.request(request, problem.status);
      sendProblem(reply, fix === undefined ? problem : { ...problem, fix });
    },
  });
  server.server.maxConnections = HTTP_LIMITS.connectionsMax;
  closeIdleConnections(server.server);
  answerForNode(server);
  gatherPieces(server, bodies);
  limitPipelining(server, strays.pipelined);
  // Everything accepted is answered by then; a slow upload must not delay the stop.
  server.addHook('preClose', async () => {
    setTimeout(() => server.server.closeAllConnections(), HTTP_LIMITS.closeGraceMs).unref();
  });
  server.setErrorHandler(errorHandler(log));
  // Endpoints that take a body have a parser of their own. A body sent anywhere else is not read, so
  // the answer is that there is no such endpoint or method, not that the body is broken.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, _body, done) => done(null));
  const unknown = answerUnknown(server, strays, { adminIsOff: isAdminOff(config) });
  server.addHook('onClose', async () => strays.flush());
  collectOpenapi(server);
  return { server, unknown };
}
