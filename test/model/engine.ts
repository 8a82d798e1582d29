/**
 * The engine (receiver, dispatcher, sweeper) of one or two processes on the reference store, in
 * virtual time. Each question to the store and to Telnyx is a task; which open task comes next, and
 * when a process dies, is chosen at random from a seed. So the same seed gives the same story.
 *
 * `node test/model/engine.ts --seeds 5000 [--from 1]` tells many and exits 1 where one breaks an
 * invariant.
 */
import { parseArgs } from 'node:util';
import { decodeEnvelope } from '../../src/core/machine/client-state.ts';
import type { Command, Outcome } from '../../src/core/machine/command.ts';
import type { CallEvent, WebhookEvent } from '../../src/core/machine/event.ts';
import type { Step } from '../../src/core/machine/plan.ts';
import type { Clock } from '../../src/engine/clock.ts';
import { createDispatcher, type Dispatcher } from '../../src/engine/dispatch.ts';
import type { Decider } from '../../src/engine/engine.ts';
import { NO_OBSERVER } from '../../src/engine/observers.ts';
import { createReceiver } from '../../src/engine/receive.ts';
import { createSweeper } from '../../src/engine/sweep.ts';
import { CommitUnknown, StoreUnavailable } from '../../src/errors.ts';
import type { Log } from '../../src/log/log.ts';
import type { Store } from '../../src/store/store.ts';
import { decision, hookOf, refer, say } from '../helpers/machine.ts';
import { chanceOf } from './chance.ts';
import { ReferenceStore } from './reference-store.ts';
import { VirtualTime } from './virtual-time.ts';

const PLANS: Step[][] = [
  [refer('a', { timeoutMs: 10_000 }), refer('b', { timeoutMs: 10_000 })],
  [say('Welcome.'), refer('a', { timeoutMs: 10_000 }), refer('b', { timeoutMs: 10_000 })],
  [
    refer('a', {
      timeoutMs: 10_000,
      ifFailed: { busy: [say('Busy.'), refer('b', { timeoutMs: 10_000 })] },
    }),
  ],
];

const FAULTS_MAX = 6;
const REQUEST_MS = 5_000;
const TIMER_F_MS = 32_000;
/** Longer than any call with these plans takes, whatever goes wrong. */
const LONGEST_MS = 20 * 60_000;
const DEDUPED_MS = 60_000;
/** A live process answers a webhook within this time or never. */
const NEVER_MS = 120_000;

export interface Told {
  violations: string[];
  /** How often each situation occurred. */
  happened: Map<string, number>;
  steps: number;
  story: string[];
}

interface Task {
  name: string;
  process: Process | null;
  run(): void;
  /** When the request was written; it reaches Telnyx within its timeout, or not at all. */
  writtenAt?: number;
}

interface Process {
  name: string;
  alive: boolean;
  clock: Clock;
  receive(event: CallEvent): Promise<unknown>;
}

interface Leg {
  id: string;
  alive: boolean;
  answered: boolean;
  clientState: string | null;
  executed: Map<string, number>;
  /** REFERs that may still complete. */
  open: { id: string; until: number }[];
  moves: string[];
  accepted: boolean;
}

const setImmediateNow = globalThis.setImmediate;

/** Resolves when all work in memory has progressed as far as it can. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediateNow(resolve));
}

export async function tell(seed: number): Promise<Told> {
  const scene = new Scene(seed);
  scene.time.install();
  try {
    await scene.play();
  } finally {
    scene.time.uninstall();
  }
  const { violations, happened, steps, story } = scene;
  return { violations, happened, steps, story };
}

class Scene {
  readonly chance: () => number;
  readonly time = new VirtualTime(1_000_000);
  readonly store = new ReferenceStore();
  readonly violations: string[] = [];
  readonly happened = new Map<string, number>();
  readonly story: string[] = [];
  steps = 0;
  faults: number;
  readonly #tasks: Task[] = [];
  readonly #processes: Process[] = [];
  readonly #legs = new Map<string, Leg>();
  readonly #acknowledged: { callId: string; key: string }[] = [];
  readonly #plan: Step[];
  #events = 0;
  #started = 0;

  constructor(seed: number) {
    this.chance = chanceOf(seed);
    this.faults = Math.floor(this.chance() * (FAULTS_MAX + 1));
    this.#plan = PLANS[Math.floor(this.chance() * PLANS.length)] ?? [];
  }

  async play(): Promise<void> {
    const processes = this.chance() < 0.5 ? 1 : 2;
    for (let n = 0; n < processes; n += 1) this.#startProcess();
    const callers = 1 + Math.floor(this.chance() * 3);
    for (let n = 0; n < callers; n += 1) this.#call(`v3:caller-${n}`);
    const endsAt = this.time.now + LONGEST_MS;
    while (this.violations.length === 0) {
      await settled();
      this.steps += 1;
      if (this.#isOver()) break;
      if (this.time.now > endsAt) {
        this.violations.push('a call or a command is left after 20 minutes');
        break;
      }
      this.#step();
    }
    await settled();
    this.#lookAtTheEnd();
  }

  #step(): void {
    if (this.faults > 0 && this.chance() < 0.02) this.#kill();
    // Sometimes time passes while something is in progress: a slow store, a slow answer.
    const slow = this.faults > 0 && this.chance() < 0.01;
    if (slow) {
      this.faults -= 1;
      this.#happens('time passed while something was under way');
      this.#pass(this.time.now + Math.floor(this.chance() * 12_000));
    } else if (this.#tasks.length > 0) {
      const [task] = this.#tasks.splice(Math.floor(this.chance() * this.#tasks.length), 1);
      if (task === undefined) return;
      this.story.push(
        `${this.time.now - 1_000_000} ${task.process?.name ?? 'Telnyx'}: ${task.name}`,
      );
      task.run();
    } else {
      this.#pass(this.time.next() ?? this.time.now);
    }
  }

  #pass(at: number): void {
    this.store.now = at;
    for (const task of [...this.#tasks]) {
      if (task.writtenAt !== undefined && at - task.writtenAt >= REQUEST_MS) task.run();
    }
    this.time.passTo(at);
  }

  #isOver(): boolean {
    if (this.#tasks.length > 0) return false;
    const ended = [...this.#legs.values()].every(
      ({ id }) => this.store.find(id)?.call.phase === 'ended',
    );
    return ended && this.store.outbox().pending === 0;
  }

  #lookAtTheEnd(): void {
    if (this.violations.length > 0) return;
    for (const leg of this.#legs.values()) {
      const call = this.store.find(leg.id)?.call;
      if (call === undefined) continue;
      if (leg.alive) this.violations.push(`${leg.id} lives, and its call has ended`);
      for (const { id, verdict } of call.attempts) {
        if (verdict === 'completed' && !leg.moves.includes(id)) {
          this.violations.push(`${id} counts as completed, and moved nobody`);
        }
      }
    }
    for (const { callId, key } of this.#acknowledged) {
      const kept = this.store.timeline(callId).filter((entry) => entry.key === key);
      if (kept.length !== 1) {
        this.violations.push(`${key} was answered 200 and is stored ${kept.length} times`);
      }
    }
    if (this.store.deadLetters.length > 0) {
      this.violations.push(`a dead letter: ${this.store.deadLetters[0]?.error}`);
    }
  }

  #happens(name: string): void {
    this.happened.set(name, (this.happened.get(name) ?? 0) + 1);
  }

  #fault(share: number): boolean {
    if (this.faults === 0 || this.chance() >= share) return false;
    this.faults -= 1;
    return true;
  }

  // Processes

  #startProcess(): Process {
    this.#started += 1;
    const offset = Math.floor(this.chance() * 1_000_000);
    const clock = { now: () => this.time.now + 700, monotonic: () => this.time.now - offset };
    const process: Process = {
      name: `process ${this.#started}`,
      alive: true,
      clock,
      receive: () => Promise.resolve(),
    };
    const store = this.#storeOf(process);
    const decider: Decider = {
      decide: () => decision(this.#plan),
      budgets: () => ({ refers: UNLIMITED, transfers: UNLIMITED }),
    };
    const receiver = createReceiver({
      store,
      decider,
      owner: process.name,
      observer: NO_OBSERVER,
      clock,
      outlet: {
        freeSlots: () => dispatcher.freeSlots(),
        offer: (claimed, askedAt) => dispatcher.offer(claimed, askedAt),
        wake: () => dispatcher.wake(),
        cancel: (ids) => dispatcher.cancel(ids),
      },
    });
    const dispatcher: Dispatcher = createDispatcher({
      store,
      client: { send: (command, mayWrite) => this.#send(process, command, mayWrite) },
      lookups: { send: () => Promise.reject(new Error('no plan here asks for a lookup')) },
      receive: receiver.receive,
      log: SILENT,
      clock,
      instance: process.name,
      requestMs: REQUEST_MS,
      pollIdleMs: 5_000,
      chance: this.chance,
    });
    const sweeper = createSweeper({
      store,
      receiver,
      failures: { failed() {}, worked() {} },
      everyMs: 1_000,
    });
    process.receive = receiver.receive;
    this.#processes.push(process);
    dispatcher.start();
    sweeper.start();
    return process;
  }

  /** Everything it had in progress is lost, or happens without it. */
  #kill(): void {
    const living = this.#processes.filter(({ alive }) => alive);
    const victim = living[Math.floor(this.chance() * living.length)];
    if (victim === undefined) return;
    this.faults -= 1;
    victim.alive = false;
    this.story.push(`${victim.name} dies`);
    this.#happens('a process died');
    this.#startProcess();
  }

  /** Each call of a store method is two tasks: one executes it, the other delivers the answer. */
  #storeOf(process: Process): Store {
    const { store } = this;
    const ask = <T>(name: string, work: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        if (!process.alive) return;
        this.#tasks.push({
          name,
          process,
          run: () => {
            // The process died while the request was on its way, so it may or may not arrive.
            if (!process.alive && this.chance() < 0.5) return;
            this.#answer(process, name, work, resolve, reject);
          },
        });
      });
    return {
      kind: 'postgres',
      load: (keys) => ask('load', () => store.load(keys)),
      commit: (units, claim) => ask('commit', () => store.commit(units, claim)),
      claim: (claim, limit) => ask('claim', () => store.claim(claim, limit)),
      stillToSend: (owner, ids) => ask('confirm', () => store.stillToSend(owner, ids)),
      due: (limit) => ask('due', () => store.due(limit)),
      setting: (name) => ask('setting', () => store.setting(name)),
      releaseLeases: (owner) => ask('release', () => store.releaseLeases(owner)),
      deadLetter: (event, error, command) =>
        ask('dead letter', () => store.deadLetter(event, error, command)),
    } satisfies Partial<Store> as Partial<Store> as Store;
  }

  #answer<T>(
    process: Process,
    name: string,
    work: () => T,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    if (this.#fault(0.01)) {
      this.#happens('the store could not be asked');
      reject(new StoreUnavailable('not now'));
      return;
    }
    const answer = work();
    this.#noteConflicts(answer);
    const lost = name === 'commit' && this.#fault(0.02);
    if (lost) this.#happens('the answer to a commit was lost');
    this.#tasks.push({
      name: `${name}, answered`,
      process,
      run: () => {
        if (!process.alive) return;
        if (lost) reject(new CommitUnknown('the connection broke'));
        else resolve(answer);
      },
    });
  }

  #noteConflicts(answer: unknown): void {
    const results = (answer as { results?: string[] } | undefined)?.results ?? [];
    if (results.includes('conflict')) this.#happens('a process lost a race');
  }

  // Telnyx

  #call(id: string): void {
    this.#legs.set(id, {
      id,
      alive: true,
      answered: false,
      clientState: null,
      executed: new Map(),
      open: [],
      moves: [],
      accepted: false,
    });
    this.#emit(id, 'call.initiated');
  }

  /** Delivers until the answer is 200, sometimes twice. */
  #emit(callId: string, type: string, more: Partial<WebhookEvent> = {}): void {
    this.#events += 1;
    const clientState = this.#legs.get(callId)?.clientState ?? null;
    const event = hookOf(callId, type, {
      id: `event-${this.#events}`,
      clientState,
      receivedAt: this.time.now,
      occurredAt: this.time.now,
      ...more,
    });
    this.#deliver(event);
    if (this.#fault(0.05)) {
      this.#happens('a webhook was delivered twice');
      this.#deliver(event);
    }
  }

  #deliver(event: WebhookEvent): void {
    const run = () => {
      const living = this.#processes.filter(({ alive }) => alive);
      const process = living[Math.floor(this.chance() * living.length)];
      if (process === undefined) return;
      const again = () => this.#later(1_000, () => this.#deliver(event));
      // A dead process never answers 200: Telnyx stops waiting and delivers again.
      const sentAt = this.time.now;
      const watch = () =>
        this.#later(2_000, () => {
          if (done) return;
          if (!process.alive) again();
          else if (this.time.now - sentAt < NEVER_MS) watch();
          else this.violations.push(`${event.type} was never answered`);
        });
      let done = false;
      process.receive({ ...event, receivedAt: this.time.now }).then(
        () => {
          done = true;
          if (!process.alive) return;
          this.#acknowledged.push({ callId: event.callId, key: `${event.type}|${event.id}` });
        },
        () => {
          done = true;
          again();
        },
      );
      watch();
    };
    this.#tasks.push({ name: `${event.type} of ${event.callId}`, process: null, run });
  }

  #later(ms: number, run: () => void): void {
    setTimeout(run, ms);
  }

  /** A request on the wire: being written, executed and answered are separate tasks. */
  #send(process: Process, command: Command, mayWrite?: () => boolean): Promise<Outcome> {
    return new Promise((resolve) => {
      const write = () => {
        if (!process.alive) return;
        if (mayWrite?.() === false) {
          resolve(UNCLEAR);
          return;
        }
        this.#request(process, command, resolve);
      };
      this.#tasks.push({ name: `write ${command.action}`, process, run: write });
    });
  }

  #request(process: Process, command: Command, resolve: (outcome: Outcome) => void): void {
    const writtenAt = this.time.now;
    const answer = (outcome: Outcome) => {
      if (process.alive) resolve(outcome);
    };
    const run = () => {
      if (this.store.now - writtenAt >= REQUEST_MS) {
        this.#remove(task);
        answer(UNCLEAR);
        return;
      }
      const outcome = this.#execute(command);
      if (this.#fault(0.05)) {
        this.#happens('the answer to a command was lost');
        this.#later(REQUEST_MS, () => answer(UNCLEAR));
      } else {
        this.#tasks.push({
          name: `the answer to ${command.action}`,
          process,
          run: () => answer(outcome),
        });
      }
    };
    const task: Task = { name: `Telnyx takes ${command.action}`, process: null, run, writtenAt };
    this.#tasks.push(task);
  }

  #remove(task: Task): void {
    const at = this.#tasks.indexOf(task);
    if (at >= 0) this.#tasks.splice(at, 1);
  }

  #execute(command: Command): Outcome {
    const leg = this.#legs.get(command.legId);
    if (leg === undefined) return refused('90018');
    if (command.action === 'probe') {
      const envelope = decodeEnvelope(leg.clientState);
      return { kind: 'accepted', status: 200, alive: leg.alive, envelope };
    }
    if (!leg.alive) return refused('90018');
    const before = leg.executed.get(command.id);
    if (before !== undefined) {
      this.#happens('a command was repeated');
      if (this.time.now - before <= DEDUPED_MS) return OK;
      this.violations.push(`${command.action} ${command.id} was executed twice`);
    }
    if (command.action === 'refer' && !leg.answered) return refused('90034');
    leg.executed.set(command.id, this.time.now);
    if (command.clientState !== null) leg.clientState = command.clientState;
    this.#carryOut(leg, command);
    return OK;
  }

  #carryOut(leg: Leg, command: Command): void {
    switch (command.action) {
      case 'answer':
        leg.answered = true;
        this.#emit(leg.id, 'call.answered');
        return;
      case 'refer':
        this.#refer(leg, command.id);
        return;
      case 'speak':
        this.#emit(leg.id, 'call.speak.started');
        this.#later(2_000, () => {
          if (leg.alive) this.#emit(leg.id, 'call.speak.ended', { status: 'completed' });
        });
        return;
      case 'hangup':
      case 'reject':
        this.#hangUp(leg, 'callee');
        return;
      default:
    }
  }

  /** The far end is busy, answers after a while, rings for ever or stays silent. */
  #refer(leg: Leg, id: string): void {
    const now = this.time.now;
    if (leg.moves.length > 0) leg.accepted = true;
    for (const { id: other, until } of leg.open) {
      if (now < until) {
        this.violations.push(`${id} was executed while ${other} has ${until - now} ms left`);
      }
      leg.accepted = true;
    }
    const open = { id, until: now + 9_000 };
    leg.open.push(open);
    const closes = () => {
      leg.open = leg.open.filter((each) => each !== open);
    };
    const drawn = this.chance();
    const notify = (type: string, code: number) =>
      this.#emit(leg.id, type, { sipNotifyResponse: code });
    if (drawn < 0.4) {
      this.#later(500, () => {
        closes();
        if (leg.alive) notify('call.refer.failed', 486);
      });
      return;
    }
    if (drawn < 0.5) {
      this.#happens('a target said nothing');
      this.#later(TIMER_F_MS, closes);
      return;
    }
    this.#later(500, () => {
      if (leg.alive) notify('call.refer.started', 180);
    });
    if (drawn < 0.6) {
      this.#happens('a target rang for ever');
      return;
    }
    this.#later(1_000 + Math.floor(this.chance() * 6_000), () => {
      closes();
      if (!leg.alive) return;
      leg.moves.push(id);
      if (leg.moves.length > 1 && !leg.accepted) {
        this.violations.push(`${leg.id} was moved ${leg.moves.length} times`);
      }
      this.#happens('a caller arrived');
      notify('call.refer.completed', 200);
      this.#hangUp(leg, 'callee');
    });
  }

  #hangUp(leg: Leg, hangupSource: string): void {
    if (!leg.alive) return;
    leg.alive = false;
    leg.open = [];
    this.#emit(leg.id, 'call.hangup', {
      hangupCause: 'normal_clearing',
      hangupSource,
      sipHangupCause: '200',
    });
  }
}

const OK: Outcome = { kind: 'accepted', status: 200, alive: null };
const UNCLEAR: Outcome = {
  kind: 'retry',
  status: null,
  detail: 'unclear',
  afterMs: null,
  provenUnsent: false,
};
const UNLIMITED = { perCall: null, perHour: null, perCallerPerHour: null };
const SILENT = { emit: () => {} } as unknown as Log;

function refused(code: string): Outcome {
  return {
    kind: 'rejected',
    status: 422,
    code,
    detail: `Telnyx ${code}`,
    callEnded: code === '90018',
    notAnswered: code === '90034',
    misconfigured: null,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '2000' },
      from: { type: 'string', default: '1' },
    },
  });
  const first = Number(values.from);
  const happened = new Map<string, number>();
  let steps = 0;
  for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
    const told = await tell(seed);
    steps += told.steps;
    for (const [name, count] of told.happened) {
      happened.set(name, (happened.get(name) ?? 0) + count);
    }
    if (told.violations.length === 0) continue;
    console.log(told.story.slice(-80).join('\n'));
    console.log(`seed ${seed}: ${told.violations.join('; ')}`);
    console.log('1 broken');
    process.exit(1);
  }
  for (const [name, count] of [...happened].sort()) console.log(`  ${count}  ${name}`);
  console.log(`${values.seeds} stories, ${steps} steps, 0 broken`);
}
