/**
 * One line for each thing an operator did by hand: who (address and token), what, and to what. Not `token`:
 * the log blanks what is called so, and the tag gives nothing away.
 */
import type { FastifyRequest } from 'fastify';
import type { Log, LogFields } from '../../log/log.ts';

export type Audit = (request: FastifyRequest, action: string, fields: LogFields) => void;

export function createAudit(log: Log, tag: string): Audit {
  return (request, action, fields) => {
    log.emit('admin.action', {
      ...fields,
      action,
      operator: 'ADMIN_TOKEN',
      token_id: tag,
      remote: request.ip,
    });
  };
}
