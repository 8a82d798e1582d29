/** The strongest check of a store: its recorded events, run again, give each stored call. */
import { differenceText, verifyCalls } from '../../src/cli/calls-verify.ts';
import { recordedCalls } from '../../src/cli/recorded-calls.ts';
import { parseDatabaseUrl } from '../../src/config/values.ts';
import { openReader } from '../../src/store/reader.ts';

/** Sentences, one for each difference; empty where every call is what its events give. */
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
