/** Reads recorded calls from a store page by page, so that only a few are in memory at once. */
import type { RecordedCall } from '../../core/recording/recorded-call.ts';
import { RefereeError } from '../../errors.ts';
import type { CallFilter } from '../../store/contract/list.ts';
import type { StoreReader } from '../../store/reader.ts';

const PAGE_CALLS = 50;

/** Newest first. `limit`: how many at most; null: all that match. Rejects once `signal` aborts. */
export async function* recordedCalls(
  reader: Pick<StoreReader, 'list' | 'recordings'>,
  filter: Omit<CallFilter, 'limit' | 'cursor'>,
  { limit, signal }: { limit: number | null; signal?: AbortSignal },
): AsyncGenerator<RecordedCall> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  let cursor: string | undefined;
  while (left > 0) {
    const page = { ...filter, limit: Math.min(left, PAGE_CALLS) };
    const { calls, next } = await reader.list(cursor === undefined ? page : { ...page, cursor });
    const found = await reader.recordings(calls.map(({ id }) => id));
    for (const call of found) {
      if (signal?.aborted) {
        throw new RefereeError('STOPPED', 'stopped before all calls were read');
      }
      yield call;
    }
    left -= calls.length;
    if (next === null) return;
    cursor = next;
  }
}
