/**
 * Webhooks that come to the wrong place, and bytes that are no HTTP where webhooks were to come: Telnyx
 * never repeats what was answered 4xx, and shows the operator little of it, so the log says what is set
 * wrongly and where.
 */
import type { FastifyRequest } from 'fastify';
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics.ts';
import type { Problem } from '../problem.ts';
import { createRefusals } from './refusals.ts';

export const WEBHOOK_PATH = '/webhooks/telnyx';

export interface Strays {
  /** Logs a webhook that is answered with `status` for its path or method; what to do about it. */
  request(request: FastifyRequest, status: number): string | undefined;
  /** Logs bytes that the HTTP parser refused; how they are answered. */
  bytes(packet: Buffer | undefined, why: string, remote: string | undefined): Problem;
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
        detail: `A webhook of Telnyx came by ${request.method} to ${path.slice(0, 200)}. Telnyx does not repeat it.`,
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
    flush: refused.flush,
  };
}

const OTHER_PORT = `This is ADMIN_PORT. Webhooks are taken at ${WEBHOOK_PATH} on PORT: let the proxy lead the webhook URL there.`;

function fixOf(right: boolean): string {
  return right
    ? 'The path is right, and only POST is taken here. In the application, webhook_url_method must be POST. To see whether the server takes calls, open /health/ready.'
    : `Set the webhook URL of the application (and the failover URL) to https://your-host${WEBHOOK_PATH}, exactly so: no slash at its end, none doubled, lower case. If it is, the proxy in front changes the path.`;
}

function looksLikeTelnyx({ headers }: FastifyRequest): boolean {
  if (/telnyx/i.test(headers['user-agent'] ?? '')) return true;
  return Object.keys(headers).some((name) => /^(x-)?telnyx-/.test(name));
}

/** Somebody who tries the address by hand. */
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
      detail: `The bytes begin with a header of the PROXY protocol (version ${version2 ? 2 : 1}), which is not read here.`,
      fix: 'Switch the PROXY protocol off towards this port (HAProxy: send-proxy, nginx: proxy_protocol, AWS: proxy protocol of the target group); X-Forwarded-For may stay.',
    };
  }
  if (packet?.[0] === TLS_HANDSHAKE && packet[1] === TLS_MAJOR) {
    return {
      status: 400,
      reason: 'tls',
      detail: 'The bytes are a TLS handshake, and this port speaks plain HTTP.',
      fix: 'A proxy in front ends TLS and passes requests on by http://, not https://. If Telnyx itself comes here, put one in front: it needs a valid certificate.',
    };
  }
  if (text.startsWith('PRI * HTTP/2')) {
    return {
      status: 400,
      reason: 'http2',
      detail: 'The bytes are HTTP/2, and this port speaks HTTP/1.1.',
      fix: 'Let the proxy in front speak HTTP/1.1 to this port (no h2c, no gRPC backend).',
    };
  }
  return {
    status: 400,
    reason: 'not_http',
    detail: `The bytes received are not an HTTP/1.1 request: ${why}.`,
    fix: 'Likely somebody tries the port. If it is your proxy, look at how it speaks to this port.',
  };
}
