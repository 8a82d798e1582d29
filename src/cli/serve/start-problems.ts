/**
 * What keeps the server from starting, all of it at once: variables, call routes and tokens.
 */
import { type Config, readConfig, settingFiles } from '../../config/config.ts';
import type { Environment } from '../../config/env-file.ts';
import { InvalidConfiguration, joined, RefereeError } from '../../errors.ts';
import { openPeople } from '../../http/people/people.ts';
import { openRoutes } from '../../routing/reload.ts';

/** Rejects with the problems of the variables and of the files that the valid ones name. */
export async function validConfig(env: Environment): Promise<Config> {
  try {
    return readConfig(env);
  } catch (error) {
    throw error instanceof RefereeError ? await withFiles(error, env) : error;
  }
}

async function withFiles(error: RefereeError, env: Environment): Promise<RefereeError> {
  const { routesDir, routesHandlers: handlers } = settingFiles(env);
  const opening = [
    routesDir === null
      ? null
      : openRoutes(routesDir, { env, handlers }).then((routes) => routes.close()),
    readTokens(env),
  ];
  const found = (await Promise.allSettled(opening)).flatMap((each) =>
    each.status === 'rejected' && each.reason instanceof RefereeError ? [each.reason] : [],
  );
  return joined(error, found);
}

/**
 * For `referee check`, whose subject is a folder: mistakes in variables that are set, and in the
 * file of tokens. What is not set may be set where the server runs. Null: there are none.
 */
export async function problemsOfSettings(env: Environment): Promise<string | null> {
  const found: string[] = [];
  const note = (error: unknown): void => {
    if (!(error instanceof InvalidConfiguration)) throw error;
    const { problems, missing } = error;
    found.push(...problems.filter((problem) => !missing.includes(problem)));
  };
  try {
    readConfig(env);
  } catch (error) {
    note(error);
  }
  await readTokens(env).catch(note);
  return found.length === 0 ? null : found.map((problem) => `  - ${problem}`).join('\n');
}

async function readTokens(env: Environment): Promise<void> {
  const { tokensFile: file } = settingFiles(env);
  if (file === null) return;
  const log = { emit() {} };
  (await openPeople({ adminToken: null, file, log, now: Date.now })).stop();
}
