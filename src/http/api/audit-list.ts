/** Lists what people did; `audit.ts` writes it. */
import { Type } from 'typebox';
import { iso } from '../../core/iso-time.ts';
import type { AuditRow } from '../../store/contract/audit.ts';
import type { Store } from '../../store/store.ts';
import { HTTP_LIMITS } from '../limits.ts';
import { VIEWER } from '../people/roles.ts';
import { sendProblem } from '../problem.ts';
import type { ApiScope } from './api.ts';
import { momentsIn } from './bad-field.ts';
import { csvText, JSON_OR_CSV, jsonOrCsv, members } from './csv.ts';
import { orNull, PROBLEM } from './schemas.ts';

export function registerAuditList(app: ApiScope, { store }: { store: Pick<Store, 'audit'> }): void {
  app.get('/v1/audit', { schema: SCHEMA, config: VIEWER }, async (request, reply) => {
    const { since, until, limit = HTTP_LIMITS.callsPageDefault, ...named } = request.query;
    const span = momentsIn({ since, until });
    if ('problem' in span) return sendProblem(reply, span.problem);
    const { rows, next } = await store.audit({ ...named, limit, ...span.moments });
    return jsonOrCsv(request, reply, { audit: rows.map(auditJson), next }, auditCsv);
  });
}

function auditJson({ at, ...row }: AuditRow) {
  return { ...row, when: iso(at) };
}

type AuditJson = ReturnType<typeof auditJson>;

const COLUMNS = [
  ...members<AuditJson>('when', 'who', 'role', 'what', 'to', 'reason', 'result', 'from'),
  {
    name: 'detail',
    value: ({ detail }: AuditJson) =>
      Object.keys(detail).length === 0 ? null : JSON.stringify(detail),
  },
];

export function auditCsv({ audit }: { audit: AuditJson[] }): string {
  return csvText(COLUMNS, audit);
}

const text = Type.String();
const filterText = Type.Optional(
  Type.String({ minLength: 1, maxLength: HTTP_LIMITS.paramCharsMax }),
);
const moment = Type.Optional(Type.String({ maxLength: 40, description: 'ISO 8601 with a zone' }));

export const AUDIT = Type.Object({
  audit: Type.Array(
    Type.Object({
      id: Type.Integer(),
      when: Type.String({ format: 'date-time' }),
      who: text,
      role: text,
      what: text,
      to: orNull(text),
      reason: orNull(text),
      from: orNull(Type.String({ description: 'The remote address' })),
      result: Type.String({
        description:
          'ok, or why it was refused; unknown: it is still being done, or the server ended before the result was known',
      }),
      detail: Type.Record(text, Type.Unknown()),
    }),
  ),
  next: orNull(text),
});

const SCHEMA = {
  tags: ['people'],
  summary:
    'What people did, newest first: who, what, on which object, why, from where, and the result',
  produces: JSON_OR_CSV,
  querystring: Type.Object(
    {
      who: filterText,
      what: filterText,
      to: filterText,
      since: moment,
      until: moment,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: HTTP_LIMITS.callsPageMax })),
      cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    },
    { additionalProperties: false },
  ),
  response: {
    200: AUDIT,
    400: PROBLEM,
  },
} as const;
