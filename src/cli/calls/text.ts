/**
 * Calls as text for a terminal. `plain` escapes texts from callers and far ends, so they cannot
 * move the cursor.
 */
import { duration } from '../../core/machine/caller-outcome.ts';
import type { CallDetail, CallSummary } from '../../http/api/calls/calls-json.ts';
import { standing, withoutRule } from '../../page/words/states.js';
import { cutWords, targetOf, titleOf } from '../../page/words/timeline-words.js';
import { momentText, offsetAt, wallText, zoneText } from '../terminal/local-time.ts';
import { plain } from '../terminal/terminal.ts';
import { cut, padded, widthOf } from '../terminal/text-width.ts';

export interface TableOptions {
  /** The terminal's width; null if there is none: each call is then one complete line. */
  width: number | null;
  head: boolean;
  now: number;
  utc: boolean;
}

interface Column {
  title: string;
  /** The maximum width; longer texts are cut. */
  width: number;
  text: (call: CallSummary, now: number, width: number, offset: number) => string;
}

const MONTH_TO_SECOND = 14;

/** The time column; its zone is added to the title. */
const CAME = 'CAME';

const COLUMNS: readonly Column[] = [
  { title: CAME, width: 19, text: cameText },
  { title: 'FROM', width: 18, text: ({ from }) => from ?? 'anonymous' },
  { title: 'TO', width: 18, text: ({ to }) => to ?? '-' },
  { title: 'LABEL', width: 16, text: ({ label }) => label ?? '' },
  { title: 'OUTCOME', width: 13, text: standing },
  { title: 'RULE', width: 16, text: ruleText },
  { title: 'LAST ATTEMPT', width: 24, text: attemptText },
  { title: 'WITH US', width: 11, text: withUsText },
];
/**
 * How columns shrink in a narrow terminal, in this order; width 0 hides one. The outcome is kept.
 */
const GIVEN_UP: readonly (readonly [title: string, width: number])[] = [
  ['WITH US', 0],
  ['RULE', 0],
  ['LABEL', 0],
  [CAME, MONTH_TO_SECOND],
  ['TO', 0],
  [CAME, 0],
  ['FROM', 0],
];

/**
 * In a narrow terminal the id gets its own line and is never cut, because the next command needs
 * it. After that, the least informative columns are dropped.
 */
export function callTable(calls: CallSummary[], { width, head, now, utc }: TableOptions): string {
  // The whole table uses the offset of its newest call: two offsets in one column would mislead.
  const offset = offsetAt(calls[0] === undefined ? now : Date.parse(calls[0].created_at), utc);
  const widths = COLUMNS.map((column) =>
    width === null ? column.width : fitting(column, calls, now, offset),
  );
  if (calls.every(({ label }) => label === null)) widths[indexOf('LABEL')] = 0;
  const idWidth = Math.max(...calls.map((call) => widthOf(plain(call.call_control_id))), 0);
  const apart = width !== null && lineWidth(widths) + 1 + idWidth > width;
  if (apart) leaveOut(widths, width);
  const line = (cells: string[], id: string): string => {
    const shown = cells.filter((_, index) => widths[index] !== 0).join(' ');
    return apart ? `${shown.trimEnd()}\n  ${id}` : `${shown} ${id}`.trimEnd();
  };
  const titles = COLUMNS.map(({ title }, index) =>
    padded(titleIn(title, offset, widths[index] ?? 0), widths[index] ?? 0),
  );
  const lines = calls.map((call) => {
    const cells = COLUMNS.map(({ text }, index) => {
      const room = widths[index] ?? 0;
      return padded(plain(text(call, now, room, offset)), room);
    });
    return line(cells, plain(call.call_control_id));
  });
  return [...(head ? [line(titles, 'CALL')] : []), ...lines].join('\n');
}

/** In a narrow column only the offset is shown. */
function titleIn(title: string, offset: number, width: number): string {
  if (title !== CAME) return title;
  const long = `${CAME} (${zoneText(offset)})`;
  return long.length <= width ? long : zoneText(offset);
}

function fitting(
  { title, width, text }: Column,
  calls: CallSummary[],
  now: number,
  offset: number,
): number {
  const used = calls.map((call) => widthOf(plain(text(call, now, width, offset))));
  return Math.min(width, Math.max(title.length, ...used));
}

function lineWidth(widths: number[]): number {
  const shown = widths.filter((each) => each > 0);
  return shown.reduce((sum, each) => sum + each, 0) + shown.length - 1;
}

function leaveOut(widths: number[], room: number): void {
  for (const [title, width] of GIVEN_UP) {
    if (lineWidth(widths) <= room) return;
    widths[indexOf(title)] = width;
  }
}

function indexOf(title: string): number {
  return COLUMNS.findIndex((column) => column.title === title);
}

function cameText(
  { created_at: createdAt }: CallSummary,
  _now: number,
  width: number,
  offset: number,
): string {
  return wallText(Date.parse(createdAt), offset).slice(0, 19).replace('T', ' ').slice(-width);
}

/** How the call ended for the caller, or the phase of a live call. */
/** The same words as on the page. */
function ruleText(call: CallSummary): string {
  return call.rule ?? withoutRule(call);
}

/** The verdict is never cut; the target's name is shortened instead. */
function attemptText({ attempts }: CallSummary, _now: number, width: number): string {
  const attempt = attempts.at(-1);
  if (attempt === undefined) return '-';
  const tries = attempts.length > 1 ? `${attempts.length}. ` : '';
  const verdict = attempt.verdict ?? '…';
  const room = width - tries.length - verdict.length - 1;
  return `${tries}${cut(plain(attempt.target ?? attempt.sip_address), room)} ${verdict}`;
}

function withUsText(call: CallSummary, now: number): string {
  const endedAt = call.ended_at === null ? now : Date.parse(call.ended_at);
  return duration(endedAt - Date.parse(call.created_at));
}

/** One call: who called, the decision, the attempts and the timeline. */
export function callStory(call: CallDetail, utc: boolean): string {
  const cameAt = Date.parse(call.created_at);
  const offset = offsetAt(cameAt, utc);
  const lines = [
    `${call.from ?? 'anonymous'} -> ${call.to ?? '-'}${call.label === null ? '' : ` (${call.label})`}   ${call.phase}${call.ends === null ? '' : `, ends ${call.ends}`}`,
    call.summary,
    call.call_control_id,
    `came ${momentText(cameAt, utc)}, ${withUs(call)}`,
    ...costLines(call),
    `rule ${ruleText(call)}${rowsText(call)}, route set ${call.route_set?.slice(0, 12) ?? '-'}`,
    '',
    ...traceLines(call),
    ...call.attempts.flatMap(attemptLines),
    ...(call.plan.length === 0 ? [] : [`Next: ${call.plan.join(', ')}`, '']),
    `Timeline (times in ${zoneText(offset)})`,
    ...timelineLines(call, offset),
    ...cutLines(call),
  ];
  return lines.map((line) => plain(line).trimEnd()).join('\n');
}

function cutLines({ timeline }: CallDetail): string[] {
  const words = cutWords(timeline);
  return words === null ? [] : ['', words];
}

/** The page's word; a call whose REFER completed may last longer, without us. */
function withUs({ created_at, ended_at }: CallDetail): string {
  if (ended_at === null) return 'still live';
  return `with us for ${duration(Date.parse(ended_at) - Date.parse(created_at))}`;
}

function rowsText({ rows }: CallDetail): string {
  return rows.map(({ table, key }) => `, row ${key} of ${table}`).join('');
}

function costLines({ cost, other_costs: others }: CallDetail): string[] {
  return [cost ?? [], others].flat().map(({ amount, currency, parts }) => {
    const each = parts.map(({ part, amount: own }) => `${part} ${own}`);
    return `cost ${amount} ${currency}${each.length > 1 ? ` (${each.join(', ')})` : ''}`;
  });
}

function traceLines({ trace }: CallDetail): string[] {
  if (trace.length === 0) return [];
  const lines = trace.map(({ rule, matched, why }) => `  ${matched ? '+' : '-'} ${rule}: ${why}`);
  return ['Why', ...lines, ''];
}

function attemptLines(attempt: CallDetail['attempts'][number], index: number): string[] {
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

function timelineLines({ timeline, created_at, attempts }: CallDetail, offset: number): string[] {
  const outcomes = new Map<string, string>();
  for (const { source, detail } of timeline) {
    if (source !== 'outcome' || typeof detail.command !== 'string') continue;
    const code = [detail.status, detail.code].filter((part) => part != null && part !== '');
    outcomes.set(detail.command, [detail.outcome, ...code].join(' '));
  }
  const unknown = cutWords(timeline) === null ? 'no outcome yet' : 'its outcome is not listed';
  return timeline.flatMap((entry) => {
    const { at, type, phase_before: before, phase, notes, commands, detail, advice } = entry;
    const target = targetOf(entry.attempt, attempts);
    const title = `${titleOf(entry)}${target === null ? '' : `: ${target}`}`;
    const after = ((Date.parse(at) - Date.parse(created_at)) / 1_000).toFixed(2);
    const moved = before === null || before === phase ? '' : `  ${before} -> ${phase}`;
    const facts = Object.entries(detail)
      .filter(([name, value]) => value !== null && name !== 'command')
      .map(([name, value]) => `${name}=${value}`);
    return [
      `  ${wallText(Date.parse(at), offset).slice(11)}  +${after} s  ${type}  ${title}${moved}`,
      ...(facts.length === 0 ? [] : [`      ${facts.join('  ')}`]),
      ...notes.map((note) => `      ${note}`),
      ...(advice === null ? [] : adviceLines(advice).map((line) => `    ${line}`)),
      ...commands.map(
        ({ id, action, attempt }) =>
          `      -> ${[action, targetOf(attempt, attempts)].filter(Boolean).join(' ')}: ${outcomes.get(id) ?? unknown}`,
      ),
    ];
  });
}
