/**
 * The event loop's side of the keeper. Loading does not block the event loop; running blocks it
 * until there is an answer, up to a limit.
 */
import { extname } from 'node:path';
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import { LIMITS } from '../limits.ts';
import type { Compiled } from './compile.ts';
import type { ProcessAnswer, ProcessLimits, Run } from './process.ts';

export interface KeeperData {
  /** Three integers; their indexes are below. */
  state: SharedArrayBuffer;
  /** Carries runs and answers; answers are read synchronously, without the event loop. */
  runs: MessagePort;
  limits: KeeperLimits;
}

export interface KeeperLimits extends Omit<ProcessLimits, 'parent'> {
  heapMb: number;
  memoryBytes: number;
  loadMemoryBytes: number;
  loadWaitMs: number;
}

/** Index of the number of answers given; the event loop waits for it to change. */
export const ANSWERED = 0;
/** Index of the number of processes that can be asked. */
export const READY = 1;
/** Index of the id of the run that a process is working on. */
export const RUNNING = 2;

export interface HandlerFile {
  /** Equal keys mean equal files. */
  key: string;
  file: string;
  text: string;
}

export type ToKeeper =
  | { do: 'load'; load: number; files: HandlerFile[] }
  | { do: 'release'; keys: string[] };

export interface FromKeeper {
  load: number;
  loaded: Loaded[];
}

export type RunMessage = Run | { do: 'stop'; id: number };

export interface RunAnswer {
  id: number;
  answer: ProcessAnswer | { ended: Ended };
}

/**
 * Why a process ended: killed for its time, killed for its memory, exited by itself, or never
 * started.
 */
export type Ended = 'late' | 'memory' | 'by itself' | 'not started';

export type Loaded = Compiled | { ended: Ended };

export type Asked = RunAnswer['answer'] | { none: string };

/**
 * One thread for the whole process: route sets come and go, and equal files are loaded only once.
 */
let thread: Thread | null = null;

export function loadHandlers(files: HandlerFile[]): Promise<Loaded[]> {
  thread ??= startThread();
  return thread.load(files);
}

/** Blocks the event loop for at most `waitMs`; the handler is interrupted after `ms`. */
export function askHandler(key: string, input: string, ms: number, waitMs: number): Asked {
  return thread?.ask(key, input, ms, waitMs) ?? { none: 'handlers have been stopped' };
}

/** Blocks the event loop until a process can be asked, for at most `waitMs`. */
export function awaitProcess(waitMs: number): void {
  thread?.awaitProcess(waitMs);
}

/** Lets the keeper drop these files once `owner` has been garbage-collected. */
export function releaseWith(owner: object, keys: string[]): void {
  owners.register(owner, keys);
}

const owners = new FinalizationRegistry((keys: string[]) => thread?.release(keys));

interface Thread {
  load(files: HandlerFile[]): Promise<Loaded[]>;
  ask(key: string, input: string, ms: number, waitMs: number): Asked;
  awaitProcess(waitMs: number): void;
  release(keys: string[]): void;
}

function startThread(): Thread {
  const state = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  const { port1: runs, port2 } = new MessageChannel();
  const loads = new Map<number, (loaded: Loaded[]) => void>();
  const sizes = new Map<number, number>();
  let lastLoad = 0;
  let lastRun = 0;
  let waitedInVain = false;
  let noneStarts = false;

  const workerData: KeeperData = {
    state: state.buffer as SharedArrayBuffer,
    runs: port2,
    limits: {
      loadMs: LIMITS.handlerLoadMs,
      loadWaitMs: LIMITS.handlerLoadWaitMs,
      answerLength: LIMITS.handlerAnswerLength,
      answerValues: LIMITS.handlerAnswerValues,
      contexts: LIMITS.handlerContexts,
      heapMb: LIMITS.handlerHeapMb,
      memoryBytes: LIMITS.handlerMemoryBytes,
      loadMemoryBytes: LIMITS.handlerLoadMemoryBytes,
    },
  };
  const worker = new Worker(new URL(`./keeper${extname(import.meta.filename)}`, import.meta.url), {
    workerData,
    transferList: [port2],
  });
  worker.on('message', ({ load, loaded }: FromKeeper) => settle(load, loaded));
  // Without a listener an error would end the server. The 'exit' event follows and is handled.
  worker.on('error', () => {});
  worker.on('exit', () => {
    thread = null;
    for (const [load, size] of sizes) settle(load, Array(size).fill({ ended: 'not started' }));
  });
  worker.unref();
  return {
    load,
    ask,
    awaitProcess(waitMs) {
      // If none ever starts, only the first wait takes its time.
      if (!noneStarts) noneStarts = Atomics.wait(state, READY, 0, waitMs) === 'timed-out';
    },
    release: (keys) => post({ do: 'release', keys }),
  };

  function post(message: ToKeeper): void {
    worker.postMessage(message);
  }

  function load(files: HandlerFile[]): Promise<Loaded[]> {
    lastLoad += 1;
    const number = lastLoad;
    sizes.set(number, files.length);
    worker.ref();
    post({ do: 'load', load: number, files });
    return new Promise((resolve) => loads.set(number, resolve));
  }

  function settle(number: number, loaded: Loaded[]): void {
    loads.get(number)?.(loaded);
    loads.delete(number);
    sizes.delete(number);
    if (loads.size === 0) worker.unref();
  }

  function ask(key: string, input: string, ms: number, waitMs: number): Asked {
    // If no process starts, only the first call waits for one.
    if (Atomics.load(state, READY) > 0) waitedInVain = false;
    else if (waitedInVain) return { none: 'no process for handlers is ready' };
    lastRun = (lastRun + 1) | 0;
    const id = lastRun;
    send({ do: 'run', id, key, input, ms });
    const until = performance.now() + waitMs;
    for (;;) {
      const seen = Atomics.load(state, ANSWERED);
      const answer = answerTo(id);
      if (answer !== null) return answer;
      const left = until - performance.now();
      if (left <= 0 || Atomics.wait(state, ANSWERED, seen, left) === 'timed-out') break;
    }
    send({ do: 'stop', id });
    if (Atomics.load(state, RUNNING) === id) return { ended: 'late' };
    waitedInVain = true;
    return { none: 'no process for handlers is ready' };
  }

  function send(message: RunMessage): void {
    runs.postMessage(message);
  }

  /** Late answers to earlier runs are dropped. */
  function answerTo(id: number): RunAnswer['answer'] | null {
    for (;;) {
      const received = receiveMessageOnPort(runs)?.message as RunAnswer | undefined;
      if (received === undefined) return null;
      if (received.id === id) return received.answer;
    }
  }
}
