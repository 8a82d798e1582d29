#!/usr/bin/env node
// Only what Node 14 can read stands here: an older Node is told which one is needed instead of failing on
// the first thing that it does not know.
import { existsSync } from 'node:fs';
import nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

// In a checkout the program is TypeScript that Node runs as it is. Node does not do so under node_modules,
// so the package holds it as JavaScript; a dist/ that a build left in a checkout does not count.
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
  // After eight quiet seconds V8 gives memory back, with a full collection, and the next burst of calls takes it
  // again page by page: its first thousands of webhooks then cost half as much again and more. Quiet is an hour
  // here. V8 has no API for it but this flag, and reads it at its first full collection: hence before the import.
  setFlagsFromString(`--gc-memory-reducer-start-delay-ms=${60 * 60 * 1000}`);
  // What Node has stripped of its types and compiled once, it need not again. It is kept beside the
  // program: whoever can write there can change the program itself. Where we cannot, nothing is kept
  // and nothing is said. After the flag above, which is part of what a kept file is valid for. Our
  // threads hear of it by the environment alone.
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
