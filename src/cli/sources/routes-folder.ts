/** Shared by several commands: finds the routes folder and loads it like the server. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withEnvFile } from '../../config/env-file.ts';
import { loadCompiled } from '../../routing/load.ts';
import type { Problem } from '../../routing/problem.ts';
import type { Io } from '../terminal/io.ts';
import { colours, plain } from '../terminal/terminal.ts';
import { widthOf } from '../terminal/text-width.ts';

export interface LoadedFolder {
  dir: string;
  loaded: Awaited<ReturnType<typeof loadCompiled>>;
}

/**
 * A caller cannot wait for a second try, but the answer of a command should not depend on what else
 * the machine does.
 */
const HANDLER_TRIES = 3;

/** Loads the given folder, otherwise ROUTES_DIR, otherwise `routes`, with the server's settings. */
export async function loadFolder(
  asked: string | undefined,
  io: Io,
  nowMs: number,
  options: { hold?: boolean } = {},
): Promise<LoadedFolder> {
  const env = withEnvFile(io.env);
  const dir = asked ?? (env.ROUTES_DIR || 'routes');
  const handlers = (env.ROUTES_HANDLERS ?? 'true').toLowerCase() !== 'false';
  const naming =
    asked !== undefined
      ? 'give the folder with the route files'
      : env.ROUTES_DIR
        ? 'ROUTES_DIR names it: set it to the folder with the route files'
        : 'name the folder with the route files, or set ROUTES_DIR to it';
  const how = { env, handlers, handlerTries: HANDLER_TRIES, nowMs, naming, ...options };
  return { dir, loaded: await loadCompiled(dir, how) };
}

const LINE_SHOWN_MAX = 110;

/** A problem with its source line, a caret under the position, and the hint. */
export async function showProblems(
  dir: string,
  problems: Problem[],
  kind: 'problem' | 'warning',
  io: Io,
): Promise<string> {
  const { bold, dim, red, yellow, cyan } = colours(io);
  const sources = new Map<string, string[]>();
  const word = kind === 'problem' ? red('problem') : yellow('warning');
  let text = '';
  for (const { file, line, column, message, hint } of problems) {
    text += `${bold(`${plain(join(dir, file))}:${line}:${column}`)} ${word} ${plain(message)}\n`;
    const written = (await linesOf(dir, file, sources))[line - 1];
    if (written !== undefined && written.trim() !== '') {
      const from = Math.max(0, column - 1 - LINE_SHOWN_MAX / 2);
      const shown = plain(written.slice(from, from + LINE_SHOWN_MAX).replaceAll('\t', ' '));
      const gutter = String(line);
      text += `  ${dim(`${gutter} |`)} ${from > 0 ? '…' : ''}${shown}\n`;
      const before = shown.slice(0, Math.max(0, column - 1 - from));
      const indent = ' '.repeat(widthOf(before) + (from > 0 ? 1 : 0));
      text += `  ${dim(`${' '.repeat(gutter.length)} |`)} ${indent}${red('^')}\n`;
    }
    if (hint !== '') text += `  ${cyan('hint:')} ${plain(hint)}\n`;
    text += '\n';
  }
  return text;
}

/** Empty for what is no file: a named pipe would be waited for. */
async function textOf(path: string): Promise<string> {
  return (await stat(path)).isFile() ? readFile(path, 'utf8') : '';
}

async function linesOf(dir: string, file: string, known: Map<string, string[]>): Promise<string[]> {
  let lines = known.get(file);
  if (lines === undefined) {
    const text = await textOf(join(dir, file)).catch(() => '');
    lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
    known.set(file, lines);
  }
  return lines;
}
