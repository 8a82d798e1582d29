/** A handler process with as much time as a busy machine needs to fill its memory. */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { expect, onTestFinished, test } from 'vitest';
import { startProcess } from '../../../src/routing/handlers/handler-process.ts';
import { LIMITS } from '../../../src/routing/limits.ts';
import { PATIENCE_MS } from '../../helpers/patience.ts';

const PROCESS = new URL('../../../src/routing/handlers/process.ts', import.meta.url);
const COMPILER = new URL('../../../src/routing/handlers/compile.ts', import.meta.url).href;

test('one that fills the memory while a file is loaded is ended for that', async () => {
  const handlers = startProcess({
    code: stripTypeScriptTypes(readFileSync(PROCESS, 'utf8')),
    limits: {
      loadMs: PATIENCE_MS,
      loadWaitMs: PATIENCE_MS,
      answerLength: LIMITS.handlerAnswerLength,
      answerValues: LIMITS.handlerAnswerValues,
      contexts: LIMITS.handlerContexts,
      heapMb: LIMITS.handlerHeapMb,
      memoryBytes: LIMITS.handlerMemoryBytes,
      loadMemoryBytes: LIMITS.handlerLoadMemoryBytes,
    },
    onOpening() {},
    onReady() {},
  });
  onTestFinished(() => handlers.kill('by itself'));
  const text = `const all = [];
    for (;;) all.push(new Uint8Array(2 ** 26).fill(1));
    export default () => undefined;`;
  expect(
    await handlers.load({ do: 'load', file: 'handlers/h.ts', text, compiler: COMPILER }),
  ).toEqual({ ended: 'memory' });
});
