/** What is wrong with the variables, in words that say how to correct it. */
import { resolve } from 'node:path';
import { Check } from 'typebox/schema';
import type { Config } from './config.ts';
import type { Environment } from './env-file.ts';
import { isOptional, VARIABLES, type Variable, type VariableName } from './environment.ts';
import { shown } from './values.ts';

/** By the names of the variables, before they are checked. */
export type Values = Partial<Record<string, unknown>>;

/** What is wrong with each variable by itself, by its name. */
export function checkAlone(env: Environment, values: Values): Map<VariableName, string> {
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

/** Required variables that are not set, not even under a name that was meant to be theirs. */
export function missingIn(env: Environment, values: Values): VariableName[] {
  const found = new Map(misnamed(env));
  return VARIABLES.flatMap(([name, schema]) =>
    values[name] === undefined && !isOptional(schema) && !found.has(name) ? name : [],
  );
}

/** What is wrong with a variable only because of another one. */
export function checkTogether(values: Values, problems: Map<VariableName, string>): void {
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

/** The part of the shutdown time reserved for closing servers and store after the commands. */
export const CLOSING_SECS = 1;

type Related = Pick<
  Config,
  'drainDelaySecs' | 'shutdownTimeoutSecs' | 'routesDir' | 'routesNextDir'
> &
  Pick<Config, 'adminPort' | 'adminToken' | 'tokensFile'>;

/** Valid settings that have less effect than written, or none, because of another one. */
export function limitedSettings(config: Related): string[] {
  const { drainDelaySecs, shutdownTimeoutSecs, routesDir, routesNextDir } = config;
  const limited: string[] = [];
  const drainSecsMax = shutdownTimeoutSecs - CLOSING_SECS;
  if (drainDelaySecs > drainSecsMax) {
    limited.push(
      `DRAIN_DELAY_SECS: ${drainDelaySecs} is cut to ${drainSecsMax}, because SHUTDOWN_TIMEOUT_SECS (${shutdownTimeoutSecs}) includes it and a second to close everything. Set SHUTDOWN_TIMEOUT_SECS to more than ${drainDelaySecs + CLOSING_SECS}, so that commands can still be sent after it.`,
    );
  }
  if (routesNextDir !== null && resolve(routesNextDir) === resolve(routesDir)) {
    limited.push(
      `ROUTES_NEXT_DIR: ${shown(routesNextDir)} is ROUTES_DIR, so the next routes never differ. Give another folder, or leave it unset.`,
    );
  }
  if (config.adminPort !== null && config.adminToken === null && config.tokensFile === null) {
    limited.push(
      'ADMIN_PORT: nothing is served there, because there is no token. Set ADMIN_TOKEN or TOKENS_FILE, or leave ADMIN_PORT unset.',
    );
  }
  return limited;
}

/**
 * Different characters in a token: one with fewer is easy to guess; `openssl rand -base64 32` gives
 * about thirty.
 */
const TOKEN_CHARACTERS_MIN = 10;

/** Never contains the token. */
export function weakToken({ adminToken }: Pick<Config, 'adminToken'>): string | null {
  const different = new Set(adminToken).size;
  if (adminToken === null || different >= TOKEN_CHARACTERS_MIN) return null;
  return `ADMIN_TOKEN: it has only ${different} different characters, which is easy to guess. Generate a token with: openssl rand -base64 32`;
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

function schemaProblem(name: string, schema: Variable, value: unknown): string {
  if (value === undefined)
    return `${name}: required, but not set. ${schema.fix ?? schema.description}`;
  const got = schema.secret ? `${String(value).length} characters` : shown(value);
  const unset = schema.default === undefined ? '' : `, or leave it unset for ${schema.default}`;
  return `${name}: expected ${expectation(schema)}, got ${got}. ${schema.fix ?? `Correct it${unset}.`}`;
}

function expectation(schema: Variable): string {
  if (schema.expected !== undefined) return schema.expected;
  if ('enum' in schema && Array.isArray(schema.enum)) return `one of ${schema.enum.join(', ')}`;
  if ('type' in schema && schema.type === 'boolean') return 'true or false';
  if ('minimum' in schema && 'maximum' in schema) {
    return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  }
  const least = 'minLength' in schema ? `at least ${schema.minLength} ` : '';
  return `${least}printable characters without spaces`;
}
