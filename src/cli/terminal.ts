/** Text for a terminal: colours, and nothing in it that the terminal would obey. */
import type { Io } from './io.ts';

/** Colours only on a terminal. */
export function colours(io: Io) {
  const paint = (code: number) => (text: string) =>
    io.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text;
  return {
    bold: paint(1),
    dim: paint(2),
    red: paint(31),
    green: paint(32),
    yellow: paint(33),
    cyan: paint(36),
  };
}

/** Control characters, Unicode line separators and bidirectional marks. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Makes texts from callers and files safe for a terminal. */
export function plain(text: string): string {
  return text.replace(UNSAFE, '\ufffd');
}
