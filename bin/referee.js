#!/usr/bin/env node
// This file only uses syntax that Node 14 can parse, so that an old Node prints which version is
// needed instead of a syntax error.
import { existsSync } from 'node:fs';
import nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

// In a checkout Node runs the TypeScript directly. Node does not do that under node_modules, so the
// package contains JavaScript. A dist/ folder left by a build in a checkout is ignored.
const isCheckout = existsSync(new URL('../src/main.ts', import.meta.url));

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    `referee needs Node 24 or newer, this is ${process.version} (${process.execPath}).\n${
      isCheckout
        ? 'In a checkout use "npx referee" or "npm run": after "npm ci" they put the project\'s own Node 24 first on PATH.'
        : 'Get it from https://nodejs.org, with "nvm install 24" or with your system\'s packages; or, for this folder alone, "npm install node@24": npx and npm scripts then run it.'
    }`,
  );
  process.exitCode = 1;
} else {
  // SIGHUP reloads the routes of a server and must never end it, so it is taken before the server is
  // loaded, which takes a second. Until then there is nothing to reload.
  if (process.argv[2] === 'serve') process.on('SIGHUP', () => {});
  // After eight idle seconds V8 runs a full collection and returns memory. The next burst of calls
  // must take it again page by page, so its first few thousand webhooks cost at least half as much
  // again. This changes the eight seconds to an hour. The flag is V8's only way to set it, and V8
  // reads it at its first full collection, so it is set before the import.
  setFlagsFromString(`--gc-memory-reducer-start-delay-ms=${60 * 60 * 1000}`);
  // Under load V8 would soon allocate parts of a call in the old space, because some survived its
  // quick collections. They die as soon as the call's event is done, but are only removed by a full
  // collection, and until then every quick collection copies what they refer to. See
  // docs/decisions/garbage-collection.md.
  setFlagsFromString('--no-allocation-site-pretenuring');
  // Caches the code that Node has stripped of types and compiled. The cache is beside the program,
  // because anybody who can write there can change the program anyway. If we cannot write there,
  // nothing is cached, silently. This comes after the flags above, because cached files are only
  // valid with the same flags. Threads learn of the cache only through the environment.
  const { directory } = nodeModule.enableCompileCache(
    fileURLToPath(new URL('../node_modules/.cache/referee', import.meta.url)),
  );
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;
  import(isCheckout ? '../src/main.ts' : '../dist/main.js')
    .then(({ main }) => main(process.argv.slice(2)))
    .then((exitCode) => {
      process.exitCode = exitCode;
    });
}
