/** OpenAPI 3.1, made from the very schemas that check the requests. @fastify/swagger collects them as endpoints are registered. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';

/** Call this before the endpoints are registered: it only sees those registered after it. */
export function collectOpenapi(app: FastifyInstance): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Referee',
        description:
          'Call routing for Telnyx: what happened to each call and why, and manual refers.',
        version: '1',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'calls', description: 'Calls, their attempts and their story' },
        { name: 'routes', description: 'The live route set' },
        { name: 'health', description: 'For balancers and orchestrators' },
        { name: 'telnyx', description: 'For Telnyx alone' },
      ],
      components: {
        securitySchemes: {
          adminToken: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN' },
        },
      },
      security: [{ adminToken: [] }],
    },
  });
}

export function registerOpenapi(app: FastifyInstance): void {
  app.get(
    '/v1/openapi.json',
    { schema: { tags: ['health'], summary: 'This document', response: { 200: {} } } },
    async () => app.swagger(),
  );
}
