/** `referee schema`: the JSON Schema of a route file, for editors and other tools. */
import type { Command } from 'commander';
import { schemaText } from '../routing/schema/schema.ts';
import type { Io } from './terminal/io.ts';

export function schemaCommand(program: Command, io: Io): void {
  program
    .command('schema')
    .description('print the JSON Schema of a route file')
    // The output is always JSON, but the option is accepted for consistency.
    .option('--json', 'the same')
    .action(() => {
      io.stdout.write(schemaText());
    });
}
