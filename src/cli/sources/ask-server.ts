/** For commands that always ask a running server, in the name of the token's owner. */
import { withEnvFile } from '../../config/env-file.ts';
import { RefereeError } from '../../errors.ts';
import type { Io } from '../terminal/io.ts';
import { plain, plainLines } from '../terminal/terminal.ts';
import {
  checkedServer,
  ownAddress,
  type Server,
  ServerRefused,
  serverOf,
  tokenOf,
  wrongUrl,
} from './server.ts';

const TIMEOUT_MS = 10_000;

export const SERVER_OPTION = [
  '--server <url>',
  'where the server serves its API; default: REFEREE_URL, otherwise HOST and ADMIN_PORT or PORT',
] as const;

export const SERVER_HELP =
  '\nIt needs REFEREE_TOKEN or ADMIN_TOKEN.\nExit code: 0 done, 1 refused or failed, 2 wrong usage.';

export interface Asking {
  command: string;
  /** `--server` */
  server: string | undefined;
  io: Io;
}

/**
 * Returns the exit code: 0 if `use` resolves; otherwise the refusal is printed and its code
 * returned.
 */
export async function askServer(
  { command, server, io }: Asking,
  use: (server: Server) => Promise<void>,
): Promise<number> {
  const refuse = (why: string, code: number): number => {
    io.stderr.write(`referee ${command}: ${why}\n`);
    return code;
  };
  const wrong = server === undefined ? null : wrongUrl({ url: server, namedBy: '--server' });
  if (wrong !== null) return refuse(wrong, 2);
  try {
    await use(serverFor(server, io));
    return 0;
  } catch (error) {
    if (!(error instanceof RefereeError)) throw error;
    const detail = error instanceof ServerRefused ? error.detail : null;
    return refuse(detail === null ? plainLines(error) : plain(detail), 1);
  }
}

function serverFor(wanted: string | undefined, io: Io): Server {
  const env = withEnvFile(io.env);
  const common = { token: tokenOf(env), timeoutMs: TIMEOUT_MS };
  if (wanted !== undefined) return checkedServer({ ...common, url: wanted, namedBy: '--server' });
  const named = serverOf(io, TIMEOUT_MS);
  if (named !== null) return named;
  const { HOST = '', PORT, ADMIN_PORT } = env;
  const port = ADMIN_PORT ? 'ADMIN_PORT' : 'PORT';
  const own = ownAddress(HOST, ADMIN_PORT || PORT || '3000');
  return checkedServer({ ...common, url: own, namedBy: `HOST and ${port}` });
}
