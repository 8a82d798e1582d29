/**
 * `referee calls --verify`: replays the recorded events, which must give the same calls as stored.
 */
import { counted } from '../../core/counted.ts';
import { type Difference, foldCall } from '../../core/recording/fold.ts';
import type { RecordedCall } from '../../core/recording/recorded-call.ts';
import { type Io, jsonText } from '../terminal/io.ts';
import { plain } from '../terminal/terminal.ts';

/** How many differing calls the JSON lists; all of them are counted. */
const LISTED_MAX = 1_000;
const VALUE_CHARS_MAX = 400;

interface Verified {
  calls: number;
  same: number;
  differs: number;
  /**
   * Calls that are not compared: recorded by another release, or with more events than a timeline
   * keeps.
   */
  older: number;
  newer: number;
  incomplete: number;
  list: { call_control_id: string; differences: Difference[] }[];
}

export async function verifyCalls(
  recorded: AsyncIterable<RecordedCall>,
  onDiffers: (callId: string, differences: Difference[]) => void = () => {},
): Promise<Verified> {
  const verified: Verified = {
    calls: 0,
    same: 0,
    differs: 0,
    older: 0,
    newer: 0,
    incomplete: 0,
    list: [],
  };
  for await (const call of recorded) {
    verified.calls += 1;
    if (call.recording !== 'complete') {
      verified[call.recording === 'cut' ? 'incomplete' : call.recording] += 1;
      continue;
    }
    const { differences } = foldCall(call);
    if (differences.length === 0) {
      verified.same += 1;
      continue;
    }
    verified.differs += 1;
    onDiffers(call.callId, differences);
    if (verified.list.length < LISTED_MAX) {
      verified.list.push({ call_control_id: call.callId, differences });
    }
  }
  return verified;
}

/** Returns the exit code. */
export async function showVerified(
  recorded: AsyncIterable<RecordedCall>,
  io: Io,
  json: boolean,
): Promise<number> {
  const verified = await verifyCalls(recorded, (callId, differences) => {
    if (json) return;
    io.stdout.write(`${plain(callId)}\n`);
    for (const each of differences) io.stdout.write(`  ${differenceText(each)}\n`);
  });
  io.stdout.write(`${json ? jsonText(verified) : summaryText(verified)}\n`);
  return verified.differs === 0 ? 0 : 1;
}

export function differenceText({ what, event, stored, folded }: Difference): string {
  const where = event === null ? '' : `after event ${event.number} (${event.type}), `;
  return plain(
    `${where}${what}: stored ${valueText(stored)}, the events give ${valueText(folded)}`,
  );
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
}

function summaryText({ calls, same, differs, older, newer, incomplete }: Verified): string {
  if (calls === 0) return 'No calls match: nothing was compared.';
  const notCompared: [number, string][] = [
    [older, 'recorded by an older release'],
    [newer, 'recorded by a newer release'],
    [incomplete, 'with more events than are kept'],
  ];
  const apart = notCompared.flatMap(([count, words]) =>
    count === 0 ? [] : [`${count.toLocaleString('en-US')} ${words}`],
  );
  const matching = `${counted(same, 'matches its', 'match their')} recorded events`;
  const compared = `${counted(calls, 'call')}: ${matching}, ${counted(differs, 'does', 'do')} not.`;
  return apart.length === 0 ? compared : `${compared} Not compared: ${apart.join(', ')}.`;
}
