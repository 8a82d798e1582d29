/** What a command does when nobody reads its output, or it cannot be written. */
import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const BIN = join(import.meta.dirname, '../../bin/referee.js');

/** Exit code and stderr of `referee schema` with this standard output. */
async function schemaInto(stdout: 'closed pipe' | number) {
  const child = spawn(process.execPath, [BIN, 'schema'], {
    stdio: ['ignore', stdout === 'closed pipe' ? 'pipe' : stdout, 'pipe'],
  });
  child.stdout?.destroy();
  let err = '';
  child.stderr?.on('data', (chunk) => (err += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, err };
}

test('a reader who leaves early, such as head, ends it without a word', async () => {
  expect(await schemaInto('closed pipe')).toEqual({ code: 141, err: '' });
});

test.skipIf(!existsSync('/dev/full'))('a full disk is said, and the exit code is 1', async () => {
  const { code, err } = await schemaInto(openSync('/dev/full', 'w'));
  expect(code).toBe(1);
  expect(err).toMatch(/^referee schema: the output cannot be written: ENOSPC[^\n]*\n$/);
});
