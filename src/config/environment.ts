/**
 * Every variable we read, as one TypeBox schema: its type and range, its default, what it means, and
 * what to do about a bad value. `.env.example` is held equal to this table by a test.
 */
import Type, { IsOptional, type TSchema } from 'typebox';

const SECRET = '^[\\x21-\\x7e]+$';

export const EnvironmentSchema = Type.Object({
  TELNYX_PUBLIC_KEY: Type.String({
    description:
      'Public key that signs the webhooks: base64 of 32 bytes, from the Telnyx portal under API keys, Public key. Several with commas while a key is rotated.',
  }),
  TELNYX_API_KEY: Type.String({
    description: 'API key (v2) that the commands to Telnyx are sent with. A secret.',
    pattern: SECRET,
    maxLength: 512,
    secret: true,
    fix: 'Copy it from the Telnyx portal under API keys, without quotes or spaces.',
  }),
  TELNYX_API_URL: Type.String({
    description: 'Base URL of the Telnyx API: https, but for a loopback host.',
    default: 'https://api.telnyx.com/v2',
  }),
  HTTPS_PROXY: Type.Optional(
    Type.String({
      description:
        'HTTP proxy for the requests to Telnyx, http://user:password@host:port; https_proxy counts as well. Never used where TELNYX_API_URL is loopback. Unset: none.',
      secret: true,
    }),
  ),
  NO_PROXY: Type.Optional(
    Type.String({
      description:
        'Hosts that are reached without HTTPS_PROXY, names with commas; no_proxy counts as well.',
    }),
  ),
  TELNYX_CONNECTION_IDS: Type.Optional(
    Type.String({
      description:
        'Connections (call control applications) whose calls are ours, ids with commas; calls of others are acknowledged and left alone. Unset: all.',
    }),
  ),
  HOST: Type.String({
    description: 'Address to listen on.',
    pattern: '^[0-9A-Za-z.:_%-]+$',
    maxLength: 255,
    default: '0.0.0.0',
    fix: 'Give an IP address or a host name without port.',
  }),
  PORT: port('Port of the webhooks, of health and, without ADMIN_PORT, of everything else.', 3000),
  ADMIN_PORT: Type.Optional(
    port(
      'Port of its own for /v1, /metrics and the operator page, off the public one. Unset: PORT.',
    ),
  ),
  DATABASE_URL: Type.String({
    description:
      'Where calls are kept: sqlite:<path> (relative to the working directory, or absolute: sqlite:/var/lib/referee.db) or postgres://user:password@host/database for several replicas, with special characters of the password percent-encoded.',
    default: 'sqlite:data/referee.db',
    secret: true,
  }),
  ROUTES_DIR: Type.String({
    description: 'Folder of the route files.',
    maxLength: 4096,
    default: 'routes',
    fix: 'Give the path of a folder.',
  }),
  ROUTES_WATCH: flag('Load the routes again when their files change.', false),
  ROUTES_HANDLERS: flag('Allow rules that are TypeScript code (routes/handlers).', true),
  ADMIN_TOKEN: Type.Optional(
    Type.String({
      description:
        'Bearer token of /v1, /metrics and the operator page, at least 24 characters; make one with: openssl rand -base64 32. A secret. Unset: these do not exist.',
      pattern: SECRET,
      minLength: 24,
      maxLength: 512,
      secret: true,
      fix: 'Make one with: openssl rand -base64 32',
    }),
  ),
  LOG_LEVEL: choice('Least level that is logged.', [
    'info',
    'trace',
    'debug',
    'warn',
    'error',
    'fatal',
    'silent',
  ]),
  LOG_NUMBERS: choice('How phone numbers stand in the log.', ['masked', 'full']),
  SIGNATURE_ENGINE: choice(
    'What verifies signatures: sodium (libsodium, in a thread of its own where there are several cores), native (node:crypto, in the thread pool) or tweetnacl (portable, slow); auto takes sodium, native where sodium has no binary for the system, and tweetnacl where the runtime has no Ed25519.',
    ['auto', 'native', 'sodium', 'tweetnacl'],
  ),
  SIGNATURE_TOLERANCE_SECS: count(
    'How far the timestamp of a webhook may be from our clock, in seconds, both ways.',
    300,
    1,
    86_400,
  ),
  RETENTION_DAYS: count('How long ended calls are kept, in days.', 30, 1, 3650),
  DRAIN_DELAY_SECS: count(
    'How long webhooks are still taken after SIGTERM, in seconds, until balancers know.',
    3,
    0,
    300,
  ),
  SHUTDOWN_TIMEOUT_SECS: count('How long a stop may take, in seconds.', 10, 1, 600),
});

export type VariableName = keyof typeof EnvironmentSchema.properties;

/** What the table adds to JSON Schema's own words. */
export interface VariableNotes {
  description: string;
  default?: string | number | boolean;
  secret?: boolean;
  fix?: string;
}

/** Schemas carry their notes as annotations, which TypeBox keeps but its types do not show. */
export type Variable = TSchema & Partial<VariableNotes>;

export const VARIABLES = Object.entries<Variable>(EnvironmentSchema.properties) as [
  VariableName,
  Variable,
][];

export function isOptional(schema: Variable): boolean {
  return IsOptional(schema);
}

function port(description: string, byDefault?: number) {
  return Type.Integer({
    description,
    minimum: 0,
    maximum: 65_535,
    ...(byDefault === undefined ? {} : { default: byDefault }),
  });
}

function count(description: string, byDefault: number, minimum: number, maximum: number) {
  return Type.Integer({ description, minimum, maximum, default: byDefault });
}

function flag(description: string, byDefault: boolean) {
  return Type.Boolean({ description, default: byDefault });
}

/** The first is the default. */
function choice<Value extends string>(description: string, values: readonly [Value, ...Value[]]) {
  return Type.Unsafe<Value>(Type.Enum([...values], { description, default: values[0] }));
}
