/** A collector for OTLP over HTTP with JSON encoding that keeps every span. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  name: string;
  kind: number;
  startMs: number;
  endMs: number;
  attributes: Record<string, unknown>;
  events: { name: string; attributes: Record<string, unknown> }[];
  links: { traceId: string; spanId: string }[];
  /** OTLP's status code; 2 means error. */
  status: number;
  statusMessage: string | null;
}

export interface OtlpReceiver extends AsyncDisposable {
  endpoint: string;
  spans: ReceivedSpan[];
  resource: Record<string, unknown>;
  requests: { path: string; contentType: string; headers: Record<string, unknown> }[];
  /** Everything that was sent, unparsed. */
  raw: string;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    receiver.raw += body;
    const contentType = request.headers['content-type'] ?? '';
    receiver.requests.push({ path: request.url ?? '', contentType, headers: request.headers });
    if (contentType === 'application/json') take(JSON.parse(body));
    response.writeHead(200, { 'content-type': contentType }).end(body && '{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: OtlpReceiver = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    resource: {},
    requests: [],
    raw: '',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  function take({ resourceSpans }: Otlp): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      Object.assign(receiver.resource, plain(resource.attributes));
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        receiver.spans.push({
          traceId: span.traceId,
          spanId: span.spanId,
          parentSpanId: span.parentSpanId || null,
          name: span.name,
          kind: span.kind,
          startMs: Number(BigInt(span.startTimeUnixNano) / 1000n) / 1000,
          endMs: Number(BigInt(span.endTimeUnixNano) / 1000n) / 1000,
          attributes: plain(span.attributes),
          events: (span.events ?? []).map(({ name, attributes }) => ({
            name,
            attributes: plain(attributes),
          })),
          links: span.links ?? [],
          status: span.status?.code ?? 0,
          statusMessage: span.status?.message ?? null,
        });
      }
    }
  }
  return receiver;
}

interface Otlp {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: OtlpSpan[] }[];
  }[];
}

interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: Attribute[];
  events?: { name: string; attributes?: Attribute[] }[];
  links?: { traceId: string; spanId: string }[];
  status?: { code?: number; message?: string };
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

function plain(attributes: Attribute[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
