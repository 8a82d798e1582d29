/** The lines that a running `referee simulator` understands. */
import { type CallScript, FAR_END_NAMES, type FarEndScript } from '../../simulator/script.ts';
import { scriptNamed } from '../../simulator/scripts.ts';

export type SimulatorLine =
  | { do: 'call'; from: string; to: string; script: string | null; digits?: string[] }
  | { do: 'script'; name: string }
  | { do: 'hangup'; number: number }
  | { do: 'scripts' | 'books' | 'quit' | 'nothing' }
  | { do: 'help'; text: string };

const HELP = `call <from> <to> [results]   results of the REFERs in order, and the same of the transfers, with
                             commas: completed busy no_answer declined not_found not_allowed
                             server_error silent bye rejected, or a SIP status; or a script's name
     … digits=2,1            the caller presses 2 in the first menu or try, then 1
script <name>                a scripted call; "scripts" lists them
hangup <n>                   caller #n hangs up
books                        what really happened to each caller
quit`;

const DIGITS = 'digits=';

export function parseLine(text: string): SimulatorLine {
  const [word = '', ...rest] = text.trim().split(/\s+/);
  switch (word) {
    case '':
      return { do: 'nothing' };
    case 'call': {
      const keys = rest.filter((part) => part.startsWith(DIGITS));
      const [from, to, script, ...more] = rest.filter((part) => !part.startsWith(DIGITS));
      if (from === undefined || to === undefined) return misread('call needs two numbers');
      if (more.length > 0) {
        return misread(`"${more.join(' ')}" is not understood: results have commas and no spaces`);
      }
      const digits = keys[0]?.slice(DIGITS.length).split(',');
      if (keys.length > 1 || digits?.every((keys) => /^[0-9*#]+$/.test(keys)) === false) {
        return misread(
          'digits are the keys 0 to 9, * and #, with a comma between menus: digits=2,1',
        );
      }
      const call = { do: 'call' as const, from, to, script: script ?? null };
      return digits === undefined ? call : { ...call, digits };
    }
    case 'script':
      return { do: 'script', name: rest[0] ?? '' };
    case 'hangup':
      return { do: 'hangup', number: Number((rest[0] ?? '').replace('#', '')) };
    case 'scripts':
    case 'books':
    case 'quit':
      return { do: word };
    case 'help':
      return { do: 'help', text: HELP };
    default:
      return misread(`"${word}" is not understood`);
  }
}

function misread(why: string): SimulatorLine {
  return { do: 'help', text: `${why}\n${HELP}` };
}

/** The script of that name, or one of results. */
export function scriptOf(text: string): CallScript | string {
  return scriptNamed(text)?.script ?? parseFarEnds(text);
}

/** `busy,completed`, for both REFERs and transfers; returns a text if a word is unknown. */
export function parseFarEnds(text: string): CallScript | string {
  const ends: FarEndScript[] = [];
  for (const word of text.split(',')) {
    const name = FAR_END_NAMES.find((known) => known === word);
    if (name !== undefined) ends.push(name);
    else if (/^[2-6]\d\d$/.test(word)) ends.push(Number(word));
    else {
      return `"${word}" is neither a script nor a result. Results: ${FAR_END_NAMES.join(', ')}, or a SIP status from 200.`;
    }
  }
  return { refers: ends, transfers: ends };
}
