/**
 * Where the package that is running came from, as a dependency of another folder: the registry's
 * version, or the tarball, repository or checkout that somebody uses instead of it. npm writes it
 * down in the hidden lock file of the node_modules folder.
 */
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';

export async function ownSource(root: string, folder: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  const own = resolve(root);
  const modules = dirname(own);
  if (basename(modules) !== 'node_modules') return fileSource(own, folder);
  const resolved = await resolvedIn(modules, basename(own));
  if (resolved === null || isOfRegistry(resolved)) return `^${version}`;
  if (!resolved.startsWith('file:')) return resolved;
  return fileSource(resolve(dirname(modules), resolved.slice('file:'.length)), folder);
}

async function resolvedIn(modules: string, name: string): Promise<string | null> {
  try {
    const { packages } = JSON.parse(
      await readFile(join(modules, '.package-lock.json'), 'utf8'),
    ) as { packages: Record<string, { resolved?: string }> };
    return packages[`node_modules/${name}`]?.resolved ?? null;
  } catch {
    // Another package manager, or a global installation.
    return null;
  }
}

/** As a registry names tarballs, whichever registry it is. */
function isOfRegistry(resolved: string): boolean {
  return /^https?:.*\/telnyx-referee\/-\/telnyx-referee-[^/]+\.tgz$/.test(resolved);
}

/** `path` has no symbolic link in it, as Node resolves its modules: neither may the other end. */
async function fileSource(path: string, folder: string): Promise<string> {
  return `file:${relative(await realpath(folder), path).replaceAll('\\', '/')}`;
}
