/**
 * `referee demo -- --keep`: server and simulator keep running, and you can place more calls by
 * typing.
 */
import { once } from 'node:events';
import type { PlacedCall } from '../../simulator/simulator.ts';
import { sayer } from '../simulator/say.ts';
import { readCalls } from '../simulator/typed.ts';
import type { Io } from '../terminal/io.ts';
import type { DemoStage } from './stage.ts';

/** Runs until a signal or "quit". If stdin ends (no terminal), both keep running. */
export async function keepRunning(stage: DemoStage, io: Io, signal: AbortSignal): Promise<void> {
  io.stdout.write(`\n${await invitation(stage)}\n`);
  const { simulator, url } = stage;
  const say = sayer(false, io);
  // Only those placed here: the caller of a scripted one has hung up already.
  const placed: PlacedCall[] = [];
  const calls = {
    calls: () => placed,
    add(call: PlacedCall) {
      placed.push(call);
      say.text(`#${call.number} placed: ${url}/v1/calls/${call.callControlId}`);
    },
  };
  const isOver = await readCalls(simulator, io, say, calls, signal);
  if (!isOver) await once(signal, 'abort');
}

async function invitation({ url, adminToken, simulator, logFile }: DemoStage): Promise<string> {
  const page = await fetch(`${url}/`).catch(() => null);
  const call = simulator.books()[0]?.callControlId ?? '';
  const curl = `curl -s -H 'Authorization: Bearer ${adminToken}' ${url}`;
  return `${page?.ok ? `Open             ${url}/\n` : ''}Token            ${adminToken}
Server log       ${logFile}

All calls        ${curl}/v1/calls
One call         ${curl}/v1/calls/${call}
What changes     ${curl}/v1/events -N
Metrics          ${curl}/metrics

Place another call by typing, Ctrl-C ends:
  call +14155550123 +14155550100 busy,completed
  script no-notify        ("scripts" lists them)`;
}
