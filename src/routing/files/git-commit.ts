/**
 * The commit that is checked out around a folder, read from git's own files. Git itself may not be
 * installed, and many folders are not in a repository.
 */
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** A repository with 100,000 refs has 7 MB of them. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const COMMIT = /^[\da-f]{40}(?:[\da-f]{24})?$/;

/** Null if there is none, or if it cannot be determined. */
export async function readGitCommit(dir: string): Promise<string | null> {
  try {
    const gitDir = await findGitDir(await realpath(dir));
    return gitDir === null ? null : await headOf(gitDir);
  } catch {
    return null;
  }
}

async function findGitDir(dir: string): Promise<string | null> {
  const path = join(dir, '.git');
  const status = await stat(path).catch(() => null);
  if (status?.isDirectory()) return path;
  if (status?.isFile()) {
    // In a worktree, a submodule or a checkout by git-sync, `.git` is a file that names the
    // directory.
    const named = /^gitdir: (.+)$/m.exec(await text(path))?.[1];
    return named === undefined ? null : resolve(dir, named);
  }
  const above = dirname(dir);
  return above === dir ? null : findGitDir(above);
}

async function headOf(gitDir: string): Promise<string | null> {
  const head = (await text(join(gitDir, 'HEAD'))).trim();
  if (COMMIT.test(head)) return head;
  const ref = /^ref: (refs\/[^\s\\:]+)$/.exec(head)?.[1];
  if (ref === undefined || ref.split('/').includes('..')) return null;
  // Worktrees share the refs of their main repository.
  const shared = await text(join(gitDir, 'commondir')).catch(() => '.');
  const dirs = [gitDir, resolve(gitDir, shared.trim())];
  for (const dir of dirs) {
    const loose = (await text(join(dir, ref)).catch(() => '')).trim();
    if (COMMIT.test(loose)) return loose;
  }
  for (const dir of dirs) {
    const packed = await text(join(dir, 'packed-refs')).catch(() => '');
    for (const line of packed.split('\n')) {
      const [commit = '', name] = line.trim().split(' ');
      if (name === ref && COMMIT.test(commit)) return commit;
    }
  }
  return null;
}

async function text(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > FILE_BYTES_MAX) throw new Error(`${path} has ${size} bytes`);
  return readFile(path, 'utf8');
}
