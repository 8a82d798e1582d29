/** Text for a terminal: colours, and nothing in it that the terminal would obey. */
import type { Io } from './io.ts';

/** Only on a terminal, and not if the user wants none: https://no-color.org. */
export function isColoured(io: Pick<Io, 'isTTY' | 'env'>): boolean {
  return io.isTTY && !io.env.NO_COLOR;
}

export function colours(io: Io) {
  const coloured = isColoured(io);
  const paint = (code: number) => (text: string) =>
    coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
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

/** Unlike `plain`, keeps the tabs and line ends of CSV: a cell may hold some. */
export function plainCsv(csv: string): string {
  return csv.replace(UNSAFE, (character, at: number) => {
    const isKept = character === '\t' || character === '\n' || csv.startsWith('\r\n', at);
    return isKept ? character : '\ufffd';
  });
}

/** Makes texts from callers and files safe for a terminal. */
export function plain(text: string): string {
  return text.replace(UNSAFE, '\ufffd');
}

/** The same for several lines, such as the message of an error that lists problems. */
export function plainLines({ message }: Pick<Error, 'message'>): string {
  return message.split('\n').map(plain).join('\n');
}
