/**
 * Where the running package came from, written as a dependency of another folder: a version from
 * the registry, or the tarball, repository or checkout used instead. npm records it in the hidden
 * lock file in node_modules.
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
    // Installed by another package manager, or globally.
    return null;
  }
}

/** Whether the URL has the form that registries use for tarballs. */
function isOfRegistry(resolved: string): boolean {
  return /^https?:.*\/telnyx-referee\/-\/telnyx-referee-[^/]+\.tgz$/.test(resolved);
}

/** Node has resolved symbolic links in `path`, so they are resolved in `folder` too. */
async function fileSource(path: string, folder: string): Promise<string> {
  return `file:${relative(await realpath(folder), path).replaceAll('\\', '/')}`;
}
