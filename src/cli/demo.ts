/**
 * `referee demo`: the real server and the Telnyx simulator with scripted callers. Each must end as
 * scripted according to both the server and the simulator. It needs no account and no network.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { counted } from '../core/counted.ts';
import { type PlayedCall, SCRIPTS } from '../simulator/scripts.ts';
import type { PlacedCall } from '../simulator/simulator.ts';
import type { ApiCall } from './demo/call.ts';
import { disagreements } from './demo/judge.ts';
import { keepRunning } from './demo/keep.ts';
import { createScreen, type Screen } from './demo/screen.ts';
import { type DemoStage, setDemoStage } from './demo/stage.ts';
import type { Documents } from './sources/documents.ts';
import { serverAt } from './sources/server.ts';
import { documentsOf } from './sources/server-documents.ts';
import type { Io } from './terminal/io.ts';
import { stopSignal } from './terminal/stop-signal.ts';

interface DemoOptions {
  keep: boolean;
  json: boolean;
}

/** The result of one call. */
export interface Played {
  number: number;
  script: PlayedCall;
  call: ApiCall | null;
  problems: string[];
}

/** The interval between callers: two or three calls at a time, and all of them within 15 s. */
const CALL_EVERY_MS = 900;
const LOOK_EVERY_MS = 80;
/** After this time the demo reports a call as not ended instead of waiting for ever. */
const ALL_ENDED_WITHIN_MS = 27_000;
/** Time after the last hangup for late final events and delayed copies. */
const TAIL_MS = 300;

export function demoCommand(program: Command, io: Io): void {
  program
    .command('demo')
    .description('run the server, a Telnyx simulator and scripted callers in this process')
    .option('--keep', 'keep both running afterwards, and print the addresses to open', false)
    .option('--json', 'print one JSON document at the end instead of a timeline', false)
    .action(async (options: DemoOptions) => {
      process.exitCode = await runDemo(options, io);
    });
}

/** The exit code. */
async function runDemo(options: DemoOptions, io: Io): Promise<number> {
  using stopping = stopSignal(io.env);
  const stage = await setDemoStage().catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    io.stderr.write(`referee demo: it cannot start: ${why}\n`);
    return null;
  });
  if (stage === null) return 1;
  const screen = createScreen(io, options.json);
  // Null until every call was judged: then Ctrl-C ends what --keep has kept, and nothing else.
  let good: boolean | null = null;
  try {
    screen.opened(stage);
    const played = await play(stage, screen, stopping.signal);
    const doctor = await stage.doctor(io);
    good = screen.closed(played, stage.simulator.books(), strayProblems(stage), doctor);
    if (options.keep && !stopping.signal.aborted) await keepRunning(stage, io, stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  } finally {
    const keepFolder = good !== true && !stopping.signal.aborted;
    await stage.close(keepFolder);
    if (keepFolder) io.stderr.write(`The server's log and database are kept: ${stage.folder}\n`);
  }
  if (good !== null) return good ? 0 : 1;
  io.stderr.write('referee demo: stopped before the end; nothing of it is left.\n');
  return stopping.signal.reason === 'SIGINT' ? 130 : 143;
}

/** Places one call after the other and prints their timelines, in the order of events. */
async function play(stage: DemoStage, screen: Screen, signal: AbortSignal): Promise<Played[]> {
  const { url, adminToken: token } = stage;
  const server = documentsOf(serverAt({ url, token, namedBy: 'the demo' }));
  const { simulator } = stage;
  const calls: { placed: PlacedCall; script: PlayedCall }[] = [];
  const placing = (async () => {
    for (const script of SCRIPTS) {
      if (calls.length > 0) await pause(CALL_EVERY_MS, undefined, { signal });
      const placed = simulator.placeCall({ ...script.script, name: script.name });
      calls.push({ placed, script });
      screen.placed(placed.number, script);
    }
    await Promise.all(calls.map(({ placed }) => placed.ended));
  })();
  const watching = watch(server, calls, screen);
  try {
    await Promise.race([placing, pause(ALL_ENDED_WITHIN_MS, undefined, { signal, ref: false })]);
    while (simulator.unfinishedDeliveries() > 0) await pause(LOOK_EVERY_MS, undefined, { signal });
    await pause(TAIL_MS, undefined, { signal });
  } finally {
    placing.catch(() => {});
    await watching.stop();
  }
  return Promise.all(
    calls.map(async ({ placed, script }) => {
      const call = await server.call(placed.callControlId);
      const problems = disagreements(script, call, placed.book);
      return { number: placed.number, script, call, problems };
    }),
  );
}

function watch(server: Pick<Documents, 'call'>, calls: { placed: PlacedCall }[], screen: Screen) {
  const told = new Set<string>();
  let stopped = false;
  const watching = (async () => {
    for (;;) {
      const last = stopped;
      const fresh = (
        await Promise.all(
          calls.map(async ({ placed }) => {
            const call = await server.call(placed.callControlId);
            const entries = call?.timeline ?? [];
            return entries.flatMap((entry) => {
              const key = `${placed.number} ${entry.source} ${entry.type} ${entry.id}`;
              if (call === null || told.has(key)) return [];
              told.add(key);
              return [{ number: placed.number, call, entry }];
            });
          }),
        )
      ).flat();
      fresh.sort((a, b) => a.entry.at.localeCompare(b.entry.at));
      for (const { number, call, entry } of fresh) screen.entry(number, call, entry);
      if (last) return;
      await pause(LOOK_EVERY_MS);
    }
  })();
  // Its rejection is handled where it is stopped; until then it has no other listener.
  watching.catch(() => {});
  return {
    stop() {
      stopped = true;
      return watching;
    },
  };
}

function strayProblems({ simulator }: DemoStage): string[] {
  const strays = simulator.strayRequests().length;
  return strays === 0
    ? []
    : [
        `${counted(strays, 'command was', 'commands were')} for calls that the simulator does not know`,
      ];
}
