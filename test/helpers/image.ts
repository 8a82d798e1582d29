/**
 * Builds the image without a container engine, by running the Dockerfile's steps in a folder that
 * stands for its root. COPY copies what .dockerignore lets through; RUN runs the script it names;
 * ENV, USER, WORKDIR, ENTRYPOINT and HEALTHCHECK are stored for starting it. The base image is just
 * Node.
 */

import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  cp,
  link,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, matchesGlob } from 'node:path';
import { execForm, type Instruction, parseDockerfile, type Stage } from './dockerfile.ts';

const REPOSITORY = join(import.meta.dirname, '../..');

export interface Image {
  /** The folder that stands for `/`. */
  root: string;
  /** The real path of a path in the image. */
  path(inImage: string): string;
  env: Record<string, string>;
  /** Starts a command as the image's user on a read-only root; only `/data` can be written. */
  run(command: string[], env?: Record<string, string>): ChildProcess;
  entrypoint: string[];
  healthcheck: string[];
  user: { uid: number; gid: number };
  remove(): Promise<void>;
}

const isRoot = process.getuid?.() === 0;
/**
 * Some sandboxes have no mount namespaces; there, only file permissions make the tree read-only.
 */
const canMount =
  isRoot && spawnSync('unshare', ['--mount', 'mount', '--bind', '/tmp', '/tmp']).status === 0;

export async function buildImage(): Promise<Image> {
  const root = await mkdtemp(join(tmpdir(), 'referee-image-'));
  await chmod(root, 0o755);
  const files = await contextFiles();
  const { stages } = parseDockerfile(await readFile(join(REPOSITORY, 'Dockerfile'), 'utf8'));
  const roots = new Map<string, string>();
  for (const stage of stages) {
    const folder = join(root, stage.name ?? 'final');
    await mkdir(join(folder, 'usr/local/bin'), { recursive: true });
    const node = join(folder, 'usr/local/bin/node');
    await link(process.execPath, node).catch(() => copyFile(process.execPath, node));
    roots.set(stage.name ?? 'final', folder);
    await build(stage, folder, files, roots);
  }
  const final = stages.at(-1);
  const folder = roots.get(final?.name ?? 'final');
  if (final === undefined || folder === undefined) throw new Error('the Dockerfile has no stage');
  return imageOf(final, folder, root);
}

/** The build context: files that git tracks or would add, and that .dockerignore lets through. */
async function contextFiles(): Promise<string[]> {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  const ignore = (await readFile(join(REPOSITORY, '.dockerignore'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return listed.split('\n').filter((file) => file !== '' && !isIgnored(file, ignore));
}

/** The last matching pattern decides; a folder's pattern also matches its contents. */
export function isIgnored(file: string, patterns: string[]): boolean {
  let ignored = false;
  for (const line of patterns) {
    const pattern = line.replace(/^!/, '');
    const fits =
      pattern === '*' || matchesGlob(file, pattern) || matchesGlob(file, `${pattern}/**`);
    if (fits) ignored = !line.startsWith('!');
  }
  return ignored;
}

async function build(
  stage: Stage,
  folder: string,
  files: string[],
  roots: Map<string, string>,
): Promise<void> {
  let workdir = '/';
  for (const { keyword, rest, line } of stage.instructions) {
    if (keyword === 'WORKDIR') {
      workdir = rest;
      await mkdir(join(folder, workdir), { recursive: true });
    } else if (keyword === 'COPY') {
      await copy(rest, join(folder, workdir), files, roots);
    } else if (keyword === 'RUN') {
      const words = execForm(rest);
      if (words === null) throw new Error(`Dockerfile:${line}: RUN is not in exec form`);
      if (words[1] === 'docker/install.sh' && words[3] === 'all') {
        // Links node_modules instead of installing half a gigabyte again from the same lock file.
        // Above it, where npm does not read all of them to learn which it has to pack.
        await symlink(join(REPOSITORY, 'node_modules'), join(folder, workdir, '../node_modules'));
        continue;
      }
      const [command = '', ...args] = words.map((word) => here(word, folder));
      execFileSync(command, args, {
        cwd: join(folder, workdir),
        env: { ...process.env, PATH: pathOf(folder) },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    }
  }
}

/** Translates absolute paths of the image, and its user if we may not change to it. */
function here(word: string, folder: string): string {
  if (word.startsWith('/')) return join(folder, word);
  if (/^\d+:\d+$/.test(word) && !isRoot) return `${process.getuid?.()}:${process.getgid?.()}`;
  return word;
}

async function copy(
  rest: string,
  workdir: string,
  files: string[],
  roots: Map<string, string>,
): Promise<void> {
  const words = rest.split(' ');
  const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : null;
  const target = words.pop() ?? '';
  if (from !== null && from !== undefined) {
    const [source = ''] = words;
    const taken = join(roots.get(from) ?? from, source);
    const to = join(workdir, target);
    // Nobody takes anything from a stage twice, and to copy all packages takes as long as all else.
    if (existsSync(to)) await cp(taken, to, { recursive: true, verbatimSymlinks: true });
    else await rename(taken, to);
    return;
  }
  for (const source of words) {
    const inFolder = files.filter((file) => file.startsWith(`${source}/`));
    if (inFolder.length === 0 && !files.includes(source)) {
      throw new Error(`COPY ${source}: not there, or kept away by .dockerignore`);
    }
    for (const file of inFolder) {
      await place(file, join(workdir, target, file.slice(source.length + 1)));
    }
    if (inFolder.length === 0) {
      const isFolder = target.endsWith('/') || target === '.';
      await place(source, join(workdir, target, isFolder ? basename(source) : ''));
    }
  }
}

async function place(file: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await copyFile(join(REPOSITORY, file), target);
}

function imageOf(stage: Stage, folder: string, root: string): Image {
  const last = (keyword: string): string =>
    stage.instructions.findLast((it: Instruction) => it.keyword === keyword)?.rest ?? '';
  const workdir = join(folder, last('WORKDIR'));
  const [uid = 0, gid = 0] = isRoot
    ? last('USER').split(':').map(Number)
    : [process.getuid?.(), process.getgid?.()];
  const set: Record<string, string> = {};
  for (const { keyword, rest } of stage.instructions) {
    if (keyword !== 'ENV') continue;
    for (const [, name = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/g)) {
      set[name] = value.replace(/^(sqlite:)?(\/.+)$/, (_, scheme = '', path: string) => {
        return `${scheme}${join(folder, path)}`;
      });
    }
  }
  return {
    root: folder,
    path: (inImage) => join(folder, inImage),
    env: set,
    entrypoint: execForm(last('ENTRYPOINT')) ?? [],
    healthcheck: execForm(last('HEALTHCHECK').replace(/^.*?CMD /, '')) ?? [],
    user: { uid, gid },
    run(command, env = {}) {
      const asUser = isRoot
        ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs']
        : [];
      const words = [...(canMount ? readOnly(folder) : []), ...asUser, ...command];
      return spawn(words[0] ?? '', words.slice(1), {
        cwd: workdir,
        env: { PATH: pathOf(folder), HOME: '/nonexistent', ...set, ...env },
      });
    },
    async remove() {
      await rm(root, { recursive: true, force: true });
    },
  };
}

/**
 * Like `docker run --read-only`: everything except the volume is read-only, even the temporary
 * folder.
 */
function readOnly(folder: string): string[] {
  const script = `
    mount --bind "$0" "$0" && mount --bind "$0/data" "$0/data"
    mount -o remount,ro,bind "$0" && mount -o remount,ro,bind /
    exec "$@"`;
  return ['unshare', '--mount', 'sh', '-ec', script, folder];
}

function pathOf(folder: string): string {
  return `${join(folder, 'usr/local/bin')}:/usr/local/bin:/usr/bin:/bin`;
}

export async function modeOf(path: string): Promise<{ mode: string; uid: number }> {
  const { mode, uid } = await stat(path);
  return { mode: (mode & 0o777).toString(8), uid };
}
