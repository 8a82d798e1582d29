/**
 * The thread that manages the handler processes: one in use, and a spare that takes over when that
 * one is killed. The event loop waits for an answer (`Atomics.wait`), so this thread talks to the
 * process meanwhile.
 *
 * Why processes: V8 cannot be interrupted within `[].includes.call({ length: 2 ** 53 - 1 })`, and
 * ends the whole process, whichever thread it was, when `'x'.repeat(2 ** 28).split('')` passes the
 * heap's limit. A thread with such a handler holds its core for ever, and not even the server could
 * exit.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromProcess, ProcessLimits, Script, ToProcess } from './process.ts';
import {
  ANSWERED,
  type Ended,
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

type Run = Extract<RunMessage, { do: 'run' }>;

const IN_SERVICE = 2;
/** A process that does not start is not tried again and again without a pause. */
const START_AGAIN_MS = 1_000;
const MEMORY_LOOK_MS = 10;
const SLOW_RUN_MS = 20;
/** For the next of several reloads: the type stripper takes its time to start. */
const TRIAL_KEPT_MS = 2_000;
/** Scripts that no route set holds any more: kept for the next reload of the same files. */
const KEPT_UNUSED_MS = 60_000;
/** Of our own files: .ts in a checkout, .js in the package. */
const EXTENSION = extname(import.meta.filename);
const COMPILER = new URL(`./compile${EXTENSION}`, import.meta.url).href;

const { state: shared, runs, limits } = workerData as KeeperData;
const state = new Int32Array(shared);
const code = stripped(readFileSync(new URL(`./process${EXTENSION}`, import.meta.url), 'utf8'));

/** How many sets hold a script. */
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
  // One after the other, so that the processes in service learn their scripts in turns.
  loads = loads.then(async () => {
    const loaded = await load(message.files);
    parentPort?.postMessage({ load: message.load, loaded } satisfies FromKeeper);
  });
});

/**
 * Each file is tried in a process that serves no call; those in service get what was found good.
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
  // One after the other: while one learns them, the other is asked.
  for (const one of inService.toReversed()) await one.open(added);
  return loaded;
}

function startTrial(): HandlerProcess {
  const one = startProcess();
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
    const one = startProcess();
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
}

function give(run: Run): boolean {
  const one = inService.find((other) => other.ready() && other.running() === null);
  if (one === undefined) return false;
  Atomics.store(state, RUNNING, run.id);
  // It may have to be killed, and the one after it too: another one starts already.
  const slow = setTimeout(() => refill(IN_SERVICE + 1), SLOW_RUN_MS);
  one.run(run, (answer) => {
    clearTimeout(slow);
    runs.postMessage({ id: run.id, answer } satisfies RunAnswer);
    Atomics.add(state, ANSWERED, 1);
    Atomics.notify(state, ANSWERED);
  });
  return true;
}

/** The event loop waits no longer for this one. */
function stop(id: number): void {
  waiting = waiting.filter((run) => run.id !== id);
  inService.find(({ running }) => running() === id)?.kill('late');
}

interface HandlerProcess {
  /** It started, and knows the scripts it was given. */
  ready(): boolean;
  /** The id of the run it has. */
  running(): number | null;
  open(scripts: Script[]): Promise<void>;
  drop(keys: string[]): void;
  load(message: Extract<ToProcess, { do: 'load' }>): Promise<Loaded>;
  run(run: Run, answered: (answer: RunAnswer['answer']) => void): void;
  kill(why: Ended): void;
  /** `served`: it was ready once. */
  whenEnded(listener: (served: boolean) => void): void;
}

function startProcess(): HandlerProcess {
  let alive = true;
  let served = false;
  let opening = 0;
  let why: Ended = 'not started';
  let run: { id: number; answered: (answer: RunAnswer['answer']) => void } | null = null;
  let asked: ((result: FromProcess | { ended: Ended }) => void) | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  let watch: NodeJS.Timeout | undefined;
  let tell: (served: boolean) => void = () => {};
  const child = spawnProcess();
  child.on('message', heard);
  child.on('error', ended);
  child.on('exit', ended);

  return {
    ready: () => alive && served && opening === 0,
    running: () => run?.id ?? null,
    async open(added) {
      opening += 1;
      count();
      const result = await ask({ do: 'open', scripts: added });
      opening -= 1;
      if ('ended' in result) return;
      served = true;
      serveWaiting();
    },
    drop: (keys) => send({ do: 'drop', keys }),
    async load(message) {
      const result = await ask(message);
      if ('ended' in result) return result;
      return result.is === 'loaded' ? result.compiled : { ended: 'by itself' };
    },
    run(message, answered) {
      run = { id: message.id, answered };
      watchMemory(limits.memoryBytes);
      send(message);
    },
    kill,
    whenEnded(listener) {
      tell = listener;
    },
  };

  function heard(message: FromProcess): void {
    if (message.is === 'started') {
      why = 'by itself';
      return;
    }
    clearInterval(watch);
    if (message.is === 'ran') {
      const answered = run?.id === message.id ? run.answered : null;
      run = null;
      answered?.(message.answer);
    } else {
      asked?.(message);
      asked = null;
    }
  }

  /** One question after the other. */
  function ask(message: ToProcess): Promise<FromProcess | { ended: Ended }> {
    const answer = turn.then(() => askNow(message));
    turn = answer;
    return answer;
  }

  function askNow(message: ToProcess): Promise<FromProcess | { ended: Ended }> {
    if (!alive) return Promise.resolve({ ended: why });
    return new Promise((resolve) => {
      const late = setTimeout(() => kill(why === 'not started' ? why : 'late'), limits.loadWaitMs);
      asked = (result) => {
        clearTimeout(late);
        resolve(result);
      };
      watchMemory(message.do === 'load' ? limits.loadMemoryBytes : limits.memoryBytes);
      send(message);
    });
  }

  function send(message: ToProcess): void {
    // A channel that has just closed: `exit` follows, and answers.
    if (child.connected) child.send(message, () => {});
  }

  function watchMemory(bytesMax: number): void {
    clearInterval(watch);
    watch = setInterval(() => {
      if (residentBytes(child) > bytesMax) kill('memory');
    }, MEMORY_LOOK_MS);
  }

  function kill(reason: Ended): void {
    if (!alive) return;
    why = reason;
    child.kill('SIGKILL');
    ended();
  }

  function ended(): void {
    if (!alive) return;
    alive = false;
    clearInterval(watch);
    tell(served);
    run?.answered({ ended: why });
    run = null;
    asked?.({ ended: why });
    asked = null;
  }
}

/** What of the environment changes the language: the zone and locale of dates. */
const KEPT_VARIABLES = ['TZ', 'LANG', 'LC_ALL', 'LC_TIME', 'NODE_ICU_DATA', 'SystemRoot'];

function spawnProcess(): ChildProcess {
  const env = Object.fromEntries(KEPT_VARIABLES.map((name) => [name, process.env[name]]));
  const { loadMs, answerLength, answerValues, contexts, heapMb } = limits;
  const child = spawn(
    process.execPath,
    [
      '--title=referee handlers',
      `--max-old-space-size=${heapMb}`,
      '--input-type=module',
      '-',
      JSON.stringify({
        loadMs,
        answerLength,
        answerValues,
        contexts,
        parent: process.pid,
      } satisfies ProcessLimits),
    ],
    // In a group of its own, so that a Ctrl+C at the terminal is the server's alone.
    { env, cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore', 'ipc'] },
  );
  child.stdin?.on('error', () => {});
  child.stdin?.end(code);
  if (process.platform === 'linux' && child.pid !== undefined) {
    try {
      // Where memory runs out all the same, the kernel ends this one and not the server.
      writeFileSync(`/proc/${child.pid}/oom_score_adj`, '1000');
    } catch {
      // A sandbox without /proc.
    }
  }
  return child;
}

const PAGE_BYTES = 4_096;

/** 0 where the system does not say: outside of Linux only V8's own limit holds. */
function residentBytes({ pid }: ChildProcess): number {
  if (process.platform !== 'linux') return 0;
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

/** Node marks the function as experimental once a thread. */
function stripped(text: string): string {
  process.emitWarning = () => {};
  return stripTypeScriptTypes(text, { mode: 'strip' });
}
