/**
 * Webhooks that arrive at the wrong path or port, and bytes that are not HTTP. Telnyx may never
 * repeat a webhook that was answered 4xx and shows the operator little of it, so the log says which
 * setting is wrong.
 */
import type { FastifyRequest } from 'fastify';
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';
import { HTTP_LIMITS } from '../limits.ts';
import type { Problem } from '../problem.ts';
import { createRefusals } from './refusal-log.ts';

export const WEBHOOK_PATH = '/webhooks/telnyx';

export interface Strays {
  /**
   * Logs a webhook that is answered with `status` because of its path or method; returns the fix.
   */
  request(request: FastifyRequest, status: number): string | undefined;
  /** Logs bytes that the HTTP parser refused; returns the answer. */
  bytes(packet: Buffer | undefined, why: string, remote: string | undefined): Problem;
  /** Logs a connection that was closed because of too many requests without an answer. */
  pipelined(remote: string | undefined): void;
  flush(): void;
}

export interface StraysDeps {
  log: Log;
  metrics: Metrics;
  /** False: the server of ADMIN_PORT. */
  takesWebhooks: boolean;
}

export function createStrays({ log, metrics, takesWebhooks }: StraysDeps): Strays {
  const refused = createRefusals(log, 'webhook.refused');
  return {
    request(request, status) {
      const path = request.url.split('?', 1)[0] ?? '';
      const right = path === WEBHOOK_PATH;
      const fix = takesWebhooks ? fixOf(right) : OTHER_PORT;
      if (!looksLikeTelnyx(request)) return right || looksLikeOurs(path) ? fix : undefined;
      const reason = right && takesWebhooks ? 'wrong_method' : 'wrong_path';
      metrics.refusal(reason);
      refused.count(reason, {
        status,
        detail: `A webhook from Telnyx arrived as ${request.method} ${path.slice(0, 200)}. Telnyx does not repeat it.`,
        fix,
        remote: request.ip,
      });
      return fix;
    },
    bytes(packet, why, remote) {
      const problem = problemOfBytes(packet, why);
      metrics.refusal(problem.reason);
      const { status, reason, detail, fix } = problem;
      refused.count(reason, { status, detail, fix: fix ?? null, remote: remote ?? 'unknown' });
      return problem;
    },
    pipelined(remote) {
      metrics.refusal(PIPELINED.reason);
      const { status, reason, detail, fix } = PIPELINED;
      refused.count(reason, { status, detail, fix, remote: remote ?? 'unknown' });
    },
    flush: refused.flush,
  };
}

/** There is no answer: the connection is closed. */
const PIPELINED = {
  status: 400,
  reason: 'pipelined',
  detail: `A connection had more than ${HTTP_LIMITS.pipelinedMax} requests without an answer, and was closed.`,
  fix: 'Probably somebody attacks the port. If it is your proxy or client, turn off HTTP pipelining.',
} as const;

const OTHER_PORT = `This is ADMIN_PORT. Webhooks are accepted at ${WEBHOOK_PATH} on PORT: configure the proxy to send the webhook URL there.`;

function fixOf(right: boolean): string {
  return right
    ? 'The path is right, but only POST is accepted. In the application, webhook_url_method must be POST. To see whether the server is ready, open /health/ready.'
    : `Set the webhook URL of the application (and the failover URL) to https://your-host${WEBHOOK_PATH}, in lower case, without a trailing or doubled slash. If it is already so, the proxy in front changes the path.`;
}

export function looksLikeTelnyx({ headers }: FastifyRequest): boolean {
  if (/telnyx/i.test(headers['user-agent'] ?? '')) return true;
  return Object.keys(headers).some((name) => /^(x-)?telnyx-/.test(name));
}

/** A request outside these is probably a person with a browser or curl. */
function looksLikeOurs(path: string): boolean {
  return /web-?hook|telnyx/i.test(path);
}

/** https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt, section 2.2 */
const PROXY_V2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;

function problemOfBytes(packet: Buffer | undefined, why: string): Problem {
  const text = packet?.subarray(0, 16).toString('latin1') ?? '';
  const version2 = packet?.subarray(0, PROXY_V2.length).equals(PROXY_V2) === true;
  if (version2 || text.startsWith('PROXY ')) {
    return {
      status: 400,
      reason: 'proxy_protocol',
      detail: `The bytes begin with a PROXY protocol header (version ${version2 ? 2 : 1}), which this port does not support.`,
      fix: 'Turn off the PROXY protocol for this port (HAProxy: send-proxy, nginx: proxy_protocol, AWS: proxy protocol of the target group); X-Forwarded-For may stay.',
    };
  }
  if (packet?.[0] === TLS_HANDSHAKE && packet[1] === TLS_MAJOR) {
    return {
      status: 400,
      reason: 'tls',
      detail: 'The bytes are a TLS handshake, but this port speaks plain HTTP.',
      fix: 'The proxy in front must terminate TLS and pass requests on with http://, not https://. If Telnyx connects here directly, put a proxy with a valid certificate in front.',
    };
  }
  if (text.startsWith('PRI * HTTP/2')) {
    return {
      status: 400,
      reason: 'http2',
      detail: 'The bytes are HTTP/2, but this port speaks HTTP/1.1.',
      fix: 'Configure the proxy in front to use HTTP/1.1 for this port (no h2c, no gRPC backend).',
    };
  }
  return {
    status: 400,
    reason: 'not_http',
    detail: `The bytes received are not an HTTP/1.1 request: ${why}.`,
    fix: 'Probably somebody is scanning the port. If it is your proxy, check which protocol it uses for this port.',
  };
}
