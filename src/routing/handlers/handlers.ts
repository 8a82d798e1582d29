/**
 * Handlers: rules in TypeScript. They run in their own process (`process.ts`), which a thread
 * manages (`keeper.ts`) while the event loop waits (`thread.ts`). So decisions stay synchronous,
 * and a handler that cannot be interrupted or fills the memory is killed without harm to the
 * server. Only JSON text is exchanged.
 */
import { createHash } from 'node:crypto';
import type { CallFacts } from '../../core/machine/call.ts';
import type { Moment } from '../../core/machine/plan.ts';
import { atOnce } from '../../core/rules/at-once.ts';
import type { RunHandler } from '../../core/rules/rule.ts';
import { RefereeError } from '../../errors.ts';
import type { SetContext } from '../building/context.ts';
import { decode } from '../decode/decode.ts';
import { parseSource } from '../files/source.ts';
import { decodeText } from '../files/text.ts';
import { LIMITS } from '../limits.ts';
import { type Hint, type Place, Problems } from '../problem.ts';
import type { SchemaNode } from '../schema/node.ts';
import type { WrittenStep } from '../schema/steps.ts';
import { buildSteps } from '../steps/steps.ts';
import { createRest, type Rest } from './rest.ts';
import {
  type Asked,
  askHandler,
  awaitProcess,
  type Ended,
  type HandlerFile,
  loadHandlers,
  releaseWith,
} from './thread.ts';
import type { HandlerCall, HandlerContext } from './types.ts';

export interface Handlers {
  /** Null after problems. `context` is that of the set which the handler belongs to. */
  bind(file: string, context: SetContext): RunHandler | null;
}

/**
 * The handlers of one set, and the problems of their files. `tries`: how often a call asks one
 * that misses its time limit.
 */
export async function openHandlers(
  contents: ReadonlyMap<string, Uint8Array>,
  problems: Problems,
  tries = 1,
): Promise<Handlers> {
  const files: HandlerFile[] = [];
  for (const [file, bytes] of contents) {
    const text = textOf(file, bytes, problems);
    if (text === null) continue;
    const key = createHash('sha256').update(`${file}\0${text}`).digest('base64');
    files.push({ key, file, text });
  }
  const loaded = files.length === 0 ? [] : await loadHandlers(files);
  const handlers = new Map<string, Handler>();
  for (const [n, { key, file }] of files.entries()) {
    const result = loaded[n] ?? { ended: 'not started' };
    if ('code' in result) handlers.set(file, { file, key, rest: createRest() });
    else if ('problems' in result) {
      for (const { message, hint, ...place } of result.problems) {
        problems.problem(place, message, hint);
      }
    } else {
      problems.problem(
        { file, line: 1, column: 1 },
        `the handler does not load: it ${words(result.ended, LIMITS.handlerLoadWaitMs, LIMITS.handlerLoadMemoryBytes)}`,
        'the top level of a handler may only declare things',
      );
    }
  }
  releaseWith(
    handlers,
    files.map(({ key }) => key),
  );
  return {
    bind(file, context) {
      if (!handlers.has(file)) return null;
      return (facts, moment) => {
        const handler = handlers.get(file);
        if (handler === undefined) return { notMine: 'unread', warning: true };
        return run(handler, facts, moment, context, tries);
      };
    },
  };
}

function textOf(file: string, bytes: Uint8Array, problems: Problems): string | null {
  if (bytes.byteLength <= LIMITS.handlerFileBytes) {
    return atOnce(decodeText(file, bytes, problems));
  }
  problems.problem(
    { file, line: 1, column: 1 },
    `the handler has ${bytes.byteLength} bytes, more than ${LIMITS.handlerFileBytes}`,
  );
  return null;
}

interface Handler {
  file: string;
  key: string;
  rest: Rest;
}

function run(
  { file, key, rest }: Handler,
  facts: CallFacts,
  moment: Moment,
  context: SetContext,
  tries: number,
): ReturnType<RunHandler> {
  const resting = rest.resting(performance.now());
  if (resting !== null) return { notMine: resting, warning: false };
  const leftMs = HELD_MAX_MS - (held.get(moment) ?? 0);
  if (leftMs < LEAST_MS) {
    return { notMine: 'not run: the handlers above it used up the time', warning: true };
  }

  const input = JSON.stringify({
    call: callOf(facts),
    context: {
      event: moment.event,
      digits: moment.digits,
      at: moment.at,
      targets: [...context.names.target.keys()],
    } satisfies HandlerContext,
  });
  const ask = () => askHandler(key, input, Math.min(LIMITS.handlerMs, Math.floor(leftMs)), leftMs);
  const { answer, now, tookMs } = lastOf(tries, ask);
  held.set(moment, HELD_MAX_MS - leftMs + tookMs);

  if ('none' in answer) return { notMine: answer.none, warning: true };
  if ('ended' in answer || ('failed' in answer && answer.failed === 'late')) {
    const why = words(
      'ended' in answer ? answer.ended : 'late',
      LIMITS.handlerMs,
      LIMITS.handlerMemoryBytes,
    );
    return { notMine: why + rest.overran(now, tookMs), warning: true };
  }
  rest.answered();
  if ('failed' in answer) return { notMine: 'failed', warning: true };
  const { text } = answer;
  if (text === '') return { notMine: 'returned undefined', warning: false };
  if (text.startsWith('!')) return { notMine: text.slice(1, 400), warning: true };
  return readAnswer(file, text, context);
}

/** Tries that missed the time limit are not counted if another follows. */
function lastOf(tries: number, ask: () => Asked) {
  for (let left = tries - 1; ; left -= 1) {
    const startedAt = performance.now();
    const answer = ask();
    const now = performance.now();
    if (left <= 0 || !missedTime(answer)) return { answer, now, tookMs: now - startedAt };
    // The process may have been killed; the next try must not fail because none has started yet.
    awaitProcess(LIMITS.handlerLoadWaitMs);
  }
}

function missedTime(answer: Asked): boolean {
  if ('none' in answer) return true;
  return 'ended' in answer
    ? answer.ended === 'late'
    : 'failed' in answer && answer.failed === 'late';
}

/** How long one decision may block the event loop, however many handlers it asks. */
const HELD_MAX_MS = LIMITS.handlerMs + LIMITS.handlerWayMs;
/** With less than that left, a handler is not asked. */
const LEAST_MS = 5;
/** How long the decision at a `Moment` has already waited for its handlers. */
const held = new WeakMap<Moment, number>();

function words(ended: Ended, ms: number, bytes: number): string {
  switch (ended) {
    case 'late':
      return `took longer than ${ms} ms`;
    case 'memory':
      return `needed more than ${bytes / 1024 / 1024} MB of memory`;
    case 'by itself':
      return 'ended its process, most likely because it ran out of memory';
    case 'not started':
      return 'has no process to run in: none can be started';
  }
}

/** Parsed as strictly as a route file (JSON is YAML), up to the first problem. */
function readAnswer(file: string, json: string, context: SetContext): ReturnType<RunHandler> {
  const problems = new FirstProblem();
  const schema: SchemaNode = { $ref: '#/$defs/steps' };
  try {
    const source = atOnce(parseSource(file, Buffer.from(json), problems));
    const decoded = source === null ? null : atOnce(decode(source, schema, problems, 'the answer'));
    if (decoded?.value === undefined) return { notMine: 'answered nothing', warning: true };
    const { positions } = decoded;
    const reading = { context: { ...context, problems }, positions, trusted: false };
    return { steps: buildSteps(reading, decoded.value as WrittenStep[], 'top') };
  } catch (error) {
    const [first] = problems.problems;
    if (first === undefined) throw error;
    const hint = first.hint === '' ? '' : ` (${first.hint})`;
    return { notMine: `returned invalid steps: ${first.message}${hint}`, warning: true };
  }
}

/** Stops at the first problem: further ones are not shown and would take the event loop's time. */
class FirstProblem extends Problems {
  override problem(place: Place, message: string, hint?: Hint): void {
    super.problem(place, message, hint);
    throw new RefereeError('ANSWER_REFUSED', message);
  }
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
    lookups: Object.fromEntries(
      Object.entries(facts.lookups ?? {}).map(([name, { values }]) => [name, values]),
    ),
  };
}
