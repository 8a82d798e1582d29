import type { Io } from '../../src/cli/terminal/io.ts';

/** Runs a command and keeps its output. */
export async function written(
  command: (io: Io) => Promise<number>,
  given: Partial<Pick<Io, 'stdin' | 'env' | 'isTTY'>> = {},
): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await command({
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: {},
    isTTY: false,
    ...given,
  });
  return { code, out, err };
}

/** Runs it as in a terminal of this time zone. */
export async function inZone(zone: string, act: () => Promise<void>): Promise<void> {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    await act();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}
