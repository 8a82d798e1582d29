/** What is typed while the simulator runs: calls to place and to end, and what to show. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { askedNumber } from '../../routing/numbers/national.ts';
import { SCRIPTS, scriptNamed } from '../../simulator/scripts.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import type { Io } from '../terminal/io.ts';
import type { CallWatch } from './call-watch.ts';
import { parseLine, type SimulatorLine, scriptOf } from './line.ts';
import type { Sayer } from './say.ts';

/** Where typed calls are added, and looked for to be ended. */
type TypedCalls = Pick<CallWatch, 'add' | 'calls'>;

/**
 * Reads lines from stdin; true means that the simulator is done. When the input ends, running calls
 * are played out; without any input, the API keeps running.
 */
export async function readCalls(
  simulator: Simulator,
  io: Io,
  say: Sayer,
  calls: TypedCalls,
  signal: AbortSignal,
): Promise<boolean> {
  // A signal during the start is not announced again.
  if (signal.aborted) return true;
  const lines = createInterface({ input: io.stdin ?? process.stdin });
  signal.addEventListener('abort', () => lines.close(), { once: true });
  for await (const text of lines) {
    const line = parseLine(text);
    if (line.do === 'quit') return true;
    obey(line, simulator, say, calls);
  }
  if (!signal.aborted && calls.calls().length === 0) await once(signal, 'abort');
  return signal.aborted;
}

function obey(line: SimulatorLine, simulator: Simulator, say: Sayer, calls: TypedCalls): void {
  switch (line.do) {
    case 'call': {
      const script = line.script === null ? {} : scriptOf(line.script);
      if (typeof script === 'string') say.problem(script);
      else {
        const [from, to] = [askedNumber(line.from, null), askedNumber(line.to, null)];
        const keys = line.digits === undefined ? {} : { digits: line.digits };
        calls.add(simulator.placeCall({ ...script, ...keys, from, to }));
      }
      return;
    }
    case 'script': {
      const played = scriptNamed(line.name);
      if (played === undefined) say.problem(`no script "${line.name}"; try: scripts`);
      else calls.add(simulator.placeCall({ ...played.script, name: played.name }));
      return;
    }
    case 'hangup': {
      const call = calls.calls().find(({ number }) => number === line.number);
      if (call === undefined) {
        say.problem(`no call #${line.number} was placed here`);
        return;
      }
      say.text(`#${line.number} hangs up`);
      call.hangUp();
      return;
    }
    case 'scripts':
      for (const { name, title } of SCRIPTS) say.text(`  ${name.padEnd(26)}${title}`);
      return;
    case 'books':
      for (const book of simulator.books()) say.book(book);
      if (simulator.books().length === 0) say.text('No call has been placed.');
      return;
    case 'help':
      say.text(line.text);
      return;
    case 'quit':
    case 'nothing':
      return;
  }
}
