/**
 * One log line for each action of an operator: who (address and tag of the token), what, and to
 * what. The field is not called `token`, because the log redacts fields of that name.
 */
import type { FastifyRequest } from 'fastify';
import type { Log, LogFields } from '../../log/log.ts';

export type Audit = (request: FastifyRequest, action: string, fields: LogFields) => void;

/** Who acts, as it is kept with what they did. */
export const OPERATOR = 'ADMIN_TOKEN';

export function createAudit(log: Log, tag: string): Audit {
  return (request, action, fields) => {
    log.emit('admin.action', {
      ...fields,
      action,
      operator: OPERATOR,
      token_id: tag,
      remote: request.ip,
    });
  };
}

/** Who did it, for what lasts: overrides and switches. */
export function operatorOf(_request: FastifyRequest): string {
  return 'admin';
}
