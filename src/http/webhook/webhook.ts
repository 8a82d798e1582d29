/**
 * POST /webhooks/telnyx: the hot path, and the only endpoint that is open to the internet. The
 * cheapest checks come first: content type, size and the signature's headers before the body is
 * read, then the signature before anything is parsed. 200 is only sent after the commit.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import rawBody from 'fastify-raw-body';
import type { WebhookEvent } from '../../core/machine/event.ts';
import type { Receiver } from '../../engine/engine.ts';
import { RefereeError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';
import type { Verifier } from '../../telnyx/signature.ts';
import { verifyAndParse } from '../../telnyx/verify-and-parse.ts';
import { problemOf } from '../error-problems.ts';
import { type Lifecycle, takesWebhooks } from '../lifecycle.ts';
import { HTTP_LIMITS } from '../limits.ts';
import type { Problem } from '../problem.ts';
import { createAdmission } from './admission.ts';
import { accepted, createRefuse, drainBody, pauseReading, type Refuse } from './answer.ts';
import {
  CUT_OFF,
  compressed,
  NO_BODY,
  NOT_JSON,
  notAnEvent,
  STARTING,
  STOPPING,
  TOO_LARGE,
  TOO_LATE,
  TOO_MANY,
  verificationProblem,
} from './problems.ts';
import { createRefusals, type Refusals } from './refusal-log.ts';
import { watchSkew } from './skew.ts';
import { WEBHOOK_PATH } from './strays.ts';

export interface WebhookDeps {
  verifier: Verifier;
  receiver: Receiver;
  lifecycle: Lifecycle;
  /** Null: calls of every connection are handled. */
  connectionIds: ReadonlySet<string> | null;
  log: Log;
  metrics: Metrics;
  /** Our clock, in milliseconds since the epoch. */
  now: () => number;
  /**
   * Called if webhooks may have been missed since `since` (milliseconds since the epoch);
   * `perhaps`: what was refused may be a stranger's.
   */
  missed?: (since: number, how?: 'perhaps') => void;
  answerMs?: number;
  webhooksUnderWayMax?: number;
  webhookWaitMs?: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** When the webhook's headers had arrived, by our clock. */
    webhookAt: number;
  }
}

export function registerWebhook(app: FastifyInstance, deps: WebhookDeps): void {
  app.register(async (scope) => {
    await scope.register(rawBody, { global: false, encoding: false });
    // fastify-raw-body adds a JSON parser, but nothing may be parsed before the signature is
    // verified.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null));
    scope.decorateRequest('webhookAt', 0);

    const refuse = createRefuse({ ...deps, missed: (how) => deps.missed?.(deps.now(), how) });
    const admission = createAdmission({
      underWayMax: deps.webhooksUnderWayMax ?? HTTP_LIMITS.webhooksUnderWayMax,
      waitingMax: HTTP_LIMITS.webhooksWaitingMax,
      waitMs: deps.webhookWaitMs ?? HTTP_LIMITS.webhookWaitMs,
    });
    const withoutCall = createRefusals(deps.log, 'webhook.without_call');
    const answer = createAnswer(deps, refuse, withoutCall);
    scope.post(
      WEBHOOK_PATH,
      {
        schema: SCHEMA,
        config: { rawBody: true },
        onRequest: (request, reply, done) => {
          request.webhookAt = deps.now();
          const problem = beforeTheBody(request, deps);
          if (problem !== null) {
            refuse(request, reply, problem);
            return;
          }
          admission.enter((admitted) => {
            if (admitted) {
              done();
            } else {
              refuse(request, reply, TOO_MANY);
              pauseReading(request, reply);
            }
          });
        },
        errorHandler: (error, request, reply) => {
          const problem = wasCutOff(request) ? CUT_OFF : problemOf(error);
          // The rest is still arriving; so that the sender reads our answer, it is read too.
          if (problem.status === 413 || problem.reason === 'too_many_bytes') {
            drainBody(request, reply);
          }
          refuse(request, reply, problem);
        },
      },
      async (request, reply) => {
        admission.begin();
        try {
          return await answer(request, reply);
        } finally {
          admission.end();
        }
      },
    );
    scope.addHook('preClose', async () => admission.close());
    scope.addHook('onClose', async () => {
      refuse.flush();
      withoutCall.flush();
    });
  });
}

/**
 * Refusals that need only the headers: 415, 413 if the size is declared, 401, and 503 while nothing
 * is accepted.
 */
function beforeTheBody(
  { headers, webhookAt }: FastifyRequest,
  { verifier, lifecycle }: WebhookDeps,
): Problem | null {
  if (!isJson(headers['content-type'])) return NOT_JSON;
  if (Number(headers['content-length']) > HTTP_LIMITS.bodyBytesMax) return TOO_LARGE;
  const refusal = verifier.refuseByHeaders(headers, webhookAt);
  if (refusal !== null) return verificationProblem(refusal);
  if (!takesWebhooks(lifecycle)) return lifecycle.phase === 'starting' ? STARTING : STOPPING;
  return null;
}

type Answer = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

function createAnswer(deps: WebhookDeps, refuse: Refuse, withoutCall: Refusals): Answer {
  const { verifier, receiver, metrics, connectionIds, lifecycle, now } = deps;
  const answerMs = deps.answerMs ?? HTTP_LIMITS.webhookAnswerMs;
  const skew = watchSkew(deps);
  return answer;

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { headers, webhookAt, rawBody: body } = request;
    if (!Buffer.isBuffer(body)) return refuse(request, reply, NO_BODY);

    const webhook = await verifyAndParse(verifier, { headers, body, now: webhookAt });
    if (webhook.kind === 'refused' || webhook.kind === 'not_telnyx') {
      const problem =
        webhook.kind === 'refused'
          ? verificationProblem(webhook.refusal)
          : notAnEvent(webhook.why, webhook.fix);
      return refuse(request, reply, compressed(problem, headers['content-encoding']));
    }
    const deliveryAttempt = webhook.kind === 'call' ? webhook.event.deliveryAttempt : null;
    skew.saw(webhookAt - webhook.signedAt, deliveryAttempt);
    if (webhook.kind === 'call') return take(webhook.event, request, reply);
    const { type, lost } = webhook;
    // Another delivery would name no call either, so it is answered 200, but somebody must know.
    if (lost !== undefined) {
      const session = lost.sessionId === null ? '' : ` of the session ${lost.sessionId}`;
      const detail = `${lost.why} Event ${lost.id}${session}.`;
      const fields = { status: 200, detail, fix: null, remote: request.ip };
      withoutCall.count(type ?? 'none', fields);
    }
    const result = lost === undefined ? 'ignored' : 'without_call';
    metrics.webhook(type ?? 'none', result, now() - webhookAt);
    return accepted(reply, lifecycle);
  }

  /** The event of a call. */
  async function take(event: WebhookEvent, request: FastifyRequest, reply: FastifyReply) {
    const { webhookAt: startedAt } = request;
    event.clockSkewMs = skew.aheadMs();
    // A repeated delivery means that an earlier one failed. Others may have failed too, and Telnyx
    // does not repeat all of them.
    if ((event.deliveryAttempt ?? 1) > 1) deps.missed?.(event.occurredAt ?? startedAt);
    const { connectionId } = event.facts;
    if (connectionIds !== null && connectionId !== null && !connectionIds.has(connectionId)) {
      metrics.webhook(event.type, 'foreign', now() - startedAt);
      return accepted(reply, lifecycle);
    }

    try {
      const left = Math.min(answerMs, Math.max(0, answerMs - (now() - startedAt)));
      const received = await within(left, receiver.receive(event));
      // A dead letter is answered 200 too: another delivery would fail again, and a human can see
      // it.
      const result = received.result === 'refused' ? 'ignored' : received.result;
      metrics.webhook(event.type, result, now() - startedAt);
      return accepted(reply, lifecycle);
    } catch (error) {
      metrics.webhook(event.type, 'unavailable', now() - startedAt);
      if (!(error instanceof RefereeError)) {
        deps.log.emit('http.failed', { path: WEBHOOK_PATH, event: event.type, err: error });
      }
      return refuse(request, reply, error instanceof TooLate ? TOO_LATE : problemOf(error));
    }
  }
}

function wasCutOff({ raw }: FastifyRequest): boolean {
  return raw.destroyed && !raw.complete;
}

function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;
  return contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType);
}

class TooLate extends RefereeError {
  constructor() {
    super('TOO_LATE', 'no answer in time');
  }
}

/** After the timeout the work still completes; only its result is ignored. */
function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new TooLate()), ms);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

const SCHEMA = {
  tags: ['telnyx'],
  summary: 'Webhooks from Telnyx; signed with its key, so no token is needed',
  security: [],
};
