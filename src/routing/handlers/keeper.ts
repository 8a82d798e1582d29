/**
 * The thread that manages the handler processes: one in use, and a spare that takes over when that
 * one is killed. The event loop waits for an answer (`Atomics.wait`), so this thread talks to the
 * process meanwhile.
 *
 * Threads are not enough: V8 cannot be interrupted within `[].includes.call({ length: 2 ** 53 - 1
 * })`, so such a handler would occupy a core for ever, and the server could not even exit. And when
 * `'x'.repeat(2 ** 28).split('')` exceeds the heap limit, V8 ends the whole process, whichever
 * thread it runs in.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { type HandlerProcess, startProcess } from './handler-process.ts';
import type { Run, Script } from './process.ts';
import {
  ANSWERED,
  type FromKeeper,
  type HandlerFile,
  type KeeperData,
  type Loaded,
  READY,
  RUNNING,
  type RunAnswer,
  type RunMessage,
  type ToKeeper,
} from './thread.ts';

const IN_SERVICE = 2;
/** Pause after a process did not start. */
const START_AGAIN_MS = 1_000;
const SLOW_RUN_MS = 20;
/** Kept for the next of several reloads, because the type stripper is slow to start. */
const TRIAL_KEPT_MS = 2_000;
/**
 * Scripts that no route set uses any more are kept this long, for the next reload of the same
 * files.
 */
const KEPT_UNUSED_MS = 60_000;
/** The extension of our own files: .ts in a checkout, .js in the package. */
const EXTENSION = extname(import.meta.filename);
const COMPILER = new URL(`./compile${EXTENSION}`, import.meta.url).href;

const { state: shared, runs, limits } = workerData as KeeperData;
const state = new Int32Array(shared);
const code = stripped(readFileSync(new URL(`./process${EXTENSION}`, import.meta.url), 'utf8'));

/** How many route sets use each script. */
const uses = new Map<string, number>();
const scripts = new Map<string, Script>();
let inService: HandlerProcess[] = [];
let waiting: Run[] = [];
let loads: Promise<unknown> = Promise.resolve();
let trial: HandlerProcess | null = null;
let trialEnds: NodeJS.Timeout | undefined;

runs.on('message', (message: RunMessage) => {
  if (message.do === 'stop') stop(message.id);
  else if (!give(message)) waiting.push(message);
});
parentPort?.on('message', (message: ToKeeper) => {
  if (message.do === 'release') {
    for (const key of message.keys) uses.set(key, (uses.get(key) ?? 1) - 1);
    setTimeout(drop, KEPT_UNUSED_MS);
    return;
  }
  // One load at a time, so that the processes in service load their scripts in turn.
  loads = loads.then(async () => {
    const loaded = await load(message.files);
    parentPort?.postMessage({ load: message.load, loaded } satisfies FromKeeper);
  });
});

/**
 * Each file is tried in a process that serves no calls; only valid ones go to the processes in
 * service.
 */
async function load(files: HandlerFile[]): Promise<Loaded[]> {
  for (const { key } of files) uses.set(key, (uses.get(key) ?? 0) + 1);
  refill(IN_SERVICE);
  clearTimeout(trialEnds);
  const loaded: Loaded[] = [];
  const added: Script[] = [];
  for (const { key, file, text } of files) {
    const known = scripts.get(key);
    if (known !== undefined) {
      loaded.push({ code: known.code });
      continue;
    }
    trial ??= startTrial();
    const result = await trial.load({ do: 'load', file, text, compiler: COMPILER });
    loaded.push(result);
    if ('code' in result) added.push({ key, file, code: result.code });
  }
  trialEnds = setTimeout(() => trial?.kill('by itself'), TRIAL_KEPT_MS);
  for (const script of added) scripts.set(script.key, script);
  // One at a time: while one loads them, the other can be asked.
  for (const one of inService.toReversed()) await one.open(added);
  return loaded;
}

function newProcess(): HandlerProcess {
  return startProcess({ code, limits, onOpening: count, onReady: serveWaiting });
}

function startTrial(): HandlerProcess {
  const one = newProcess();
  one.whenEnded(() => {
    trial = null;
  });
  return one;
}

function drop(): void {
  const unused = [...uses].filter(([, count]) => count <= 0).map(([key]) => key);
  for (const key of unused) {
    uses.delete(key);
    scripts.delete(key);
  }
  for (const one of inService) {
    if (uses.size === 0) one.kill('by itself');
    else one.drop(unused);
  }
}

function refill(wanted: number): void {
  while (inService.length < wanted) {
    const one = newProcess();
    inService.push(one);
    void one.open([...scripts.values()]);
    one.whenEnded((served) => {
      inService = inService.filter((other) => other !== one);
      count();
      const again = () => {
        if (uses.size > 0) refill(IN_SERVICE);
      };
      if (served) again();
      else setTimeout(again, START_AGAIN_MS);
    });
  }
}

function serveWaiting(): void {
  count();
  const before = waiting;
  waiting = before.filter((run) => !give(run));
}

function count(): void {
  Atomics.store(state, READY, inService.filter(({ ready }) => ready()).length);
  Atomics.notify(state, READY);
}

function give(run: Run): boolean {
  const one = inService.find((other) => other.ready() && other.running() === null);
  if (one === undefined) return false;
  Atomics.store(state, RUNNING, run.id);
  // This process may have to be killed, so start another one early.
  const slow = setTimeout(() => refill(IN_SERVICE + 1), SLOW_RUN_MS);
  one.run(run, (answer) => {
    clearTimeout(slow);
    runs.postMessage({ id: run.id, answer } satisfies RunAnswer);
    Atomics.add(state, ANSWERED, 1);
    Atomics.notify(state, ANSWERED);
  });
  return true;
}

/** The event loop no longer waits for this run. */
function stop(id: number): void {
  waiting = waiting.filter((run) => run.id !== id);
  inService.find(({ running }) => running() === id)?.kill('late');
}

/** Suppresses Node's warning that the function is experimental, which it prints once per thread. */
function stripped(text: string): string {
  process.emitWarning = () => {};
  return stripTypeScriptTypes(text, { mode: 'strip' });
}
