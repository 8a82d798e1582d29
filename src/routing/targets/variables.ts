/** References to environment variables, such as `${PBX_PASSWORD}`. */
import type { SetContext } from '../building/context.ts';
import { didYouMean, nearest, type Place } from '../problem.ts';
import type { Environment } from './targets.ts';

export const NAME_OF_REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Reports a problem if a variable that a route file refers to is not set. */
export function checkVariable(
  context: SetContext,
  name: string,
  at: Place,
  env: Environment,
): void {
  if ((env[name] ?? '') !== '') return;
  const others = Object.keys(env).filter((other) => other !== name);
  context.problems.problem(
    at,
    `the variable ${name} is ${env[name] === undefined ? 'not set' : 'empty'}`,
    nearest(name, others) === null
      ? `set ${name} in the environment of the server and of check`
      : didYouMean(name, others),
  );
}
