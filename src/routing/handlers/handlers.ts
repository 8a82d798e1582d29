/**
 * Handlers: rules in TypeScript. The file is stripped of its types, read by acorn (nothing is imported,
 * there is one default export, syntax errors get their place) and run in a context of its own that holds
 * the language and nothing of Node. Call and answer cross as JSON text, so no object of ours is ever in
 * reach of a handler; each run is interrupted after 50 ms, microtasks included.
 */
import vm from 'node:vm';
import type { CallFacts } from '../../core/machine/call.ts';
import type { Moment } from '../../core/machine/plan.ts';
import type { RunHandler } from '../../core/rules/rule.ts';
import type { SetContext } from '../context.ts';
import { decode } from '../decode.ts';
import { LIMITS } from '../limits.ts';
import { Problems } from '../problem.ts';
import type { SchemaNode } from '../schema/node.ts';
import type { WrittenStep } from '../schema/steps.ts';
import { decodeText, parseSource } from '../source.ts';
import { buildSteps } from '../steps.ts';
import { codeOf } from './error.ts';
import { openSandbox } from './sandbox.ts';
import { toScript } from './script.ts';
import type { HandlerCall, HandlerContext } from './types.ts';

/** Null after problems. The context names what exists when the handler runs: the set it belongs to. */
export function compileHandler(
  file: string,
  bytes: Uint8Array,
  context: SetContext,
): RunHandler | null {
  const { problems } = context;
  if (bytes.byteLength > LIMITS.handlerFileBytes) {
    problems.problem(
      { file, line: 1, column: 1 },
      `the handler has ${bytes.byteLength} bytes, more than ${LIMITS.handlerFileBytes}`,
    );
    return null;
  }
  const text = decodeText(file, bytes, problems);
  if (text === null) return null;
  const code = toScript(file, text, problems);
  const sandbox = code === null ? null : openSandbox(file, code, problems);
  if (sandbox === null) return null;
  return (facts, moment) => run(file, sandbox, facts, moment, context);
}

const call = new vm.Script('__call()', { filename: 'referee:call' });

function run(
  file: string,
  sandbox: vm.Context,
  facts: CallFacts,
  moment: Moment,
  context: SetContext,
): ReturnType<RunHandler> {
  sandbox.__input = JSON.stringify({
    call: callOf(facts),
    context: {
      event: moment.event,
      digits: moment.digits,
      at: moment.at,
      targets: [...context.names.target.keys()],
    } satisfies HandlerContext,
  });
  let answer: unknown;
  try {
    answer = call.runInContext(sandbox, { timeout: LIMITS.handlerMs });
  } catch (error) {
    // Thrown by the interruption (of Node) or by a value whose own reading threw.
    const late = codeOf(error) === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    const why = late ? `took longer than ${LIMITS.handlerMs} ms` : 'failed';
    return { notMine: `${why}`, warning: true };
  }
  const text = typeof answer === 'string' ? answer : '!answered with something unreadable';
  if (text === '') return { notMine: `returned undefined`, warning: false };
  if (text.startsWith('!')) return { notMine: `${text.slice(1, 400)}`, warning: true };
  return readAnswer(file, text, context);
}

/** The same strict reading as of a route file: JSON is YAML. */
function readAnswer(file: string, json: string, context: SetContext): ReturnType<RunHandler> {
  const problems = new Problems();
  const source = parseSource(file, Buffer.from(json), problems);
  const schema: SchemaNode = { $ref: '#/$defs/steps' };
  const decoded = source === null ? null : decode(source, schema, problems, 'the answer');
  const own: SetContext = { ...context, problems };
  const steps =
    decoded?.value === undefined
      ? []
      : buildSteps(
          { context: own, positions: decoded.positions, trusted: false },
          decoded.value as WrittenStep[],
          'top',
        );
  const [first] = problems.problems;
  if (first === undefined) return { steps };
  const hint = first.hint === '' ? '' : ` (${first.hint})`;
  return {
    notMine: `answered steps that are none: ${first.message}${hint}`,
    warning: true,
  };
}

function callOf(facts: CallFacts): HandlerCall {
  const headers: Record<string, string> = Object.create(null);
  for (const { name, value } of facts.headers) headers[name.toLowerCase()] ??= value;
  return {
    call_control_id: facts.callId,
    call_session_id: facts.sessionId,
    connection_id: facts.connectionId,
    from: facts.from,
    to: facts.to,
    direction: facts.direction,
    caller_name: facts.callerName,
    caller_type: facts.callerType,
    attestation: facts.attestationValidated ? facts.attestation : null,
    headers,
    tags: facts.tags,
  };
}
