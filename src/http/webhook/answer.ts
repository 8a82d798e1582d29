/** Answers webhooks and decides about the connection: keep it, close it, or pause reading. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';
import type { Lifecycle } from '../lifecycle.ts';
import { HTTP_LIMITS } from '../limits.ts';
import { type Problem, sendProblem } from '../problem.ts';
import { CUT_OFF } from './problems.ts';
import { createRefusals } from './refusal-log.ts';

/**
 * Exactly 200, because Telnyx counts some deliveries with another 2xx as failed (its error 75299).
 */
export function accepted(reply: FastifyReply, lifecycle: Lifecycle): FastifyReply {
  return closeAfterReply(reply, lifecycle)
    .code(200)
    .header('content-type', 'application/json')
    .send('{}');
}

/**
 * Load balancers keep connections open for long; closing them moves traffic to another replica.
 * Checked when the answer is sent, because a waiting webhook may have arrived before the SIGTERM.
 */
function closeAfterReply(reply: FastifyReply, { phase }: Lifecycle): FastifyReply {
  return phase === 'running' ? reply : reply.header('connection', 'close');
}

interface RefuseDeps {
  log: Log;
  metrics: Metrics;
  lifecycle: Lifecycle;
  /**
   * Called when a webhook was refused that looks like one from Telnyx, which may not deliver it
   * again.
   */
  missed?: (how?: 'perhaps') => void;
}

export type Refuse = ((
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
) => FastifyReply) & {
  flush(): void;
};

export function createRefuse({ log, metrics, lifecycle, missed }: RefuseDeps): Refuse {
  const refused = createRefusals(log, 'webhook.refused');
  const unavailable = createRefusals(log, 'webhook.unavailable');
  const refuse = (request: FastifyRequest, reply: FastifyReply, problem: Problem) => {
    metrics.refusal(problem.reason);
    // A request without a signature is not from Telnyx. One that we do not accept as Telnyx's may
    // still be, because our key or our clock may be wrong; one that we cannot take is. What got no
    // answer, Telnyx delivers again.
    if ('telnyx-signature-ed25519' in request.headers && problem !== CUT_OFF) {
      missed?.(problem.status === 503 ? undefined : 'perhaps');
    }
    (problem.status === 503 ? unavailable : refused).count(problem.reason, {
      status: problem.status,
      detail: problem.detail,
      fix: problem.fix ?? null,
      remote: request.ip,
    });
    // A client that waits for "100 Continue" may or may not send its body now, so close the
    // connection.
    const { expect, 'content-length': length } = request.headers;
    if (expect !== undefined || Number(length) > HTTP_LIMITS.drainedBytesMax) {
      reply.header('connection', 'close');
    }
    // The rest of a too large body is still arriving; closing the socket now would lose our answer.
    return sendProblem(problem.status === 413 ? reply : closeAfterReply(reply, lifecycle), problem);
  };
  return Object.assign(refuse, {
    flush() {
      refused.flush();
      unavailable.flush();
    },
  });
}

/** An immediate retry would cost as much as an accepted webhook, so reading is paused. */
export function pauseReading({ socket }: FastifyRequest, reply: FastifyReply): void {
  reply.raw.once('finish', () => {
    // Deferred, because Node resumes reading at the end of an answer.
    setImmediate(() => {
      socket.pause();
      setTimeout(() => socket.resume(), HTTP_LIMITS.unheardMs).unref();
    });
  });
}

/**
 * A socket closed with unread bytes is reset, and the sender may never read our answer. So the rest
 * is read and dropped, for as long as a request may last.
 */
export function drainBody(request: FastifyRequest, reply: FastifyReply): void {
  reply.removeHeader('connection');
  request.raw.resume();
}
