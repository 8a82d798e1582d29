/**
 * Reads an account from a YAML file: `referee simulator --account FILE`. Reports all problems at
 * once, each with its place.
 */
import { readFileSync } from 'node:fs';
import Type, { type TProperties, type TSchema } from 'typebox';
import { Errors } from 'typebox/schema';
import { type Document, LineCounter, type Node, parseDocument } from 'yaml';
import { InvalidConfiguration } from '../../errors.ts';
import type { AccountGiven } from './account.ts';

const strict = { additionalProperties: false } as const;
/** The file may contain any field of Telnyx's, even one that no check of ours reads. */
const Resource = Type.Record(Type.String(), Type.Unknown());
const Id = Type.Optional(Type.String({ pattern: '^\\S+$' }));
const NullableText = Type.Optional(Type.Union([Type.String(), Type.Null()]));

const ApplicationSchema = some({
  id: Type.String({ pattern: '^\\d+$' }),
  application_name: Type.String(),
  active: Type.Boolean(),
  tags: Type.Array(Type.String()),
  created_at: Type.String(),
  updated_at: Type.String(),
  webhook_event_url: Type.Union([Type.String(), Type.Null()]),
  webhook_event_failover_url: Type.Union([Type.String(), Type.Null()]),
  webhook_api_version: Type.String(),
  webhook_timeout_secs: Type.Union([Type.Integer(), Type.Null()]),
  first_command_timeout: Type.Boolean(),
  first_command_timeout_secs: Type.Integer(),
  call_cost_in_webhooks: Type.Boolean(),
  redact_dtmf_debug_logging: Type.Boolean(),
  dtmf_type: Type.String(),
  anchorsite_override: Type.String(),
  inbound: Resource,
  outbound: Resource,
});

const FaultSchema = Type.Object(
  {
    endpoint: Type.String(),
    method: Type.Optional(Type.Enum(['GET', 'POST', 'PATCH'])),
    after: Type.Optional(Type.Integer({ minimum: 0 })),
    times: Type.Optional(Type.Integer({ minimum: 1 })),
    status: Type.Optional(Type.Integer({ minimum: 300, maximum: 599 })),
    slow_secs: Type.Optional(Type.Number({ minimum: 0 })),
    garbage: Type.Optional(Type.Boolean()),
    cut: Type.Optional(Type.Union([Type.Literal('before'), Type.Literal('after')])),
  },
  strict,
);

const Pages = Type.Optional(Type.Enum(['number', 'cursor']));

const AccountSchema = some({
  applications: Type.Array(ApplicationSchema),
  connections: Type.Array(
    Type.Intersect([
      Resource,
      Type.Object({ id: Id, connection_name: Type.Optional(Type.String()) }),
    ]),
  ),
  numbers: Type.Array(
    Type.Intersect([
      Resource,
      Type.Object({
        id: Id,
        phone_number: Type.String({ pattern: '^\\+\\d+$' }),
        status: Type.Optional(Type.String()),
        connection_id: NullableText,
        voice: Type.Optional(Resource),
      }),
    ]),
  ),
  outbound_voice_profiles: Type.Array(Type.Intersect([Resource, Type.Object({ id: Id })])),
  webhook_deliveries: Type.Array(Resource),
  balance: Type.Record(Type.String(), Type.String()),
  public_key: Type.String(),
  pagination: Type.Object({ lists: Pages, active_calls: Pages }, strict),
  date_offset_secs: Type.Integer(),
  faults: Type.Array(FaultSchema),
});

/** An object whose properties are all optional and which allows no others. */
function some(properties: TProperties): TSchema {
  const each = Object.entries(properties).map(([name, schema]) => [name, Type.Optional(schema)]);
  return Type.Object(Object.fromEntries(each) as TProperties, strict);
}

export function readAccountFile(path: string): AccountGiven {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidConfiguration(`The account file ${path}`, [
      `cannot be read: ${why}. Give the path of a YAML file.`,
    ]);
  }
  return parseAccount(text, path);
}

export function parseAccount(text: string, path: string): AccountGiven {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const broken = document.errors.map(
    ({ pos, message }) => `${at(pos[0])}: ${message.split('\n')[0]}`,
  );
  if (broken.length > 0) throw new InvalidConfiguration('The account file', broken);
  const value = contentOf(document, path);
  // An unknown key is reported twice: for its object, and for the key itself as `boolean`.
  const errors = Errors(AccountSchema, value)[1].filter(({ keyword }) => keyword !== 'boolean');
  const problems = errors.map(({ instancePath, message, ...error }) => {
    const keys = instancePath.split('/').slice(1);
    const node = document.getIn(keys.map(numeric), true) as Node | undefined;
    const params = 'params' in error ? (error.params as { additionalProperties?: string[] }) : {};
    const names = params.additionalProperties?.join(', ');
    const what = names === undefined ? message : `unknown: ${names}`;
    return `${at(node?.range?.[0] ?? 0)}: ${keys.join('.') || 'the file'}: ${what}`;
  });
  if (problems.length > 0) throw new InvalidConfiguration('The account file', problems);
  return value as AccountGiven;
}

/** An alias of nothing, or too many of them, is only noticed here. */
function contentOf(document: Document, path: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidConfiguration('The account file', [`${path}: ${why}`]);
  }
}

function numeric(key: string): string | number {
  return /^\d+$/.test(key) ? Number(key) : key;
}
