/**
 * Comma-separated values according to RFC 4180. By hand and not with csv-parse, because a table of
 * a million rows is kept as its text: the loader needs the offset of each row, continues after a
 * faulty row, and a decision parses one row again.
 */

export interface CsvRecord {
  cells: string[];
  /** Where the next record begins; after the last one, the length of the text. */
  next: number;
  /** Line feeds in the record, including the one that ends it. */
  lines: number;
  fault: CsvFault | null;
}

export interface CsvFault {
  /** Offset in the text. */
  at: number;
  problem: string;
  hint: string;
}

/** A quoted cell longer than this was probably never closed. */
const CELL_CHARS_MAX = 4_096;

/**
 * Reads the record that begins at `start`. After a faulty record the next one begins on the next
 * line.
 */
export function readRecord(text: string, start: number): CsvRecord {
  const end = lineEnd(text, start);
  const line = text.slice(start, end - (text[end - 1] === '\r' ? 1 : 0));
  // Most rows have no quotes.
  if (!line.includes('"')) return { cells: line.split(','), next: end + 1, lines: 1, fault: null };
  const cells: string[] = [];
  let at = start;
  let lines = 1;
  for (;;) {
    const cell = text[at] === '"' ? quotedCell(text, at) : plainCell(text, at);
    if ('problem' in cell) return { cells, next: end + 1, lines: 1, fault: cell };
    cells.push(cell.text);
    lines += cell.lines;
    if (text[cell.end] !== ',') {
      const crlf = text[cell.end] === '\r' ? 1 : 0;
      return { cells, next: cell.end + crlf + 1, lines, fault: null };
    }
    at = cell.end + 1;
  }
}

interface Cell {
  text: string;
  /** The offset of the comma, of the line end, or of the end of the text after the cell. */
  end: number;
  lines: number;
}

function plainCell(text: string, start: number): Cell | CsvFault {
  let end = start;
  while (end < text.length && text[end] !== ',' && !isLineEnd(text, end)) {
    if (text[end] === '"') {
      if (text.slice(start, end).trim() === '') {
        const problem = 'there is a space between a comma and the quote that begins a cell';
        return { at: start, problem, hint: 'remove the space' };
      }
      const problem = 'a quote is inside a cell that does not begin with one';
      return {
        at: end,
        problem,
        hint: 'put the whole cell in quotes, and write each quote in it twice',
      };
    }
    end += 1;
  }
  return { text: text.slice(start, end), end, lines: 0 };
}

function quotedCell(text: string, start: number): Cell | CsvFault {
  let inner = '';
  for (let from = start + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote < 0 || quote - start > CELL_CHARS_MAX) {
      const problem =
        quote < 0
          ? 'a quote is not closed'
          : `a quote is not closed within ${CELL_CHARS_MAX} characters`;
      return {
        at: start,
        problem,
        hint: 'a cell in quotes ends with a quote; one inside it is written twice',
      };
    }
    inner += text.slice(from, quote);
    if (text[quote + 1] === '"') {
      inner += '"';
      from = quote + 2;
      continue;
    }
    const end = quote + 1;
    if (end < text.length && text[end] !== ',' && !isLineEnd(text, end)) {
      const problem = 'there is text between the quote that closes a cell and the next comma';
      return { at: end, problem, hint: 'write a quote inside a cell twice' };
    }
    return { text: inner, end, lines: lineFeeds(inner) };
  }
}

function isLineEnd(text: string, at: number): boolean {
  return text[at] === '\n' || (text[at] === '\r' && text[at + 1] === '\n');
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function lineFeeds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
