/**
 * Reads the environment once, checks it and freezes the result. One report lists every problem with
 * its fix, and no report contains a secret.
 */
import { readFileSync } from 'node:fs';
import { inspect, parseEnv } from 'node:util';
import { Check, Parse } from 'typebox/schema';
import { InvalidConfiguration } from '../errors.ts';
import { REDACTED } from '../log/mask.ts';
import type { VerifierOptions } from '../telnyx/signature.ts';
import {
  EnvironmentSchema,
  isOptional,
  VARIABLES,
  type Variable,
  type VariableName,
} from './environment.ts';
import {
  BadValue,
  type DatabaseAddress,
  isLoopback,
  type ProxyAddress,
  parseAdminToken,
  parseApiKey,
  parseApiUrl,
  parseConnectionIds,
  parseDatabaseUrl,
  parseProxyUrl,
  parsePublicKeys,
  shown,
  unquoted,
} from './values.ts';

export type Environment = Record<string, string | undefined>;

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface Config {
  readonly publicKeys: readonly Buffer[];
  readonly apiKey: string;
  /** Has no trailing slash. */
  readonly apiUrl: string;
  /** The HTTP proxy for requests to Telnyx; null: no proxy. */
  readonly proxy: Readonly<ProxyAddress> | null;
  /** Null: calls of all connections are handled. */
  readonly connectionIds: ReadonlySet<string> | null;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number | null;
  readonly database: Readonly<DatabaseAddress>;
  readonly routesDir: string;
  readonly routesWatch: boolean;
  readonly routesHandlers: boolean;
  readonly routesNextDir: string | null;
  /** 0 if there is no such folder. */
  readonly routesNextPercent: number;
  readonly adminToken: string | null;
  /** Null: ADMIN_TOKEN is the only token. */
  readonly tokensFile: string | null;
  readonly logLevel: LogLevel;
  readonly logNumbers: 'masked' | 'full';
  readonly signatureEngine: VerifierOptions['engine'];
  readonly signatureToleranceSecs: number;
  readonly retentionDays: number;
  readonly historyDays: number;
  /** 0: never. */
  readonly accountCheckMinutes: number;
  /** 0: never. */
  readonly keepWarmSecs: number;
  readonly drainDelaySecs: number;
  readonly shutdownTimeoutSecs: number;
}

export function readConfig(env: Environment): Config {
  const values = convert(env);
  const problems = checkAlone(env, values);
  /** Parses a value that the schema accepted; only the first problem of a variable is reported. */
  const parse = <T>(name: VariableName, parser: (text: string) => T, otherwise: T): T => {
    const value = values[name];
    if (value === undefined || problems.has(name)) return otherwise;
    try {
      return parser(String(value));
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      problems.set(name, `${name}: ${error.message}`);
      return otherwise;
    }
  };
  const publicKeys = parse('TELNYX_PUBLIC_KEY', parsePublicKeys, []);
  const apiKey = parse('TELNYX_API_KEY', parseApiKey, '');
  const apiUrl = parse('TELNYX_API_URL', parseApiUrl, '');
  // The proxy is only checked if it is used.
  const proxyUrl =
    apiUrl !== '' && isLoopback(new URL(apiUrl).hostname)
      ? null
      : parse<string | null>('HTTPS_PROXY', parseProxyUrl, null);
  const adminToken = parse<string | null>('ADMIN_TOKEN', parseAdminToken, null);
  const connectionIds = parse<Set<string> | null>(
    'TELNYX_CONNECTION_IDS',
    parseConnectionIds,
    null,
  );
  const database = parse<DatabaseAddress>('DATABASE_URL', parseDatabaseUrl, {
    kind: 'sqlite',
    path: '',
  });
  checkTogether(values, problems);
  if (problems.size > 0) {
    throw new InvalidConfiguration(
      'The environment is invalid',
      VARIABLES.flatMap(([name]) => problems.get(name) ?? []),
    );
  }
  // Everything that could fail was checked above, so the values have the schema's types.
  const checked = Parse(EnvironmentSchema, values);
  return freeze({
    publicKeys: Object.freeze(publicKeys),
    apiKey,
    apiUrl,
    proxy:
      proxyUrl === null ? null : Object.freeze({ url: proxyUrl, none: checked.NO_PROXY ?? '' }),
    connectionIds,
    host: checked.HOST,
    port: checked.PORT,
    adminPort: checked.ADMIN_PORT ?? null,
    database: Object.freeze(database),
    routesDir: checked.ROUTES_DIR,
    routesWatch: checked.ROUTES_WATCH,
    routesHandlers: checked.ROUTES_HANDLERS,
    routesNextDir: checked.ROUTES_NEXT_DIR ?? null,
    routesNextPercent: checked.ROUTES_NEXT_PERCENT,
    adminToken,
    tokensFile: checked.TOKENS_FILE ?? null,
    logLevel: checked.LOG_LEVEL,
    logNumbers: checked.LOG_NUMBERS,
    signatureEngine: checked.SIGNATURE_ENGINE,
    signatureToleranceSecs: checked.SIGNATURE_TOLERANCE_SECS,
    retentionDays: checked.RETENTION_DAYS,
    historyDays: checked.HISTORY_DAYS,
    accountCheckMinutes: checked.ACCOUNT_CHECK_MINUTES,
    keepWarmSecs: checked.KEEP_WARM_SECS,
    drainDelaySecs: checked.DRAIN_DELAY_SECS,
    shutdownTimeoutSecs: checked.SHUTDOWN_TIMEOUT_SECS,
  });
}

/** By the names of the variables, before they are checked. */
type Values = Partial<Record<string, unknown>>;

/** What is wrong with each variable by itself, by its name. */
function checkAlone(env: Environment, values: Values): Map<VariableName, string> {
  const problems = new Map(misnamed(env));
  // One variable at a time, because TypeBox stops after eight errors of one object.
  for (const [name, schema] of VARIABLES) {
    if (problems.has(name)) continue;
    if (typeof values[name] === 'string' && /^["']|["']$/.test(values[name])) {
      problems.set(
        name,
        `${name}: it has a quotation mark at only one end. Remove it; values need no quotation marks.`,
      );
      continue;
    }
    const fine = values[name] === undefined ? isOptional(schema) : Check(schema, values[name]);
    if (!fine) problems.set(name, schemaProblem(name, schema, values[name]));
  }
  return problems;
}

/** What is wrong with a variable only because of another one. */
function checkTogether(values: Values, problems: Map<VariableName, string>): void {
  if (!problems.has('ADMIN_PORT') && values.ADMIN_PORT !== undefined && values.ADMIN_PORT !== 0) {
    if (values.ADMIN_PORT === values.PORT) {
      problems.set(
        'ADMIN_PORT',
        `ADMIN_PORT: ${values.PORT} is already used by PORT. Choose another port, or leave it unset to serve both on one port.`,
      );
    }
  }
  const percent = Number(values.ROUTES_NEXT_PERCENT);
  const named = values.ROUTES_NEXT_DIR !== undefined || problems.has('ROUTES_NEXT_PERCENT');
  if (!named && percent > 0) {
    problems.set(
      'ROUTES_NEXT_PERCENT',
      `ROUTES_NEXT_PERCENT: ${percent} percent of the callers cannot follow routes that do not exist. Set ROUTES_NEXT_DIR to their folder, or leave this unset.`,
    );
  }
}

/** The environment plus `.env`. Real variables take precedence; a missing file adds nothing. */
export function withEnvFile(env: Environment, path = '.env'): Environment {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return { ...env };
    throw unreadable(
      `${path}: ${cause instanceof Error ? cause.message : String(cause)}. Make it a readable file, or remove it.`,
    );
  }
  return { ...parseEnv(textOf(bytes, path)), ...env };
}

/** Some editors save UTF-16 or Latin-1. A BOM before UTF-8 is ignored. */
function textOf(bytes: Buffer, path: string): string {
  // UTF-16 with or without a BOM: UTF-8 text of ours never contains a zero byte.
  if (/^(fffe|feff)/.test(bytes.toString('hex', 0, 2)) || bytes.includes(0)) {
    throw unreadable(`${path}: the file is UTF-16. Save it as UTF-8.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(`${path}: the file is not UTF-8 (perhaps Latin-1). Save it as UTF-8.`);
  }
}

function unreadable(problem: string): InvalidConfiguration {
  return new InvalidConfiguration('The environment file cannot be read', [problem]);
}

/** `docker --env-file` passes names on unchanged, including quotation marks or a BOM. */
function misnamed(env: Environment): [VariableName, string][] {
  return VARIABLES.flatMap(([name]) => {
    const found = Object.keys(env).find((key) => key !== name && bare(key) === name);
    if (found === undefined || env[name] !== undefined) return [];
    return [[name, `${name}: its name is written as ${shown(found)}. Write only ${name}=…`]];
  });
}

function bare(name: string): string {
  return name.replace(/^(export\s+)?[\ufeff"'\s]+|["'\s]+$|^export\s+/g, '');
}

/** Converts text that looks like a number or a flag, and fills in defaults. */
function convert(env: Environment): Values {
  const values: Record<string, unknown> = {};
  for (const [name, schema] of VARIABLES) {
    const text = unquoted(textFor(name, env) ?? '');
    if (text === '') {
      if (schema.default !== undefined) values[name] = schema.default;
    } else if ('type' in schema && schema.type === 'integer' && /^\d{1,9}$/.test(text)) {
      values[name] = Number(text);
    } else if ('type' in schema && schema.type === 'boolean' && /^(true|false)$/.test(text)) {
      values[name] = text === 'true';
    } else {
      values[name] = text;
    }
  }
  return values;
}

/** The proxy variables are also read in lower case, as curl does. */
function textFor(name: VariableName, env: Environment): string | undefined {
  const isProxy = name === 'HTTPS_PROXY' || name === 'NO_PROXY';
  return isProxy ? (env[name.toLowerCase()] ?? env[name]) : env[name];
}

function schemaProblem(name: string, schema: Variable, value: unknown): string {
  if (value === undefined)
    return `${name}: required, but not set. ${schema.fix ?? schema.description}`;
  const got = schema.secret ? `${String(value).length} characters` : shown(value);
  const unset = schema.default === undefined ? '' : `, or leave it unset for ${schema.default}`;
  return `${name}: expected ${expectation(schema)}, got ${got}. ${schema.fix ?? `Correct it${unset}.`}`;
}

function expectation(schema: object): string {
  if ('enum' in schema && Array.isArray(schema.enum)) return `one of ${schema.enum.join(', ')}`;
  if ('type' in schema && schema.type === 'boolean') return 'true or false';
  if ('minimum' in schema && 'maximum' in schema) {
    return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  }
  const least = 'minLength' in schema ? `at least ${schema.minLength} ` : '';
  return `${least}printable characters without spaces`;
}

/** Freezes the configuration and redacts its secrets when it is printed. */
function freeze(config: Config): Config {
  const redacted = () => ({
    ...config,
    publicKeys: config.publicKeys.map((key) => key.toString('base64')),
    apiKey: REDACTED,
    adminToken: config.adminToken === null ? null : REDACTED,
    proxy: config.proxy === null ? null : { ...config.proxy, url: REDACTED },
    connectionIds: config.connectionIds === null ? null : [...config.connectionIds],
    database:
      config.database.kind === 'postgres' ? { kind: 'postgres', url: REDACTED } : config.database,
  });
  Object.defineProperty(config, 'toJSON', { value: redacted });
  Object.defineProperty(config, inspect.custom, { value: redacted });
  return Object.freeze(config);
}
