/** Prints a table that fits the terminal: the least important columns are dropped first. */
import { withEnvFile } from '../../config/env-file.ts';
import type { Io } from './io.ts';
import { padded, widthOf } from './text-width.ts';

const WIDTH_DEFAULT = 80;

/**
 * COLUMNS, otherwise the terminal's width; null if the output is not a terminal, so nothing is
 * dropped.
 */
export function terminalWidth(io: Io): number | null {
  if (!io.isTTY) return null;
  const said = Number(withEnvFile(io.env).COLUMNS);
  return said >= 1 ? Math.floor(said) : process.stdout.columns || WIDTH_DEFAULT;
}

interface TableLook {
  /** The terminal's width; null: all columns are shown. */
  width: number | null;
  /** Titles of columns that may be dropped, the least important first. */
  givenUp: readonly string[];
  /** Title of the column that is shortened if that is not enough; default: the first. */
  shortened?: string;
  /** `right` aligns numbers; the first column is always aligned left. */
  align: 'left' | 'right';
}

/**
 * The first row holds the titles. If no more columns can be dropped, one is shortened.
 */
export function tableLines(rows: string[][], look: TableLook): string[] {
  const { width, givenUp, shortened, align } = look;
  const [titles = []] = rows;
  const widths = titles.map((_, column) =>
    Math.max(...rows.map((row) => widthOf(row[column] ?? ''))),
  );
  const shown = new Set(titles.keys());
  const taken = (): number =>
    [...shown].reduce((sum, column) => sum + (widths[column] ?? 0), 2 * (shown.size - 1));
  for (const title of givenUp) {
    if (width === null || taken() <= width) break;
    shown.delete(titles.indexOf(title));
  }
  const cut = shortened === undefined ? 0 : titles.indexOf(shortened);
  const whole = widths[cut] ?? 0;
  if (width !== null && taken() > width) {
    widths[cut] = Math.min(whole, Math.max(SHORTENED_MINIMUM, whole - (taken() - width)));
  }
  return rows.map((row) =>
    [...shown]
      .map((column) => {
        const room = widths[column] ?? 0;
        return padded(row[column] ?? '', room, column === 0 ? 'left' : align);
      })
      .join('  ')
      .trimEnd(),
  );
}

const SHORTENED_MINIMUM = 6;
