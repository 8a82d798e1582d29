/** The demo's output: the timeline line by line, then a table; or one JSON document. */
import { styleText } from 'node:util';
import type { CallBook } from '../../simulator/books.ts';
import type { PlayedCall } from '../../simulator/scripts.ts';
import type { Played } from '../demo.ts';
import type { DoctorReport } from '../doctor.ts';
import { type Io, jsonText } from '../terminal/io.ts';
import { tableLines } from '../terminal/table.ts';
import { isColoured } from '../terminal/terminal.ts';
import type { ApiCall, ApiEntry } from './call.ts';
import type { DemoStage } from './stage.ts';
import { storyLine } from './story.ts';

export interface Screen {
  opened(stage: DemoStage): void;
  placed(number: number, script: PlayedCall): void;
  entry(number: number, call: ApiCall, entry: ApiEntry): void;
  /** True if every call ended as expected. */
  closed(played: Played[], books: CallBook[], problems: string[], doctor: DoctorReport): boolean;
}

type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

const WHAT_WIDTH = 34;
/** One colour per call, so that each can be followed among the others. */
const CALL_COLOURS = ['cyan', 'magenta', 'yellow', 'blue', 'green'] as const;

export function createScreen(io: Io, json: boolean): Screen {
  const startedAt = Date.now();
  const coloured = isColoured(io) && !json;
  const paint: Paint = (style, text) =>
    coloured ? styleText(style, text, { validateStream: false }) : text;
  const line = (text = ''): void => void io.stdout.write(`${printable(text, coloured)}\n`);
  const seconds = (atMs: number): string =>
    `${Math.max(0, (atMs - startedAt) / 1000).toFixed(1)}s`.padStart(6);
  const tag = (number: number): string =>
    paint(CALL_COLOURS[number % CALL_COLOURS.length] ?? 'cyan', `#${number}`.padEnd(3));

  return {
    opened(stage) {
      if (json) return;
      line(paint('bold', 'Referee moves callers, and knows whether they arrived.'));
      line(`  The real server  ${stage.url} (SQLite, signed webhooks)`);
      line(`  Telnyx simulator ${stage.apiUrl}`);
      line('  Each line: what happened · what it means → what Referee did next.');
      line();
    },
    placed(number, { title, script }) {
      if (json) return;
      line(
        `${seconds(Date.now())}  ${tag(number)} ${paint('bold', `${script.from} calls ${script.to}`)}: ${title}`,
      );
    },
    entry(number, call, entry) {
      if (json) return;
      const told = storyLine(entry, call);
      if (told === null) return;
      const { what, why, next, mood } = told;
      const bare = why === '' && next === '';
      const left = bare ? what : what.padEnd(WHAT_WIDTH);
      const painted = mood === 'plain' ? left : paint(mood === 'good' ? 'green' : 'yellow', left);
      const middle = why === '' ? '' : ` ${paint('dim', '·')} ${why}`;
      const right = next === '' ? '' : ` ${paint('dim', '→')} ${paint('bold', next)}`;
      line(`${seconds(Date.parse(entry.at))}  ${tag(number)}   ${painted}${middle}${right}`);
    },
    closed(played, books, problems, doctor) {
      const bad = played.filter((each) => each.problems.length > 0);
      const asScripted = bad.length === 0 && problems.length === 0;
      const good = asScripted && doctor.ok;
      if (json) {
        const document = {
          ok: good,
          seconds: (Date.now() - startedAt) / 1000,
          problems,
          calls: played.map(asJson),
          doctor,
        };
        io.stdout.write(`${jsonText(document)}\n`);
        return good;
      }
      const told = played.flatMap(({ number, script, problems: own }) =>
        own.map((problem) => `#${number} ${script.name}: ${problem}`),
      );
      line();
      for (const row of table(played.map(asRow), paint)) line(row);
      line();
      for (const problem of [...told, ...problems]) line(paint('red', problem));
      line(traffic(books));
      const count = played.length;
      const verdict = asScripted
        ? `${count} calls, ${count} ended as scripted. The simulator agrees: each caller was moved at most once, and nobody was left in silence.`
        : `${bad.length} of ${count} calls did not end as their scripts say.`;
      line(paint(asScripted ? 'green' : 'red', verdict));
      for (const text of doctorLines(doctor)) line(paint(doctor.ok ? 'green' : 'red', text));
      return good;
    },
  };
}

function doctorLines({ ok, checks }: DoctorReport): string[] {
  const odd = checks.filter(({ status }) => status !== 'ok');
  if (odd.length === 0) {
    return [`referee doctor: ${checks.length} checks of the account and the routes, all ok.`];
  }
  return [
    `referee doctor: ${ok ? 'no problem' : 'problems'} with the account and the routes.`,
    ...odd.map(({ check, status, message }) => `  ${status} ${check}: ${message}`),
  ];
}

const HEAD = ['', '', 'call', 'from', 'to', 'rule', 'attempts', 'ends', 'time'];

function asRow({ number, script, call, problems }: Played): string[] {
  const attempts = call?.attempts.map((attempt) => {
    return `${attempt.target ?? attempt.sip_address} ${attempt.verdict ?? 'open'}`;
  });
  return [
    problems.length === 0 ? '✓' : '✗',
    `#${number}`,
    script.name,
    call?.from ?? '',
    call?.to ?? '',
    call === null ? '' : (call.rule ?? '(otherwise)'),
    attempts === undefined || attempts.length === 0 ? '-' : attempts.join(', '),
    call?.ends ?? 'not ended',
    call === null ? '' : `${durationSecs(call)?.toFixed(1) ?? '-'} s`,
  ];
}

function table(rows: string[][], paint: Paint): string[] {
  const look = { width: null, givenUp: [], align: 'left' as const };
  const [head = '', ...lines] = tableLines([HEAD, ...rows], look);
  const painted = lines.map((line) => {
    const [mark = ''] = line;
    return `${paint(mark === '✓' ? 'green' : 'red', mark)}${line.slice(mark.length)}`;
  });
  return [paint('dim', head), ...painted];
}

function traffic(books: CallBook[]): string {
  const webhooks = books.flatMap((book) => book.webhooks);
  const deliveries = webhooks.reduce((sum, { deliveries: all }) => sum + all.length, 0);
  const commands = books.reduce((sum, { requests }) => sum + requests.length, 0);
  return `${deliveries} webhooks delivered, ${deliveries - webhooks.length} of them second copies that changed nothing; ${commands} commands sent.`;
}

function asJson({ number, script, call, problems }: Played) {
  return {
    number,
    name: script.name,
    ok: problems.length === 0,
    problems,
    call_control_id: call?.call_control_id ?? null,
    from: call?.from ?? null,
    to: call?.to ?? null,
    rule: call?.rule ?? null,
    attempts: (call?.attempts ?? []).map(({ kind, target, sip_address, verdict }) => {
      return { kind, target, sip_address, verdict };
    }),
    ends: call?.ends ?? null,
    seconds: call === null ? null : durationSecs(call),
    expected: script.expect,
  };
}

function durationSecs({ created_at, ended_at }: ApiCall): number | null {
  return ended_at === null ? null : (Date.parse(ended_at) - Date.parse(created_at)) / 1000;
}

/** Removes control characters from network data, but keeps our own colours. */
function printable(text: string, coloured: boolean): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  const strange = /[\u0000-\u001a\u001c-\u001f\u007f-\u009f]/g;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes, other than those that colour
  const escapes = coloured ? /\u001b(?!\[\d+m)/g : /\u001b/g;
  return text.replace(strange, '\ufffd').replace(escapes, '\ufffd');
}
