/** Which Referee this is. */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readGitCommit } from './routing/files/git-commit.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export function version(): string {
  return (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string })
    .version;
}

/** Null for what was installed as a package: a repository around it is somebody else's. */
export async function commit(): Promise<string | null> {
  const isCheckout = await stat(join(ROOT, '.git')).then(
    () => true,
    () => false,
  );
  return isCheckout ? readGitCommit(ROOT) : null;
}
