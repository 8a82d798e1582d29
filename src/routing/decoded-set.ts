/** The input for building a set. */

import type { Positions } from './decode/positions.ts';
import type { Folder } from './files/folder.ts';
import type { Handlers } from './handlers/handlers.ts';
import type { RouteFile } from './schema/schema.ts';
import type { Environment } from './targets/targets.ts';

export interface DecodedFile {
  file: string;
  routes: RouteFile;
  positions: Positions;
}

export interface DecodedSet {
  files: DecodedFile[];
  folder: Folder;
  hash: string;
  /**
   * The number of route files that could not be read at all. What they define is unknown, not
   * missing.
   */
  unread: number;
}

export interface BuildOptions {
  env: Environment;
  /** Null: handlers are switched off. */
  handlers: Handlers | null;
  nowMs: number;
}
