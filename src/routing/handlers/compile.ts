/**
 * Compiles a handler file into the script that its process runs, or returns its problems.
 * Everything that reads the text (the type stripper, acorn, V8 with the top-level code) runs in a
 * process that is killed if it takes too long, because deeply nested brackets can keep a parser
 * busy as long as an endless loop keeps V8.
 */
import { type Problem, Problems } from '../problem.ts';
import { codeOf, messageOf, placeOfError } from './error.ts';
import { STRICT, toScript } from './script.ts';

export type Compiled = { code: string } | { problems: Problem[] };

/** `open` runs the code at the top of the handler once, and throws what it throws. */
export type Compiler = (
  file: string,
  text: string,
  open: (file: string, code: string, columnOffset: number) => unknown,
) => Compiled;

export const compile: Compiler = (file, text, open) => {
  const problems = new Problems();
  const code = toScript(file, text, problems);
  if (code === null) return { problems: problems.problems };
  try {
    open(file, code, -STRICT.length);
    return { code };
  } catch (error) {
    if (codeOf(error) === 'NOT_A_FUNCTION') {
      problems.problem(
        { file, line: 1, column: 1 },
        'the default export is not a function',
        'export default (call, context) => [ … ] or undefined',
      );
    } else {
      problems.problem(
        placeOfError(file, error, STRICT),
        `the handler does not load: ${messageOf(error)}`,
        'the top level of a handler may only declare things',
      );
    }
    return { problems: problems.problems };
  }
};
