/**
 * `npm run soak`: thousands of calls through the real service and a bad network. It is for
 * developers and not a subcommand, because operators do not need it. Exits with 1 if anything is
 * wrong.
 */
import { parseOptions, USAGE } from './options.ts';
import { playSoak } from './play.ts';
import { report } from './report.ts';

async function main(argv: string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(USAGE);
    return 0;
  }
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions(argv);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const result = await playSoak(options, (text) => void process.stderr.write(`${text}\n`));
  process.stdout.write(report(options, result));
  const good = result.problems.length === 0 && result.calls.every((c) => c.violations.length === 0);
  return good ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
