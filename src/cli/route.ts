/**
 * `referee route`: shows what would happen to a call and why, with the server's own loader and
 * core.
 */
import type { Command } from 'commander';
import { type Played, simulate } from '../core/dry-run/simulate.ts';
import { notAMoment, readMoment } from '../core/iso-time.ts';
import type { CallFacts, Verdict } from '../core/machine/call.ts';
import { withSwitches } from '../core/rules/override.ts';
import type { RouteSet } from '../core/rules/rule.ts';
import { unknownTarget } from '../routing/expected/example.ts';
import { askedNumber, mayBeNational } from '../routing/numbers/national.ts';
import { didYouMean } from '../routing/problem.ts';
import { pathOf } from './options/path.ts';
import { givenText } from './options/text.ts';
import {
  badDigits,
  badLookup,
  factsOfOptions,
  lookupsOf,
  type RouteOptions,
  switchesOf,
  verdictsOf,
} from './route-options.ts';
import { readOverrides } from './sources/documents.ts';
import { loadFolder, showProblems } from './sources/routes-folder.ts';
import { type Io, jsonText } from './terminal/io.ts';
import { colours, plain } from './terminal/terminal.ts';

export function routeCommand(program: Command, io: Io): void {
  const several = (value: string, before: string[]) => [...before, value];
  program
    .command('route')
    .description('show what would happen to a call, and why')
    .option('--from <number>', 'the caller; default: anonymous, a withheld number')
    .requiredOption('--to <number>', 'the number called', givenText)
    .option('--at <moment>', 'ISO 8601 with a zone, such as 2026-03-02T15:00:00Z; default: now')
    .option('--routes <dir>', 'the folder; default: ROUTES_DIR, otherwise routes', pathOf)
    .option('--header <name=value>', 'a header of the INVITE; repeatable', several, [])
    .option(
      '--verdict <target=verdict>',
      'the verdict of a target; repeatable, or several verdicts separated by commas',
      several,
      [],
    )
    .option(
      '--digits <digits>',
      'what the caller presses in a menu; repeatable for several menus',
      several,
      [],
    )
    .option('--hangup-after <target>', 'the caller hangs up while this target is tried', givenText)
    .option('--direction <direction>', 'incoming or outgoing', 'incoming')
    .option('--connection-id <id>', 'Telnyx connection')
    .option('--caller-type <type>', 'pstn or sip; default: sip if --from is an address with @')
    .option('--attestation <level>', 'A, B or C, validated')
    .option('--tag <tag>', 'a tag of the call; repeatable', several, [])
    .option(
      '--switch <name=on|off>',
      'as if this switch were on or off; repeatable; others are as on the server',
      several,
      [],
    )
    .option(
      '--lookup <lookup.field=value>',
      'what a lookup answers, such as crm.tier=gold; repeatable. No server is asked',
      several,
      [],
    )
    .option('--json', 'one JSON object')
    .addHelpText('after', KNOWN_TO_THE_SERVER)
    .action(async (options: RouteOptions) => {
      process.exitCode = await runRoute(options, io);
    });
}

const KNOWN_TO_THE_SERVER = `
Which targets are down, and how much of the hourly budgets other calls have used, is known only to
the server: ask Explain on its page.`;

/** Returns the exit code. */
async function runRoute(options: RouteOptions, io: Io): Promise<number> {
  const refuse = (why: string, code: number): number => {
    io.stderr.write(`referee route: ${why}\n`);
    return code;
  };
  const asked = askedOf(options);
  if (typeof asked === 'string') return refuse(plain(asked), 2);
  const { at, facts, verdicts, turned } = asked;
  const { dir, loaded } = await loadFolder(options.routes, io, at);
  if (!loaded.ok) {
    io.stderr.write(await showProblems(dir, loaded.problems, 'problem', io));
    return refuse(`${plain(dir)} has problems, so no route is shown`, 1);
  }
  const unknown = unknownName(asked, options.hangupAfter, loaded.set);
  if (unknown !== null) return refuse(unknown, 1);
  const overrides = withSwitches((await readOverrides(io)) ?? {}, turned);
  const lookups = lookupsOf(options.lookup, loaded.set);
  if (typeof lookups === 'string') return refuse(plain(lookups), 1);
  const { country } = loaded.set.policy;
  const from = facts.from === null ? null : askedNumber(facts.from, country);
  const to = facts.to === null ? null : askedNumber(facts.to, country);
  const played = simulate(loaded.routes, {
    facts: { ...facts, from, to },
    at,
    overrides,
    verdicts,
    digits: options.digits,
    hangupAfter: options.hangupAfter ?? null,
    lookups,
    unscripted: 'completed',
    fullTrace: true,
  });
  const warnings = [
    ...noCountryCode('--from', from),
    ...noCountryCode('--to', to),
    ...played.warnings,
  ];
  for (const warning of warnings) io.stderr.write(`warning: ${plain(warning)}\n`);
  io.stdout.write(options.json === true ? `${jsonText(jsonOf(played), 2)}\n` : textOf(played, io));
  return 0;
}

/** Digits without a plus match no number of the routes, unless a SIP client dials them so. */
function noCountryCode(option: string, number: string | null): string[] {
  if (number === null || !mayBeNational(number)) return [];
  return [
    `${option} ${number} has no plus and country code. Telnyx sends phone numbers as +14155550100.`,
  ];
}

interface Asked {
  at: number;
  facts: CallFacts;
  verdicts: Record<string, Verdict[]>;
  /** Switches, by their names. */
  turned: Record<string, boolean>;
}

/** What the options ask; a string if one of them is wrong. */
function askedOf(options: RouteOptions): Asked | string {
  const at = options.at === undefined ? Date.now() : readMoment(options.at);
  if (at === null) {
    const { problem, hint } = notAMoment(options.at ?? '');
    return `--at: ${problem}; ${hint}`;
  }
  const facts = factsOfOptions(options);
  if (typeof facts === 'string') return facts;
  const verdicts = verdictsOf(options.verdict);
  if (typeof verdicts === 'string') return verdicts;
  const pressed = badDigits(options.digits);
  if (pressed !== null) return pressed;
  const answered = badLookup(options.lookup);
  if (answered !== null) return answered;
  const turned = switchesOf(options.switch);
  if (typeof turned === 'string') return turned;
  return { at, facts, verdicts, turned };
}

/** The first target or switch that the options name and the routes do not have. */
function unknownName(
  { verdicts, turned }: Asked,
  hangupAfter: string | undefined,
  set: Pick<RouteSet, 'targets' | 'switches'>,
): string | null {
  const targets = [...set.targets.keys()];
  const stranger = unknownTarget([...Object.keys(verdicts), hangupAfter ?? ''], set);
  if (stranger !== undefined) {
    return `unknown target ${JSON.stringify(plain(stranger))}; ${didYouMean(stranger, targets)}`;
  }
  const switches = [...set.switches.keys()];
  const noSwitch = Object.keys(turned).find((name) => !switches.includes(name));
  if (noSwitch === undefined) return null;
  const hint = didYouMean(noSwitch, switches) || 'the routes have none';
  return `unknown switch ${JSON.stringify(plain(noSwitch))}; ${hint}`;
}

function jsonOf({ rule, path, attempts, ends, trace }: Played) {
  return { rule, path, attempts: attempts.map(attemptJson), ends, trace };
}

/** Programs read exactly these fields of an attempt that is not skipped. */
function attemptJson(attempt: Played['attempts'][number]) {
  const { target, sip_address, verdict } = attempt;
  return verdict === 'skipped' ? attempt : { target, sip_address, verdict };
}

function textOf(played: Played, io: Io): string {
  const { bold, dim, green, red, cyan } = colours(io);
  const lines: string[] = [];
  for (const { rule, matched, why } of played.trace) {
    const mark = matched ? green('✓') : dim('·');
    lines.push(
      `${mark} ${matched ? bold(plain(rule)) : plain(rule)}  ${matched ? plain(why) : dim(plain(why))}`,
    );
  }
  if (played.rule === null) {
    const label = played.unmanaged ? dim('·') : `${green('✓')} ${bold('otherwise')} `;
    lines.push(`${label} ${plain(played.why)}`);
  }
  lines.push('');
  const left = [...played.attempts];
  for (const step of played.path) {
    const moving = /^(refer|transfer|skip) /.test(step);
    const attempt = moving ? left.shift() : undefined;
    lines.push(`  ${plain(step)}${attempt === undefined ? '' : attemptText(attempt)}`);
  }
  lines.push(`  ${bold('ends')} ${played.ends ?? 'nowhere'}`, '');
  return lines.join('\n');

  function attemptText({ sip_address, verdict, reason }: Played['attempts'][number]): string {
    const shown = verdict === 'completed' ? green(verdict) : red(verdict);
    const why = reason === undefined ? '' : dim(`: ${plain(reason)}`);
    return `  ${cyan(plain(sip_address))}  ${shown}${why}`;
  }
}
