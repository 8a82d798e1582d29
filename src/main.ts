import { runCli } from './cli.ts';

export function main(argv: string[]): Promise<number> {
  const { stdout, stderr, stdin, env } = process;
  return runCli(argv, { stdout, stderr, stdin, env, isTTY: stdout.isTTY === true });
}
