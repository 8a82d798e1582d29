/** Commander exits with 1 on a wrong command line; a command for which 1 means something else says 2. */
import type { Command } from 'commander';

export function exitsTwoOnUsage(command: Command): void {
  command.exitOverride((error) => {
    if (error.exitCode === 1) error.exitCode = 2;
    throw error;
  });
}
