/**
 * Every refusal is `application/problem+json` (RFC 9457), with the same members from the webhook,
 * the API and the HTTP parser. `reason` is stable and is used in tests, logs and metrics; `detail`
 * says what was received, what was expected and what to do.
 */
import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';

export interface Problem {
  status: number;
  /** In snake_case; never renamed. */
  reason: string;
  detail: string;
  /** The likely fix, if one is known. */
  fix?: string;
  /** The field of the request that is wrong. */
  field?: string;
  problems?: unknown[];
  /** The hash of the live route set. */
  hash?: string;
  retryAfterSecs?: number;
}

const PROBLEM_TYPE = 'application/problem+json';

const sent = new WeakMap<FastifyReply, string>();

/** The `reason` of the problem in the response; null if the request was not refused. */
export function reasonSent(reply: FastifyReply): string | null {
  return sent.get(reply) ?? null;
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  sent.set(reply, problem.reason);
  if (problem.retryAfterSecs !== undefined) reply.header('retry-after', problem.retryAfterSecs);
  return reply
    .code(problem.status)
    .header('content-type', PROBLEM_TYPE)
    .header('cache-control', 'no-store')
    .serializer(asIs)
    .send(problemBody(problem));
}

function problemBody(problem: Problem): string {
  const { status, reason, detail, retryAfterSecs: _, ...members } = problem;
  return JSON.stringify({
    type: `urn:referee:problem:${reason}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    reason,
    ...members,
  });
}

/** A whole HTTP response, for where only the raw socket can answer. */
export function rawResponse(problem: Problem): string {
  const body = problemBody(problem);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

function asIs(payload: unknown): string {
  return payload as string;
}
