/** `referee calls --export FILE`: one recorded call per line, as JSON. */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { counted } from '../../core/counted.ts';
import { exportJson } from '../../core/recording/export.ts';
import type { RecordedCall } from '../../core/recording/recorded-call.ts';
import { isSystemError, RefereeError } from '../../errors.ts';
import { type Io, jsonText } from '../terminal/io.ts';
import { plain } from '../terminal/terminal.ts';

/** Readable by the owner only, because the file contains phone numbers. */
const OWNER_ONLY = 0o600;

/** Rejects if the file exists: an export never replaces another one. */
export async function exportCalls(
  recorded: AsyncIterable<RecordedCall>,
  file: string,
  io: Io,
): Promise<void> {
  if (file === '-') {
    for await (const call of recorded) io.stdout.write(`${jsonText(exportJson(call))}\n`);
    return;
  }
  const handle = await newFile(file);
  let calls = 0;
  let incomplete = 0;
  try {
    for await (const call of recorded) {
      await handle.writeFile(`${jsonText(exportJson(call))}\n`);
      calls += 1;
      if (call.recording !== 'complete') incomplete += 1;
    }
    await handle.close();
  } catch (error) {
    // Removes an incomplete export, which could be mistaken for a complete one.
    await handle.close().catch(() => {});
    await unlink(file).catch(() => {});
    throw isSystemError(error) ? cannotWrite(file, error) : error;
  }
  const apart = incomplete === 0 ? '' : ` (${incomplete} of them without all of their events)`;
  io.stderr.write(
    `${counted(calls, 'call')}${apart} written to ${plain(file)}. The file contains phone numbers and pressed digits.\n`,
  );
}

async function newFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', OWNER_ONLY);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code !== 'EEXIST') throw cannotWrite(file, error);
    throw new RefereeError(
      'EXPORT',
      `${plain(file)} exists already and is left as it is: name another file, or remove it first`,
    );
  }
}

function cannotWrite(file: string, error: Error): RefereeError {
  return new RefereeError('EXPORT', `${plain(file)} cannot be written: ${error.message}`, {
    cause: error,
  });
}
