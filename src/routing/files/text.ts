/** Decodes the bytes of an operator's file, or reports a problem at the first invalid byte. */
import type { Problems } from '../problem.ts';

/** C0, DEL, C1 and non-characters. A carriage return is only allowed before a line feed. */
const CONTROL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]|\r(?!\n)/;

const UTF8_BYTES_MAX = 4;
/** Decoded between two yields; takes about a millisecond. */
const PIECE_BYTES = 256 * 1024;

/** UTF-8 without control characters, or a problem. Yields regularly, see slices.ts. */
export function* decodeText(
  file: string,
  bytes: Uint8Array,
  problems: Problems,
): Generator<void, string | null> {
  return (yield* decodePieces(file, bytes, problems))?.join('') ?? null;
}

/**
 * The same in pieces, which end anywhere in a line: to join those of 14 MB takes 40 ms in one go.
 */
export function* decodePieces(
  file: string,
  bytes: Uint8Array,
  problems: Problems,
): Generator<void, string[] | null> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const pieces: string[] = [];
  // A carriage return at the end of a piece, whose line feed may begin the next one.
  let held = '';
  for (let from = 0; from < bytes.byteLength; from += PIECE_BYTES) {
    const last = from + PIECE_BYTES >= bytes.byteLength;
    let piece: string;
    try {
      const part = bytes.subarray(from, from + PIECE_BYTES);
      piece = held + decoder.decode(part, { stream: !last });
    } catch {
      const place = { file, ...placeOf(goodPrefix(bytes, from)) };
      problems.problem(place, 'not UTF-8 text', 'save the file as UTF-8');
      return null;
    }
    held = !last && piece.endsWith('\r') ? '\r' : '';
    if (held !== '') piece = piece.slice(0, -1);
    const control = CONTROL.exec(piece);
    if (control !== null) {
      const place = { file, ...placeOf(pieces.join('') + piece.slice(0, control.index)) };
      const { problem, hint } = control[0] === '\r' ? LONE_RETURN : strange(control[0]);
      problems.problem(place, problem, hint);
      return null;
    }
    pieces.push(piece);
    yield;
  }
  return pieces;
}

/** A file as old Macs and some exports write it consists of a single line. */
export const LONE_RETURN = {
  problem: 'a line ends with a carriage return alone',
  hint: 'save the file with the line ends of Unix or Windows (LF or CRLF)',
};

function strange(character: string): { problem: string; hint: string } {
  const code = character.charCodeAt(0).toString(16).padStart(2, '0');
  return { problem: `a control character (0x${code})`, hint: 'remove it' };
}

/** Invalid UTF-8 is replaced by U+FFFD. Yields regularly, see slices.ts. */
export function* readableText(bytes: Uint8Array): Generator<void, string> {
  const decoder = new TextDecoder('utf-8');
  let text = '';
  for (let from = 0; from < bytes.byteLength; from += PIECE_BYTES) {
    const last = from + PIECE_BYTES >= bytes.byteLength;
    text += decoder.decode(bytes.subarray(from, from + PIECE_BYTES), { stream: !last });
    yield;
  }
  return text;
}

/** The decoded text up to `before`, without a character that is incomplete there. */
function goodPrefix(bytes: Uint8Array, before: number): string {
  let start = Math.max(0, before - UTF8_BYTES_MAX);
  while (start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  // The decoder does not say where the error is, so bisect for the longest valid prefix.
  let good = start;
  let bad = Math.min(bytes.byteLength, before + PIECE_BYTES);
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      const part = bytes.subarray(start, middle);
      new TextDecoder('utf-8', { fatal: true }).decode(part, { stream: true });
      good = middle;
    } catch {
      bad = middle;
    }
  }
  return new TextDecoder().decode(bytes.subarray(0, good), { stream: true });
}

function placeOf(before: string): { line: number; column: number } {
  const lastBreak = before.lastIndexOf('\n');
  return { line: before.split('\n').length, column: before.length - lastBreak };
}
