/** Describes paths for somebody who is responsible for callers and knows no SIP. */
import type { Verdict } from '../machine/call.ts';
import { FAILED_VERDICTS } from '../machine/verdict.ts';
import type { ChoiceName } from './choices.ts';
import type { Edge, Path } from './path.ts';

/** What happens on a path, in order. */
export function inWords(path: Path): string {
  const said: string[] = [];
  let target = '';
  for (let { rest } = path; rest !== null; rest = rest.path.rest) {
    const { edge } = rest;
    const name = edge.names.find((each) => isShown(each, edge)) ?? edge.names[0];
    const words = name === undefined ? null : nameInWords(name, target);
    if (words !== null) said.push(words);
    // The verdict of an attempt that was refused before it was sent is on the edge after it.
    let refused = edge.verdicts.length - (edge.names.some(isOfAttempt) ? 1 : 0);
    for (const step of edge.steps) {
      const moved = /^(?:refer|transfer) (.*)$/.exec(step)?.[1];
      if (moved === undefined) {
        const heard = STEP_WORDS[step] ?? (step.startsWith('reject ') ? rejected(step) : null);
        if (heard !== null) said.push(heard);
      } else if (refused > 0) {
        refused -= 1;
        said.push(`${moved} cannot be tried`);
      } else target = moved;
    }
  }
  return said.join(', then ') || 'nothing';
}

/** The choice that contains the verdict shown in the path. */
function isShown(name: ChoiceName, edge: Edge): boolean {
  return name.kind !== 'verdict' || name.verdict === edge.verdicts[0];
}

function isOfAttempt({ kind }: ChoiceName): boolean {
  return kind === 'verdict';
}

function nameInWords(name: ChoiceName, target: string): string | null {
  switch (name.kind) {
    case 'answered':
    case 'said':
      return null;
    case 'answer_refused':
      return 'Telnyx refuses the answer';
    case 'leaves':
      return 'the caller hangs up';
    case 'key':
      return name.digits === null ? 'no key is pressed' : `${name.digits} is pressed`;
    case 'lookup':
      return `${name.lookup} ${name.answers ? 'answers' : 'does not answer'}`;
    case 'verdict':
      return `${target} ${name.ringing ? RINGS_ON : VERDICT_WORDS[name.verdict]}`;
    default:
      return name satisfies never;
  }
}

const RINGS_ON = 'rings until its time is over and may yet answer';

const VERDICT_WORDS: Record<Verdict, string> = {
  completed: 'takes the caller',
  busy: 'is busy',
  no_answer: 'does not answer',
  declined: 'declines',
  not_found: 'does not exist there',
  not_allowed: 'is refused as a destination',
  server_error: 'has a server error',
  other: 'fails for another reason',
  rejected: 'is refused by Telnyx or by a budget',
  no_verdict: 'stays silent until its time is over',
  abandoned: 'is no longer needed',
  skipped: 'is skipped',
};

const STEP_WORDS: Record<string, string | undefined> = {
  say: 'a prompt is heard',
  play: 'a recording is heard',
  menu: 'the menu is heard',
  hangup: 'we hang up',
  ignore: 'the call is left to another application',
};

function rejected(step: string): string {
  return step === 'reject busy' ? 'we reject as busy' : 'we reject the call';
}

/** What a branch of a tree stands for: all choices that are followed by the same. */
export function branchWords(names: readonly ChoiceName[]): string {
  const verdicts = names.flatMap((name) =>
    name.kind === 'verdict' && !name.ringing ? [name.verdict] : [],
  );
  const keys = names.flatMap((name) => (name.kind === 'key' ? [name.digits ?? 'no key'] : []));
  const words = names.flatMap((name): string[] => {
    if (name.kind === 'answer_refused') return ['Telnyx refuses the answer'];
    if (name.kind === 'leaves') {
      return [name.early ? 'the caller hangs up at once' : 'the caller hangs up'];
    }
    if (name.kind === 'verdict' && name.ringing) return ['no_verdict after ringing'];
    if (name.kind === 'lookup') return [nameInWords(name, '') ?? ''];
    return name.kind === 'answered' ? ['answered'] : [];
  });
  const failed = FAILED_VERDICTS.every((verdict) => verdicts.includes(verdict));
  const shown = failed
    ? [
        'any failure',
        ...verdicts.filter((verdict) => !FAILED_VERDICTS.some((each) => each === verdict)),
      ]
    : verdicts;
  return [...new Set([...shown, ...keys, ...words])].join(', ');
}

/** `1 min 30 s`, `8 s`, `0.5 s`. */
export function durationWords(ms: number): string {
  const seconds = Math.round(ms / 100) / 10;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round((seconds - minutes * 60) * 10) / 10;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}
