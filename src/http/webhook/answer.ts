/** How a webhook is answered, and what becomes of its connection: kept, closed, left unread for a while. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';
import type { Lifecycle } from '../lifecycle.ts';
import { HTTP_LIMITS } from '../limits.ts';
import { type Problem, sendProblem } from '../problem.ts';
import { createRefusals } from './refusals.ts';

/** Exactly 200: Telnyx calls other 2xx a failure in places (its error 75299). */
export function accepted(reply: FastifyReply, lifecycle: Lifecycle): FastifyReply {
  return closeAfterReply(reply, lifecycle)
    .code(200)
    .header('content-type', 'application/json')
    .send('{}');
}

/**
 * Balancers keep connections open for long: this moves them to another replica. Asked when the answer is
 * given, for who waited at the door came before the SIGTERM.
 */
function closeAfterReply(reply: FastifyReply, { phase }: Lifecycle): FastifyReply {
  return phase === 'running' ? reply : reply.header('connection', 'close');
}

interface RefuseDeps {
  log: Log;
  metrics: Metrics;
  lifecycle: Lifecycle;
}

export type Refuse = ((
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
) => FastifyReply) & {
  flush(): void;
};

export function createRefuse({ log, metrics, lifecycle }: RefuseDeps): Refuse {
  const refused = createRefusals(log, 'webhook.refused');
  const unavailable = createRefusals(log, 'webhook.unavailable');
  const refuse = (request: FastifyRequest, reply: FastifyReply, problem: Problem) => {
    metrics.refusal(problem.reason);
    (problem.status === 503 ? unavailable : refused).count(problem.reason, {
      status: problem.status,
      detail: problem.detail,
      fix: problem.fix ?? null,
      remote: request.ip,
    });
    // A client that waits for our 100 may or may not send its body after this: only closing is clear.
    const { expect, 'content-length': length } = request.headers;
    if (expect !== undefined || Number(length) > HTTP_LIMITS.drainedBytesMax) {
      reply.header('connection', 'close');
    }
    // Too large a body is still coming, and a socket that is closed meanwhile loses our answer.
    return sendProblem(problem.status === 413 ? reply : closeAfterReply(reply, lifecycle), problem);
  };
  return Object.assign(refuse, {
    flush() {
      refused.flush();
      unavailable.flush();
    },
  });
}

/** Who asks again at once would cost as much as who is taken: its connection is read again a little later. */
export function pauseReading({ socket }: FastifyRequest, reply: FastifyReply): void {
  reply.raw.once('finish', () => {
    // Later than what Node does itself at the end of an answer, which reads on.
    setImmediate(() => {
      socket.pause();
      setTimeout(() => socket.resume(), HTTP_LIMITS.unheardMs).unref();
    });
  });
}

/**
 * A socket closed with unread bytes is reset, and the sender may never read our answer: what is still
 * coming is taken in and dropped, for as long as a request may last.
 */
export function drainBody(request: FastifyRequest, reply: FastifyReply): void {
  reply.removeHeader('connection');
  request.raw.resume();
}
