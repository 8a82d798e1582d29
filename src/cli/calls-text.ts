/** Calls as text for a terminal. What callers and far ends wrote passes `plain`: it never moves a cursor. */
import type { Call } from '../core/machine/call.ts';
import type { callDetail } from '../http/api/calls-json.ts';
import { plain } from './routes-folder.ts';

type Detail = ReturnType<typeof callDetail>;

export interface TableOptions {
  /** Of the terminal, to cut lines at; null leaves them whole. */
  width: number | null;
  head: boolean;
  now: number;
}

const COLUMNS = [
  ['CAME', 19],
  ['FROM', 18],
  ['TO', 18],
  ['IS', 13],
  ['RULE', 16],
  ['LAST ATTEMPT', 24],
  ['LASTS', 8],
  ['CALL', 0],
] as const;

export function callTable(calls: Call[], { width, head, now }: TableOptions): string {
  const rows = calls.map((call) => rowOf(call, now));
  const lines = (head ? [COLUMNS.map(([title]) => title), ...rows] : rows).map((cells) =>
    cells.map((cell, index) => padded(plain(cell), COLUMNS[index]?.[1] ?? 0)).join(' '),
  );
  if (calls.length === 0) lines.push('No call is like this.');
  return lines.map((line) => cut(line.trimEnd(), width)).join('\n');
}

function rowOf(call: Call, now: number): string[] {
  const attempt = call.attempts.at(-1);
  const tries = call.attempts.length > 1 ? `${call.attempts.length}. ` : '';
  const last =
    attempt === undefined
      ? '-'
      : `${tries}${attempt.target ?? attempt.sipAddress} ${attempt.verdict ?? '…'}`;
  return [
    new Date(call.createdAt).toISOString().slice(0, 19).replace('T', ' '),
    call.facts.from ?? 'anonymous',
    call.facts.to ?? '-',
    call.ends ?? call.phase,
    call.rule ?? (call.decided ? 'otherwise' : '-'),
    last,
    duration((call.endedAt ?? now) - call.createdAt),
    call.id,
  ];
}

/** One call's whole story: who, why, what was tried, what happened. */
export function callStory(call: Detail): string {
  const lines = [
    `${call.from ?? 'anonymous'} -> ${call.to ?? '-'}   ${call.phase}${call.ends === null ? '' : `, ends ${call.ends}`}`,
    call.call_control_id,
    `came ${call.created_at}, ${lasted(call)}`,
    `rule ${call.rule ?? (call.decided ? 'otherwise' : 'none yet')}, route set ${call.route_set?.slice(0, 12) ?? '-'}`,
    '',
    ...traceLines(call),
    ...call.attempts.flatMap(attemptLines),
    ...(call.plan.length === 0 ? [] : [`Next: ${call.plan.join(', ')}`, '']),
    'What happened',
    ...timelineLines(call),
  ];
  return lines.map((line) => plain(line).trimEnd()).join('\n');
}

function lasted({ created_at, ended_at }: Detail): string {
  if (ended_at === null) return 'still there';
  return `lasted ${duration(Date.parse(ended_at) - Date.parse(created_at))}`;
}

function traceLines({ trace }: Detail): string[] {
  if (trace.length === 0) return [];
  const lines = trace.map(({ rule, matched, why }) => `  ${matched ? '+' : '-'} ${rule}: ${why}`);
  return ['Why', ...lines, ''];
}

function attemptLines(attempt: Detail['attempts'][number], index: number): string[] {
  const { kind, target, sip_address, verdict, sip_notify_response, reason, advice } = attempt;
  const sip = sip_notify_response === null ? '' : ` (SIP ${sip_notify_response})`;
  const lines = [
    `Attempt ${index + 1}: ${kind} ${target ?? ''} ${sip_address}  ${verdict ?? 'open'}${sip}`,
  ];
  if (reason !== null) lines.push(`  ${reason}`);
  if (advice !== null) lines.push(...adviceLines(advice));
  return [...lines, ''];
}

function adviceLines({ meaning, cause, fix }: { meaning: string; cause: string; fix: string }) {
  return [`  means:  ${meaning}`, `  cause:  ${cause}`, `  to do:  ${fix}`];
}

function timelineLines({ timeline, created_at, attempts }: Detail): string[] {
  const targets = new Map(
    attempts.map(({ id, target, sip_address }) => [id, target ?? sip_address]),
  );
  const outcomes = new Map<string, string>();
  for (const { source, detail } of timeline) {
    if (source !== 'outcome' || typeof detail.command !== 'string') continue;
    const code = [detail.status, detail.code].filter((part) => part != null && part !== '');
    outcomes.set(detail.command, [detail.outcome, ...code].join(' '));
  }
  return timeline.flatMap((entry) => {
    const { at, type, phase_before: before, phase, notes, commands, detail, advice } = entry;
    const target = entry.attempt === null ? undefined : targets.get(entry.attempt);
    const after = ((Date.parse(at) - Date.parse(created_at)) / 1_000).toFixed(2);
    const moved = before === null || before === phase ? '' : `  ${before} -> ${phase}`;
    const facts = Object.entries(detail)
      .filter(([name, value]) => value !== null && name !== 'command')
      .map(([name, value]) => `${name}=${value}`);
    return [
      `  ${at.slice(11, 23)}  +${after} s  ${type}${target === undefined ? '' : `  ${target}`}${moved}`,
      ...(facts.length === 0 ? [] : [`      ${facts.join('  ')}`]),
      ...notes.map((note) => `      ${note}`),
      ...(advice === null ? [] : adviceLines(advice).map((line) => `    ${line}`)),
      ...commands.map(
        ({ id, action, attempt }) =>
          `      -> ${[action, attempt === null ? undefined : targets.get(attempt)].filter(Boolean).join(' ')}: ${outcomes.get(id) ?? 'no outcome yet'}`,
      ),
    ];
  });
}

function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

function padded(text: string, width: number): string {
  if (width === 0) return text;
  const points = [...text];
  const kept = points.length > width ? `${points.slice(0, width - 1).join('')}…` : text;
  return kept.padEnd(width + kept.length - [...kept].length);
}

function cut(line: string, width: number | null): string {
  const points = [...line];
  return width === null || points.length <= width
    ? line
    : `${points.slice(0, width - 1).join('')}…`;
}
