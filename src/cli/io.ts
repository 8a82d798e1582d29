/** What a subcommand may touch of the world, as an argument: tests pass their own. */
export interface Io {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  /** Lines typed at a running command; default the process's own. */
  stdin?: NodeJS.ReadableStream;
  env: Record<string, string | undefined>;
  isTTY: boolean;
}
