/**
 * The environment in which a process of ours starts in half the time: the suites start hundreds, and what
 * Node has compiled once it need not compile again. https://nodejs.org/api/module.html#module-compile-cache
 */
import { join } from 'node:path';

export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/compile'),
};
