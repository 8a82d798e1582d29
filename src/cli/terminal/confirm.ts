/**
 * Asks a person before something is changed or costs money. Without a terminal nobody can confirm.
 */
import { createInterface } from 'node:readline/promises';
import type { Io } from './io.ts';

/** The question goes to stderr, so that piped output stays clean. */
export async function confirm(
  question: string,
  options: { yes?: boolean; json?: boolean; signal?: AbortSignal },
  io: Io,
): Promise<'yes' | 'no' | 'nobody'> {
  if (options.yes === true) return 'yes';
  const input = io.stdin ?? process.stdin;
  const isPerson = io.stdin !== undefined || process.stdin.isTTY === true;
  if (!io.isTTY || !isPerson || options.json === true) return 'nobody';
  if (options.signal?.aborted) return 'no';
  const lines = createInterface({ input });
  try {
    io.stderr.write(`${question} [y/N] `);
    // A closed input and Ctrl-C both mean no.
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    options.signal?.addEventListener('abort', () => lines.close(), { once: true });
    const line = await Promise.race([lines.question(''), closed]);
    return /^y(es)?$/i.test(line.trim()) ? 'yes' : 'no';
  } finally {
    lines.close();
  }
}
