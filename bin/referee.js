#!/usr/bin/env node
// The whole program is TypeScript that Node 24 runs as it is; an older Node is told so instead of
// failing on the first type annotation.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `referee needs Node 24 or newer, this is ${process.version}. In a checkout use "npx referee" or "npm run": they put the project's own Node 24 first on PATH.`,
  );
  process.exit(1);
}
const { main } = await import('../src/main.ts');
process.exitCode = await main(process.argv.slice(2));
