/**
 * All secrets in the environment that no log line may show, in every form in which they may appear.
 */
import type { Config } from './config.ts';
import type { Environment } from './env-file.ts';

/** OpenTelemetry's lists of key=value pairs, which may contain credentials. */
const HEADER_LISTS = ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'];

/** The settings that hold secrets. */
export type SecretSettings = Pick<Config, 'apiKey' | 'adminToken' | 'database' | 'proxy'>;

export function secretsOf(config: SecretSettings, env: Environment): string[] {
  const { apiKey, adminToken, database, proxy } = config;
  return [
    apiKey,
    ...(adminToken === null ? [] : [adminToken]),
    ...(database.kind === 'postgres' ? credentialsOf(database.url) : []),
    ...(proxy === null ? [] : credentialsOf(proxy.url)),
    ...HEADER_LISTS.flatMap((name) => headerValues(env[name] ?? '')),
  ];
}

/** The password of a URL, encoded and decoded, and the Authorization header made from it. */
function credentialsOf(text: string): string[] {
  if (!URL.canParse(text)) return [/:\/\/[^/@]*:([^/@]*)@/.exec(text)?.[1] ?? ''].flatMap(forms);
  const { username, password, searchParams } = new URL(text);
  const basic = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
  const passwords = [password, searchParams.get('password') ?? ''].flatMap(forms);
  return password === '' ? passwords : [...passwords, basic];
}

function headerValues(text: string): string[] {
  return text.split(',').flatMap((pair) => {
    const value = pair.slice(pair.indexOf('=') + 1).trim();
    // "Bearer x" is a scheme and a secret.
    return [value, ...value.split(/\s+|%20/).slice(1)].flatMap(forms);
  });
}

function forms(text: string): string[] {
  return [...new Set([text, decoded(text)])].filter((form) => form !== '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
