/** GET /metrics, in Prometheus' text format. */
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../../metrics.ts';
import { VIEWER } from '../people/roles.ts';

export function registerMetrics(app: FastifyInstance, metrics: Metrics): void {
  app.get('/metrics', { schema: SCHEMA, config: VIEWER }, async (_request, reply) => {
    reply.header('content-type', metrics.contentType).header('cache-control', 'no-store');
    return reply.serializer((text: unknown) => text as string).send(await metrics.text());
  });
}

const SCHEMA = {
  tags: ['health'],
  summary: 'Metrics for Prometheus',
  response: {
    200: { description: 'Text', content: { 'text/plain': { schema: { type: 'string' } } } },
  },
};
