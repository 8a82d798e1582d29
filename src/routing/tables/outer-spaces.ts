/**
 * Cells that begin or end with a space: in `+4930901820, 201` it belongs to the cell (RFC 4180),
 * and a destination gets it encoded. In quotes it is meant.
 */
import { counted } from '../../core/counted.ts';
import { quoted } from '../numbers/number.ts';
import type { Place, Problems } from '../problem.ts';

export interface OuterSpaces {
  /** Notes a row. `written`: the row as it is in the file. */
  note(
    cells: readonly string[],
    row: { written: () => string; columns: readonly string[]; here: Place },
  ): void;
  report(problems: Problems): void;
}

export function outerSpaces(): OuterSpaces {
  let first: { here: Place; column: string } | null = null;
  let more = 0;
  return {
    note(cells, { written, columns, here }) {
      if (!cells.some(hasOuterSpace)) return;
      const bare = written()
        .replace(/\r?\n$/, '')
        .replace(QUOTED_CELLS, '$1');
      const index = bare.split(',').findIndex(hasOuterSpace);
      if (index < 0) return;
      if (first === null) first = { here, column: quoted(columns[index] ?? '') };
      else more += 1;
    },
    report(problems) {
      if (first === null) return;
      const others = more === 0 ? '' : ` (and so do cells of ${counted(more, 'more row')})`;
      problems.warning(
        first.here,
        `the cell ${first.column} begins or ends with a space, which is part of its value${others}`,
        'remove it, or put the cell in quotes if it is meant',
      );
    },
  };
}

function hasOuterSpace(cell: string): boolean {
  return cell !== cell.trim();
}

const QUOTED_CELLS = /(^|,)"(?:[^"]|"")*"/g;
