/** Prints one document from the server or the database: as JSON like the API, as CSV or as text. */
import { RefereeError } from '../../errors.ts';
import { percentOf } from '../../page/words/percent.js';
import { type Io, jsonText } from '../terminal/io.ts';
import { terminalWidth } from '../terminal/table.ts';
import { plain, plainCsv, plainLines } from '../terminal/terminal.ts';
import { type Documents, withDocuments } from './documents.ts';

export interface Shown<Document> {
  command: string;
  read(documents: Documents): Promise<Document>;
  csv(document: Document): string;
  /** `width` as for `tableLines`. */
  text(document: Document, width: number | null): string;
}

/** Returns the exit code. */
export async function showDocument<Document>(
  { command, read, csv, text }: Shown<Document>,
  options: { json?: boolean; csv?: boolean },
  io: Io,
): Promise<number> {
  try {
    const document = await withDocuments(io, read);
    if (options.csv) io.stdout.write(plainCsv(csv(document)));
    else if (options.json) io.stdout.write(`${jsonText(document)}\n`);
    else io.stdout.write(`${text(document, terminalWidth(io))}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof RefereeError)) throw error;
    io.stderr.write(`referee ${command}: ${plainLines(error)}\n`);
    return 1;
  }
}

export function percent(rate: number | null): string {
  return rate === null ? '-' : percentOf(rate);
}

/** Amounts are decimal text and are not converted. */
export function money(costs: readonly { currency: string; amount: string }[]): string {
  return plain(costs.map(({ amount, currency }) => `${amount} ${currency}`).join(', ')) || '-';
}
