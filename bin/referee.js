#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// The whole program is TypeScript that Node 24 runs as it is; an older Node is told so instead of
// failing on the first type annotation.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `referee needs Node 24 or newer, this is ${process.version}. In a checkout use "npx referee" or "npm run": they put the project's own Node 24 first on PATH.`,
  );
  process.exit(1);
}
// After eight quiet seconds V8 gives memory back, with a full collection, and the next burst of calls takes it
// again page by page: its first thousands of webhooks then cost half as much again and more. Quiet is an hour
// here. V8 has no API for it but this flag, and reads it at its first full collection: hence before the import.
setFlagsFromString(`--gc-memory-reducer-start-delay-ms=${60 * 60 * 1000}`);
const { main } = await import('../src/main.ts');
process.exitCode = await main(process.argv.slice(2));
