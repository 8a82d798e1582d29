/** The strongest check of a store: replaying its recorded events must give each stored call. */
import { differenceText, verifyCalls } from '../../src/cli/calls/verify.ts';
import { recordedCalls } from '../../src/cli/sources/recorded-calls.ts';
import { parseDatabaseUrl } from '../../src/config/values.ts';
import { openReader } from '../../src/store/reader.ts';

/** One sentence for each difference; empty if every call matches its events. */
export async function differencesIn(databaseUrl: string): Promise<string[]> {
  const reader = await openReader(parseDatabaseUrl(databaseUrl));
  try {
    const found: string[] = [];
    const all = recordedCalls(reader, { legs: 'all' }, { limit: null });
    const { older, newer } = await verifyCalls(all, (callId, differences) => {
      found.push(...differences.map((each) => `${callId}: ${differenceText(each)}`));
    });
    if (older + newer > 0) found.push(`${older + newer} calls were not recorded`);
    return found;
  } finally {
    await reader.close();
  }
}
