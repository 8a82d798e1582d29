/** What a recovery found, for people. */
import { counted } from '../../core/counted.ts';
import type { Recovery } from '../../engine/recovery/recover.ts';
import { momentText } from '../terminal/local-time.ts';
import { plain } from '../terminal/terminal.ts';

export function inWords(
  recovery: Recovery,
  { dryRun, utc = false }: { dryRun?: boolean; utc?: boolean },
): string {
  const types = [...recovery.byType].map(([type, count]) => `${count} ${plain(type)}`).join(', ');
  const lines = [
    `since ${momentText(recovery.since, utc)}`,
    `${counted(recovery.live, 'leg')} live`,
    `${counted(recovery.recovered, 'missed event')} ${dryRun ? 'would be stored' : 'stored'}${types === '' ? '' : `: ${types}`}`,
    counted(recovery.lost.length, 'lost caller'),
    ...recovery.lost.map(
      ({ at, from, to, callId }) =>
        `  ${momentText(at, utc)}  ${plain(from ?? 'anonymous')} to ${plain(to ?? '-')}  ${plain(callId)}`,
    ),
    ...recovery.unknownLive.map(
      ({ callId, durationSecs }) =>
        `  unknown leg ${plain(callId)} is live${durationSecs === null ? '' : `, for ${durationSecs} s`}; nothing was done`,
    ),
    ...(recovery.failed === null
      ? []
      : [`not everything could be read: ${plain(recovery.failed)}`]),
  ];
  return `${lines.join('\n')}\n`;
}
