/** Which problem an error is, and the answer to it: for exceptions, and for what is not HTTP. */
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../log/log.ts';
import { invalidRequest, isInvalidRequest } from './invalid-request.ts';
import { HTTP_LIMITS } from './limits.ts';
import { type Problem, rawResponse, sendProblem } from './problem.ts';
import type { Strays } from './webhook/strays.ts';

/**
 * The answer to an exception. Clients never see a 500: an unexpected error is a 503 and a log line.
 */
export function problemOf(error: unknown): Problem {
  const known = KNOWN_ERRORS[codeOf(error)];
  if (known !== undefined) return known;
  if (isInvalidRequest(error)) return invalidRequest(error);
  const status = statusOf(error);
  if (status >= 400 && status < 500) {
    return { status, reason: 'bad_request', detail: (error as Error).message };
  }
  return {
    status: 503,
    reason: 'unavailable',
    detail: 'The request could not be handled now; see the server log. Try again.',
    retryAfterSecs: HTTP_LIMITS.retryAfterSecs,
  };
}

export function errorHandler(log: Log) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const problem = problemOf(error);
    if (problem.reason === 'unavailable') {
      log.emit('http.failed', {
        method: request.method,
        path: request.routeOptions.url ?? null,
        err: error,
      });
    }
    sendProblem(reply, problem);
  };
}

/**
 * For bytes that are not HTTP, headers too large, and requests that are too slow or cut off: only
 * the raw socket can answer.
 */
export function clientErrorHandler(notHttp: Strays['bytes']) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const problem =
      CLIENT_ERRORS[error.code ?? ''] ??
      notHttp(packetOf(error), error.message, socket.remoteAddress);
    if (!socket.writable || hasBegun(socket)) {
      socket.destroy();
      return;
    }
    socket.end(rawResponse(problem));
  };
}

/**
 * Whether an answer is being written on the connection, such as a stream of events: another one
 * would stand in the middle of it. Node's own handler looks at the same fields.
 */
function hasBegun(socket: Socket & { _httpMessage?: { headersSent?: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true;
}

/** The bytes on which Node's parser failed. */
function packetOf(error: object): Buffer | undefined {
  return 'rawPacket' in error && Buffer.isBuffer(error.rawPacket) ? error.rawPacket : undefined;
}

const CLIENT_ERRORS: Record<string, Problem> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    reason: 'headers_too_large',
    detail: `The request's headers exceed ${HTTP_LIMITS.headerBytesMax} bytes.`,
  },
  HPE_INVALID_EOF_STATE: {
    status: 400,
    reason: 'cut_off',
    detail: 'The connection ended before the whole request had arrived.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    reason: 'request_timeout',
    detail: `The request was too slow: headers must arrive within ${HTTP_LIMITS.headersTimeoutMs / 1000} s, the whole request within ${HTTP_LIMITS.requestTimeoutMs / 1000} s.`,
  },
};

const BUSY = { status: 503, retryAfterSecs: HTTP_LIMITS.retryAfterSecs };

const KNOWN_ERRORS: Record<string, Problem> = {
  STORE_UNAVAILABLE: {
    ...BUSY,
    reason: 'store_unavailable',
    detail: 'The store is not available; /health/ready says why. Try again.',
  },
  COMMIT_UNKNOWN: {
    ...BUSY,
    reason: 'commit_unknown',
    detail: 'It is unknown whether the commit happened. Try again.',
  },
  NEWER_ROW: {
    ...BUSY,
    reason: 'newer_row',
    detail: 'The call was written by a newer version of Referee. Try again on a newer replica.',
    fix: 'If you went back to the previous release, run the newer one again, beside it or in its place, until the calls that it has written have ended.',
  },
  STOPPING: {
    ...BUSY,
    reason: 'stopping',
    detail: 'The server is stopping. Try again once it has started.',
  },
  TOO_BUSY: {
    ...BUSY,
    reason: 'too_busy',
    detail: 'Too much work is waiting. Try again.',
  },
  TOO_MANY_BYTES: {
    ...BUSY,
    reason: 'too_many_bytes',
    detail: `All unfinished bodies together had more than ${HTTP_LIMITS.bodiesBytesMax} bytes, and this one was the largest. Send it again.`,
  },
  FST_ERR_CTP_BODY_TOO_LARGE: {
    status: 413,
    reason: 'body_too_large',
    detail: `The body exceeds ${HTTP_LIMITS.bodyBytesMax} bytes.`,
  },
  TOO_MANY_PIECES: {
    status: 400,
    reason: 'body_in_pieces',
    detail: `The body has more than ${HTTP_LIMITS.bodyPiecesMax} chunks. Send larger chunks, or the whole body with a Content-Length.`,
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    reason: 'not_json',
    detail: 'Content-Type must be application/json.',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    status: 400,
    reason: 'invalid_body',
    detail: 'The body is empty; a JSON object is expected.',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: {
    status: 400,
    reason: 'invalid_body',
    detail: 'The body is not valid JSON.',
  },
  BAD_CURSOR: {
    status: 400,
    reason: 'invalid_parameter',
    field: 'cursor',
    detail:
      'querystring field "cursor": expected the value of "next" from the previous page of this list; omit it to start at the newest.',
  },
  FST_ERR_BAD_URL: {
    status: 400,
    reason: 'bad_url',
    detail: 'The path contains an invalid percent-encoding.',
  },
  FST_ERR_MAX_PARAM_LENGTH: {
    status: 414,
    reason: 'path_too_long',
    detail: `A segment of the path is longer than ${HTTP_LIMITS.paramCharsMax} characters.`,
  },
};

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

function statusOf(error: unknown): number {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : 500;
}
