/**
 * Reads the environment once, checks it and freezes the result. One report lists every problem with
 * its fix, and no report contains a secret.
 */
import { inspect } from 'node:util';
import { Parse } from 'typebox/schema';
import { isLoopback } from '../core/loopback.ts';
import { InvalidConfiguration } from '../errors.ts';
import { REDACTED } from '../log/mask.ts';
import type { VerifierOptions } from '../telnyx/signature.ts';
import { checkAlone, checkTogether, missingIn, type Values } from './checks.ts';
import type { Environment } from './env-file.ts';
import { EnvironmentSchema, VARIABLES, type VariableName } from './environment.ts';
import {
  BadValue,
  type DatabaseAddress,
  type ProxyAddress,
  parseAdminToken,
  parseApiKey,
  parseApiUrl,
  parseConnectionIds,
  parseDatabaseUrl,
  parseProxyUrl,
  parsePublicKeys,
  unquoted,
} from './values.ts';

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
  /** 0: the server is ready without a warm-up. */
  readonly warmUpCalls: number;
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
      missingIn(env, values).flatMap((name) => problems.get(name) ?? []),
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
    warmUpCalls: checked.WARM_UP_CALLS,
    drainDelaySecs: checked.DRAIN_DELAY_SECS,
    shutdownTimeoutSecs: checked.SHUTDOWN_TIMEOUT_SECS,
  });
}

/** Where else an operator may have made mistakes; null: nothing is named, or not validly. */
export interface SettingFiles {
  routesDir: string | null;
  routesHandlers: boolean;
  tokensFile: string | null;
}

/** Known even if other variables are invalid. */
export function settingFiles(env: Environment): SettingFiles {
  const values = convert(env);
  const problems = checkAlone(env, values);
  const valid = (name: VariableName) =>
    values[name] === undefined || problems.has(name) ? null : String(values[name]);
  return {
    routesDir: valid('ROUTES_DIR'),
    routesHandlers: valid('ROUTES_HANDLERS') !== 'false',
    tokensFile: valid('TOKENS_FILE'),
  };
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
