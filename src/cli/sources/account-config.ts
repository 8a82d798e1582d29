/**
 * The settings of commands that use the Telnyx account. Some of them run before a public key is
 * set.
 */
import { type Config, readConfig } from '../../config/config.ts';
import { withEnvFile } from '../../config/env-file.ts';
import { InvalidConfiguration } from '../../errors.ts';
import type { Io } from '../terminal/io.ts';

export interface AccountConfig extends Config {
  /** False: TELNYX_PUBLIC_KEY is not set. */
  ownKey: boolean;
}

/**
 * Any valid key, used if no public key is set: the check of the key then shows the account's key.
 */
const NO_KEY = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';

/** Returns the configuration, or null after printing what is wrong with it. */
export function accountConfig(command: string, io: Io): AccountConfig | null {
  return validOrSay(command, io, () => {
    const env = withEnvFile(io.env);
    const ownKey = (env.TELNYX_PUBLIC_KEY ?? '') !== '';
    const config = readConfig(ownKey ? env : { ...env, TELNYX_PUBLIC_KEY: NO_KEY });
    return { ...config, ownKey };
  });
}

/** Returns what `read` returns, or null after printing that a setting is invalid. */
export function validOrSay<T>(command: string, io: Io, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error;
    io.stderr.write(`referee ${command}: ${error.message}\n`);
    return null;
  }
}
