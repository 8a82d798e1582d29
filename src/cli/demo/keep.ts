/**
 * `referee demo -- --keep`: server and simulator keep running, and you can place more calls by
 * typing.
 */
import { createInterface } from 'node:readline';
import { SCRIPTS, scriptNamed } from '../../simulator/scripts.ts';
import type { PlacedCall } from '../../simulator/simulator.ts';
import { parseLine, scriptOf } from '../simulator/line.ts';
import type { Io } from '../terminal/io.ts';
import type { DemoStage } from './stage.ts';

/** Runs until a signal or "quit". If stdin ends (no terminal), both keep running. */
export async function keepRunning(stage: DemoStage, io: Io, signal: AbortSignal): Promise<void> {
  io.stdout.write(`\n${await invitation(stage)}\n`);
  const lines = createInterface({ input: io.stdin ?? process.stdin });
  const calls: PlacedCall[] = [];
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const quit = new Promise<void>((resolve) => {
    lines.on('line', (text) => {
      if (parseLine(text).do === 'quit') resolve();
      else io.stdout.write(`${obey(text, stage, calls)}\n`);
    });
  });
  await Promise.race([aborted, quit]);
  lines.close();
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

/** `calls`: those that were placed here; the caller of a scripted one has hung up already. */
function obey(text: string, { simulator, url }: DemoStage, calls: PlacedCall[]): string {
  const line = parseLine(text);
  const placed = (call: PlacedCall): string => {
    calls.push(call);
    return `#${call.number} placed: ${url}/v1/calls/${call.callControlId}`;
  };
  switch (line.do) {
    case 'call': {
      const script = line.script === null ? {} : scriptOf(line.script);
      if (typeof script === 'string') return script;
      return placed(simulator.placeCall({ ...script, from: line.from, to: line.to }));
    }
    case 'script': {
      const played = scriptNamed(line.name);
      if (played === undefined) return `no script "${line.name}"; try: scripts`;
      return placed(simulator.placeCall({ ...played.script, name: played.name }));
    }
    case 'hangup': {
      const call = calls.find(({ number }) => number === line.number);
      if (call === undefined) return `no call #${line.number} was placed here`;
      call.hangUp();
      return `#${line.number} hangs up`;
    }
    case 'scripts':
      return SCRIPTS.map(({ name, title }) => `  ${name.padEnd(26)}${title}`).join('\n');
    case 'books':
      return simulator
        .books()
        .map(({ number, from, to, fate }) => `#${number} ${from} -> ${to}  ${fate}`)
        .join('\n');
    case 'help':
      return line.text;
    default:
      return '';
  }
}
