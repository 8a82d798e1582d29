/**
 * The keeper's side of one handler process: it gets one question at a time, and is killed if it
 * takes too much time or memory.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { FromProcess, ProcessLimits, Run, Script, ToProcess } from './process.ts';
import type { Ended, KeeperLimits, Loaded, RunAnswer } from './thread.ts';

const MEMORY_LOOK_MS = 10;

export interface HandlerProcess {
  /** It has started and has loaded its scripts. */
  ready(): boolean;
  /** The id of the run it is working on. */
  running(): number | null;
  open(scripts: Script[]): Promise<void>;
  drop(keys: string[]): void;
  load(message: Extract<ToProcess, { do: 'load' }>): Promise<Loaded>;
  run(run: Run, answered: (answer: RunAnswer['answer']) => void): void;
  kill(why: Ended): void;
  /** `served`: it had been ready. */
  whenEnded(listener: (served: boolean) => void): void;
}

interface ProcessOptions {
  /** The text of `process.ts`, without types. */
  code: string;
  limits: KeeperLimits;
  /** Called when it begins to load scripts, during which it must not be asked. */
  onOpening(): void;
  onReady(): void;
}

export function startProcess({ code, limits, onOpening, onReady }: ProcessOptions): HandlerProcess {
  let alive = true;
  let served = false;
  let opening = 0;
  let why: Ended = 'not started';
  let run: { id: number; answered: (answer: RunAnswer['answer']) => void } | null = null;
  let asked: ((result: FromProcess | { ended: Ended }) => void) | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  let watch: NodeJS.Timeout | undefined;
  let tell: (served: boolean) => void = () => {};
  const child = spawnProcess(code, limits);
  child.on('message', heard);
  child.on('error', ended);
  child.on('exit', ended);

  return {
    ready: () => alive && served && opening === 0,
    running: () => run?.id ?? null,
    async open(added) {
      opening += 1;
      onOpening();
      const result = await ask({ do: 'open', scripts: added });
      opening -= 1;
      if ('ended' in result) return;
      served = true;
      onReady();
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

  /** Questions wait for each other. */
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
    // If the channel has just closed, the `exit` event follows and settles the question.
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

/** Environment variables that affect the language itself: time zone and locale of dates. */
const KEPT_VARIABLES = ['TZ', 'LANG', 'LC_ALL', 'LC_TIME', 'NODE_ICU_DATA', 'SystemRoot'];

function spawnProcess(code: string, limits: KeeperLimits): ChildProcess {
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
    // In its own process group, so that Ctrl+C at the terminal only reaches the server.
    { env, cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore', 'ipc'] },
  );
  child.stdin?.on('error', () => {});
  child.stdin?.end(code);
  if (process.platform === 'linux' && child.pid !== undefined) {
    try {
      // If the system runs out of memory, the kernel should kill this process and not the server.
      writeFileSync(`/proc/${child.pid}/oom_score_adj`, '1000');
    } catch {
      // /proc may be missing in a sandbox.
    }
  }
  return child;
}

/** 0 if the system does not tell: outside Linux only V8's own limit applies. */
function residentBytes({ pid }: ChildProcess): number {
  if (process.platform !== 'linux') return 0;
  try {
    pageBytes ??= pageBytesOf(process.memoryUsage.rss(), residentPages('self'));
    return residentPages(pid ?? 'self') * pageBytes;
  } catch {
    return 0;
  }
}

let pageBytes: number | undefined;

function residentPages(pid: number | 'self'): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
}

/**
 * Pages have 4 KB on most systems, and 16 or 64 KB on some with ARM processors; Node does not say.
 * Both figures are of this process, a moment apart, and a page is a power of two.
 */
export function pageBytesOf(rssBytes: number, pages: number): number {
  return 2 ** Math.round(Math.log2(rssBytes / pages));
}
