/**
 * Every environment variable we read, as one TypeBox schema: type and range, default, meaning, and
 * how to fix a bad value. A test keeps `.env.example` equal to this table.
 */
import Type, { IsOptional, type TSchema } from 'typebox';

const SECRET = '^[\\x21-\\x7e]+$';

export const EnvironmentSchema = Type.Object({
  TELNYX_PUBLIC_KEY: Type.String({
    description:
      'Public key that verifies the webhooks: base64 of 32 bytes, from the Telnyx portal under API keys, Public key. While a key is rotated, list several, separated by commas.',
  }),
  TELNYX_API_KEY: Type.String({
    description: 'API key (v2) used for the commands to Telnyx. A secret.',
    pattern: SECRET,
    maxLength: 512,
    secret: true,
    fix: 'Copy it from the Telnyx portal under API keys, without quotes or spaces.',
  }),
  TELNYX_API_URL: Type.String({
    description: 'Base URL of the Telnyx API; must be https unless the host is loopback.',
    default: 'https://api.telnyx.com/v2',
  }),
  HTTPS_PROXY: Type.Optional(
    Type.String({
      description:
        'HTTP proxy for the requests to Telnyx and for lookups, http://user:password@host:port; https_proxy is also read. Never used if TELNYX_API_URL is loopback. Unset: none.',
      secret: true,
    }),
  ),
  NO_PROXY: Type.Optional(
    Type.String({
      description:
        'Hosts that are reached without HTTPS_PROXY, separated by commas; no_proxy is also read.',
    }),
  ),
  TELNYX_CONNECTION_IDS: Type.Optional(
    Type.String({
      description:
        'Ids of the connections (Call Control Applications) whose calls Referee handles, separated by commas; webhooks of other connections are answered 200 and ignored. Unset: all.',
    }),
  ),
  HOST: Type.String({
    description: 'Address to listen on; localhost is 127.0.0.1.',
    pattern: '^[0-9A-Za-z.:_%-]+$',
    maxLength: 255,
    default: '0.0.0.0',
    expected: 'an IP address or a host name, without brackets and port',
    fix: 'Write it alone, such as 127.0.0.1 or ::1.',
  }),
  PORT: port('Port for webhooks, health checks and, without ADMIN_PORT, everything else.', 3000),
  ADMIN_PORT: Type.Optional(
    port(
      'Separate port for /v1, /metrics and the operator page, which the public port then does not serve. Unset: PORT.',
    ),
  ),
  DATABASE_URL: Type.String({
    description:
      'Where calls are stored: sqlite:<path> (relative to the working directory, or absolute: sqlite:/var/lib/referee.db), or postgres://user:password@host/database for several replicas. Percent-encode special characters in the password.',
    default: 'sqlite:data/referee.db',
    secret: true,
  }),
  ROUTES_DIR: Type.String({
    description: 'Folder that contains the route files.',
    maxLength: 4096,
    default: 'routes',
    fix: 'Give the path of a folder.',
  }),
  ROUTES_WATCH: flag('Reload the routes when their files change.', false),
  ROUTES_NEXT_DIR: Type.Optional(
    Type.String({
      description:
        'Folder of the next call routes: every call is decided by them as well, and what differs is counted and shown. Unset: none.',
      maxLength: 4096,
      fix: 'Give the path of a folder.',
    }),
  ),
  ROUTES_NEXT_PERCENT: count(
    'Share of the callers who follow the routes of ROUTES_NEXT_DIR, in percent; always the same callers.',
    0,
    0,
    100,
  ),
  ROUTES_HANDLERS: flag('Allow rules written in TypeScript (routes/handlers).', true),
  ADMIN_TOKEN: Type.Optional(
    Type.String({
      description:
        'Bearer token for /v1, /metrics and the operator page, at least 24 characters, and no placeholder; generate one with: openssl rand -base64 32. A secret. Unset: these are disabled.',
      pattern: SECRET,
      minLength: 24,
      maxLength: 512,
      secret: true,
      fix: 'Generate one with: openssl rand -base64 32',
    }),
  ),
  TOKENS_FILE: Type.Optional(
    Type.String({
      description:
        'YAML file with a token for each person or program, and its role: viewer reads, operator acts on calls, admin also reloads; "referee token" makes one. Read again when it changes. Unset: only ADMIN_TOKEN.',
      maxLength: 4096,
      fix: 'Give the path of a file.',
    }),
  ),
  LOG_LEVEL: choice('Lowest level that is logged.', [
    'info',
    'trace',
    'debug',
    'warn',
    'error',
    'fatal',
    'silent',
  ]),
  LOG_NUMBERS: choice('How phone numbers appear in the log.', ['masked', 'full']),
  SIGNATURE_ENGINE: choice(
    'What verifies signatures: sodium (libsodium, in a separate thread if there are several cores), native (node:crypto, in the thread pool) or tweetnacl (portable, slow). auto uses sodium, or native if sodium has no binary for the system, or tweetnacl if the runtime has no Ed25519.',
    ['auto', 'native', 'sodium', 'tweetnacl'],
  ),
  SIGNATURE_TOLERANCE_SECS: count(
    'How much the timestamp of a webhook may differ from our clock, in seconds, in either direction.',
    300,
    1,
    86_400,
  ),
  RETENTION_DAYS: count('How long ended calls are kept, in days.', 30, 1, 3650),
  HISTORY_DAYS: count('How long hourly sums are kept for reports, in days.', 400, 1, 36500),
  ACCOUNT_CHECK_MINUTES: count(
    'How often the server checks its Telnyx account, as "referee doctor" does, in minutes; 0: never.',
    60,
    0,
    10_080,
  ),
  KEEP_WARM_SECS: count(
    'How often two small requests (GET /public_key) keep the connections to Telnyx open in quiet times, in seconds, so that the next caller does not wait for a handshake; 0: never.',
    15,
    0,
    300,
  ),
  WARM_UP_CALLS: count(
    'How many calls the server plays to itself at its start, before it is ready, so that the first callers do not wait while its code is compiled; 0: none.',
    40,
    0,
    1_000,
  ),
  DRAIN_DELAY_SECS: count(
    'How long webhooks are still accepted after SIGTERM, in seconds, so that load balancers notice; at most SHUTDOWN_TIMEOUT_SECS less a second.',
    3,
    0,
    300,
  ),
  SHUTDOWN_TIMEOUT_SECS: count(
    'How long a shutdown may take, DRAIN_DELAY_SECS included, in seconds.',
    10,
    1,
    600,
  ),
});

export type VariableName = keyof typeof EnvironmentSchema.properties;

/** What the table adds to the keywords of JSON Schema. */
export interface VariableNotes {
  description: string;
  default?: string | number | boolean;
  secret?: boolean;
  /** What a value looks like, where `pattern` alone would not say it. */
  expected?: string;
  fix?: string;
}

/** Schemas carry these notes as annotations, which TypeBox keeps but its types do not show. */
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

/** The first value is the default. */
function choice<Value extends string>(description: string, values: readonly [Value, ...Value[]]) {
  return Type.Unsafe<Value>(Type.Enum([...values], { description, default: values[0] }));
}
