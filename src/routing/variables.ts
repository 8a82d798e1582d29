/** References to variables of the environment, such as `${PBX_PASSWORD}`. */
import type { SetContext } from './context.ts';
import { didYouMean, nearest, type Place } from './problem.ts';
import type { Environment } from './targets.ts';

export const NAME_OF_REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** A problem where a variable that a route file refers to has no value. */
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
