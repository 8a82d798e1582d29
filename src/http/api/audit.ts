/** One line for each thing an operator did by hand: who (address and token), what, and to what. */
import type { FastifyRequest } from 'fastify';
import type { Log, LogFields } from '../../log/log.ts';

export type Audit = (request: FastifyRequest, action: string, fields: LogFields) => void;

export function createAudit(log: Log, tag: string): Audit {
  return (request, action, fields) => {
    log.emit('admin.action', { action, remote: request.ip, token: tag, ...fields });
  };
}
