/**
 * Small faults planted in a copy of the machine. The search must find each of them, because a
 * search that finds nothing proves nothing.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Mutant {
  name: string;
  /** The file's path below `src/`. */
  file: string;
  from: string;
  to: string;
  /** Where the fault shows: a plan and a world of plans.ts, and the number of faults needed. */
  plan: string;
  world: string;
  faults: number;
  /** Of the exploration to begin with, where the first few take long. */
  seed?: number;
  /** The short form itself must find it: the search that first did took very long. */
  inSuite?: true;
}

/** A fault in the engine or its store, which the stories of engine.ts must find. */
export type EngineMutant = Pick<Mutant, 'name' | 'file' | 'from' | 'to'>;

const machine = (file: string) => `core/machine/${file}.ts`;

export const MUTANTS: Mutant[] = [
  {
    name: 'an operator goes on though the target rings',
    file: machine('on-operator'),
    from: ': !attempt.progress && isSilent(attempt, now);',
    to: ': true;',
    plan: 'an operator goes on from a REFER',
    world: 'plain',
    faults: 0,
  },
  {
    name: 'an operator moves the caller while the target that patience ended rings',
    file: machine('step-end'),
    from: "verdict === 'no_verdict' && attempt.progress) {",
    to: "verdict === 'no_verdict' && attempt.progress && !call.patienceOver) {",
    plan: 'an operator beside an impatient caller',
    world: 'plain',
    faults: 0,
  },
  {
    name: 'a branch for no_verdict moves on though an older target rings',
    file: machine('on-refer'),
    from: 'other.movesOnAnyway &&= attempt.movesOnAnyway;',
    to: '',
    plan: 'a short target, then one that may be called over',
    world: 'events carry their own client_state',
    faults: 0,
  },
  {
    name: 'the refusal of a repetition counts as the refusal of the command',
    file: 'engine/sending/sending.ts',
    from: 'if (isFirstOfWindow(claimed)) return outcome;',
    to: 'return outcome;',
    plan: 'two targets',
    world: 'repetitions are refused',
    faults: 1,
    seed: 10,
  },
  {
    name: 'an unknown outcome counts as a refusal',
    file: machine('on-outcome'),
    from: "if (outcome.kind === 'unknown') {\n    // Proven",
    to: "if (outcome.kind === ('' as 'unknown')) {\n    // Proven",
    plan: 'two targets',
    world: 'repetitions are refused',
    faults: 1,
    seed: 11,
  },
  {
    name: 'a target that rang without a verdict does not make moving unsafe',
    file: machine('step-end'),
    from: 'else call.movingUnsafe = true;',
    to: 'else call.movingUnsafe = false;',
    plan: 'two targets',
    world: 'plain',
    faults: 0,
    seed: 2,
  },
  {
    name: 'steps move the caller though moving is unsafe',
    file: machine('run-plan'),
    from: 'if (call.movingUnsafe) {\n    note',
    to: 'if (call.movingUnsafe && call.patienceOver) {\n    note',
    plan: 'two targets',
    world: 'plain',
    faults: 0,
    seed: 2,
  },
  {
    name: 'a move is not taken back when the target before it rings after all',
    file: machine('on-refer'),
    from: 'call.movingUnsafe = true;\n    takeBackMove(turn, [attempt], nameOf(attempt));',
    to: 'call.movingUnsafe = true;',
    plan: 'two targets',
    world: 'plain',
    faults: 0,
  },
  {
    name: 'a transfer is given up without asking for its B-leg',
    file: machine('unheard-b-leg'),
    from: "return kind === 'transfer' && (acceptedAt",
    to: "return kind !== 'transfer' && (acceptedAt",
    plan: 'a transfer, then a target',
    world: 'no other call is heard',
    faults: 2,
    seed: 8,
  },
  {
    name: 'the B-leg is asked for at the moment in which its ringing ends',
    file: machine('attempt-time'),
    from: "timeoutMs + (attempt.kind === 'transfer' ? TRANSFER_GRACE_MS : 0)",
    to: "timeoutMs + (attempt.kind === 'transfer' ? -TRANSFER_GRACE_MS : 0)",
    plan: 'a transfer, then a target',
    world: 'no other call is heard',
    faults: 2,
  },
  {
    name: 'a caller who has arrived keeps the commands that wait',
    file: machine('ending'),
    from: 'export function becomeReferred(turn: Turn): void {\n  const { call } = turn;\n  cancelOutstanding(turn);',
    to: 'export function becomeReferred(turn: Turn): void {\n  const { call } = turn;',
    plan: 'two targets',
    world: 'plain',
    faults: 1,
    seed: 3,
  },
  {
    name: 'a caller who has gone keeps the commands that wait',
    file: machine('ending'),
    from: 'const before = call.phase;\n  cancelOutstanding(turn);',
    to: 'const before = call.phase;',
    plan: 'two targets',
    world: 'plain',
    faults: 0,
  },
  {
    name: 'commands are forgotten, but not taken back',
    file: machine('turn'),
    from: 'if (own(entry) && !issuedNow.has(entry.id)) turn.cancel.push(entry.id);',
    to: '',
    plan: 'two targets',
    world: 'plain',
    faults: 0,
  },
  {
    name: 'an accepted attempt has no deadline, and neither has patience',
    file: machine('turn'),
    from: 'call.deadlines.push({',
    to: "if (name !== 'attempt' && name !== 'patience') call.deadlines.push({",
    plan: 'one target',
    world: 'plain',
    faults: 0,
  },
  {
    name: 'a prompt has no deadline',
    file: machine('turn'),
    from: 'call.deadlines.push({',
    to: "if (name !== 'step') call.deadlines.push({",
    plan: 'words, then a target',
    world: 'plain',
    faults: 1,
    seed: 2,
  },
  {
    name: 'a hangup of ours is sent once and never looked after',
    file: machine('ending'),
    from: "setDeadline(turn, 'release', RELEASE_AGAIN_MS[0] ?? 0);",
    to: '',
    plan: 'one target',
    world: 'plain',
    faults: 2,
    seed: 3,
  },
  {
    name: 'nobody lets a caller go whom the target left behind',
    file: machine('ending'),
    from: "call.phase = 'referred';\n  setDeadline(turn, 'referred', HANGUP_EXPECTED_MS);",
    to: "call.phase = 'referred';",
    plan: 'one target',
    world: 'the leg stays after completed',
    faults: 0,
  },
  {
    name: 'a conversation is not watched',
    file: machine('ending'),
    from: "call.phase = 'bridged';\n  setDeadline(turn, 'watch', WATCH_MS);",
    to: "call.phase = 'bridged';",
    plan: 'a transfer',
    world: 'plain',
    faults: 1,
  },
  {
    name: 'a slow probe is not followed by another',
    file: machine('probe-end'),
    from: "setDeadline(turn, 'watch', WATCH_MS);\n  if (call.phase === 'releasing'",
    to: "if (call.phase === 'releasing'",
    plan: 'a transfer',
    world: 'plain',
    faults: 1,
  },
  {
    name: 'ringing counts as arrived',
    file: machine('on-refer'),
    from: 'event.sipNotifyResponse);\n    progressAttempt(turn, attempt);',
    to: "event.sipNotifyResponse);\n    endAttempt(turn, attempt, 'completed', 'it rings');",
    plan: 'one target',
    world: 'plain',
    faults: 0,
  },
  {
    name: 'the failure of an attempt that was given up counts against the newest',
    file: machine('attribution'),
    from: "if (event.type === 'call.refer.failed') return oldest;",
    to: '',
    plan: 'three short targets',
    world: 'plain',
    faults: 0,
    seed: 4,
  },
  {
    name: 'the failure of the newest clears the older attempt that rings',
    file: machine('on-refer'),
    from: 'if (attempt.progress && !attempt.movesOnAnyway) mayRingInstead(turn, attempt, others);',
    to: '',
    plan: 'three short targets',
    world: 'plain',
    faults: 1,
    inSuite: true,
  },
  {
    name: 'a ringing that is heard after the failure of the next target is over',
    file: machine('on-refer'),
    from: 'if (attempt.finalUnclear) stillRings(turn, attempt);',
    to: '',
    plan: 'a short target, then a patient one',
    world: 'a probe shows no client_state',
    faults: 3,
    seed: 151,
  },
  {
    name: 'a cancelled request without an outcome counts as never sent',
    file: machine('attribution'),
    from: '!neverLeft(attempt) &&',
    to: '!wasTakenBack(attempt) &&',
    plan: 'three short targets',
    world: 'a probe shows no client_state',
    faults: 3,
    seed: 150,
  },
  {
    name: 'a move that waits to be sent is left alone while one of two rings',
    file: machine('on-refer'),
    from: "takeBackMove(turn, candidates, 'one of them');",
    to: '',
    plan: 'three short targets',
    world: 'everything at once',
    faults: 3,
    seed: 4,
  },
  {
    name: 'the answer of a B-leg that is being hung up counts as a conversation',
    file: machine('on-b-leg'),
    from: 'if (attempt.bLegHangup === null) onBridged(turn, attempt);',
    to: 'if (attempt.bLegHangup !== undefined) onBridged(turn, attempt);',
    plan: 'an operator goes on from a transfer',
    world: 'plain',
    faults: 1,
  },
  {
    name: 'an acceptance that comes late gives no time',
    file: machine('attempt'),
    from: "else if (probe.why === 'attempt') giveTimeLeft(turn, attempt);",
    to: '',
    plan: 'a short target, then a patient one',
    world: 'a probe shows no client_state',
    faults: 3,
    seed: 133,
  },
  {
    name: 'a manual refer is sent while an earlier target may still answer',
    file: machine('run-plan'),
    from: 'if (call.suspended !== null && !call.movingUnsafe) return true;',
    to: 'if (call.suspended !== null) return true;',
    plan: 'an operator beside a target',
    world: 'plain',
    faults: 1,
    seed: 8,
  },
  {
    name: 'the question about one step is answered for the next',
    file: machine('step-end'),
    from: 'dropProbe(turn);\n  if (running === null) return;',
    to: 'if (running === null) return;',
    plan: 'three short targets',
    world: 'plain',
    faults: 0,
  },
  {
    name: 'a lookup that failed is asked again',
    file: machine('on-lookup'),
    from: 'call.facts.lookups = { ...call.facts.lookups, [name]: { values, failed } };',
    to: 'if (failed === null) call.facts.lookups = { ...call.facts.lookups, [name]: { values, failed } };',
    plan: 'a lookup, then a target',
    world: 'plain',
    faults: 1,
  },
  {
    name: 'the late answer of a lookup decides again',
    file: machine('on-lookup'),
    from: 'if (asking === null || asking.id !== commandId) {',
    to: `if (asking === null && outcome.kind === 'accepted' && outcome.lookup !== undefined && turn.call.phase !== 'ended') {
    const { values } = outcome.lookup;
    turn.call.facts.lookups = { crm: { values, failed: null } };
    if (decideOn(turn, [{ event: 'call.initiated', digits: null, at: turn.now }])) turn.goOn = true;
    return;
  }
  if (asking === null || asking.id !== commandId) {`,
    plan: 'a lookup, then a target',
    world: 'plain',
    faults: 1,
    seed: 2,
  },
  {
    name: 'a caller who has gone keeps the lookup that waits',
    file: machine('ending'),
    from: 'const before = call.phase;\n  cancelOutstanding(turn);\n  const open',
    to: 'const before = call.phase;\n  if (call.asking === null) cancelOutstanding(turn);\n  else call.asking = null;\n  const open',
    plan: 'a lookup, then a target',
    world: 'plain',
    faults: 0,
    seed: 5,
  },
  {
    name: 'an ended call goes on with its plan',
    file: machine('ending'),
    from: "call.phase = 'ended';\n  call.ends = ends;",
    to: 'call.ends = ends;',
    plan: 'one target',
    world: 'plain',
    faults: 0,
  },
];

export const ENGINE_MUTANTS: EngineMutant[] = [
  {
    name: 'a commit does not look at the version',
    file: '../test/model/reference-store.ts',
    from: 'if (row.version !== version) return false;',
    to: '',
  },
  {
    name: 'an event whose commit lost its race counts as stored',
    file: 'engine/receive.ts',
    from: "if (results[index] !== 'committed') {",
    to: "if (results[index] === ('' as 'committed')) {",
  },
  {
    name: 'a commit of which nothing is known counts as stored',
    file: 'engine/receive.ts',
    from: 'for (const queued of events) queued.reject(error);',
    to: "for (const queued of events) queued.resolve({ result: 'duplicate' });",
  },
  {
    name: 'an outcome is stored without settling its command',
    file: 'engine/receiving/working-unit.ts',
    from: 'if (settle !== null) change.settle.push(settle);',
    to: '',
  },
  {
    name: 'deadlines are no longer looked for after the store failed',
    file: 'engine/repeat.ts',
    from: 'if (!stopped) onError(error);',
    to: 'stopped = true;',
  },
];

const COPIED = [
  'src/core/machine',
  'src/core/recording',
  'src/core/iso-time.ts',
  'src/engine/sending/backoff.ts',
  'src/engine/sending/sending.ts',
  'src/engine/receiving/timeline.ts',
  'src/store/contract/calls.ts',
  'test/model',
  'test/helpers/machine.ts',
];

export const COPIED_FOR_ENGINE = ['src', 'test/model', 'test/helpers'];

/** Copies the machine and the search, with the fault planted; the caller removes the folder. */
export function plant(mutant: EngineMutant, root: string, copied = COPIED): string {
  const folder = mkdtempSync(join(tmpdir(), 'referee-mutant-'));
  try {
    for (const each of copied) cpSync(join(root, each), join(folder, each), { recursive: true });
    rmSync(join(folder, 'test/model/found'), { recursive: true, force: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const path = join(folder, 'src', mutant.file);
    const text = readFileSync(path, 'utf8');
    if (text.split(mutant.from).length !== 2) {
      throw new Error(`${mutant.name}: expected this once in src/${mutant.file}:\n${mutant.from}`);
    }
    writeFileSync(
      path,
      text.replace(mutant.from, () => mutant.to),
    );
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
}
