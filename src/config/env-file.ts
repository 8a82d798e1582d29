/** The environment that a process was started with, and the file `.env` beside it. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { InvalidConfiguration } from '../errors.ts';

export type Environment = Record<string, string | undefined>;

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
