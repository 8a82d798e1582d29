/** The import rule: only downwards, and never sideways in the middle row. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../src');

/**
 * What each folder may import from ours. A file belongs to the longest matching name. The two most
 * important rules: the machine never imports the rules, and the two stores do not import each
 * other.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: ['core'],
  'core/machine': ['core/machine'],
  'core/rules': ['core/rules', 'core/machine', 'core/iso-time.ts'],
  'core/recording': ['core/recording', 'core/machine', 'core/rules'],
  'core/dry-run': ['core/dry-run', 'core/machine', 'core/rules'],
  'core/prove': ['core'],
  'core/replay': ['core'],
  log: ['log'],
  routing: ['core', 'routing', ...shared()],
  telnyx: ['core', 'telnyx', ...shared()],
  lookups: ['core', 'lookups', ...shared()],
  store: ['core', 'store', ...shared()],
  'store/contract': ['core', 'store/contract'],
  'store/sqlite': ['core', 'store/sqlite', 'store/rows', ...storeRoot(), ...shared()],
  'store/postgres': ['core', 'store/postgres', 'store/rows', ...storeRoot(), ...shared()],
  'store/rows': ['core', 'store/rows', ...storeRoot(), ...shared()],
  simulator: ['core', 'simulator', ...shared()],
  page: ['page'],
  engine: ['core', 'routing', 'telnyx', 'lookups', 'store', 'engine', ...shared()],
  http: ['core', 'routing', 'telnyx', 'store', 'engine', 'http', ...shared()],
  config: ['core', 'config', 'telnyx', ...shared()],
  tracing: ['core', 'engine', 'config', 'tracing', ...shared()],
};

/** What every part above the core may import: the error family, the log, and the counters. */
function shared(): string[] {
  return ['errors.ts', 'metrics.ts', 'log'];
}

function storeRoot(): string[] {
  const files = [
    'store/store.ts',
    'store/migrate.ts',
    'store/brief-map.ts',
    'store/make-folder.ts',
  ];
  return [...files, 'store/contract'];
}

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' });
const files = sources.filter((file) => file.endsWith('.ts'));

describe('the import rule', () => {
  it.each(Object.keys(MAY_IMPORT))('%s imports only what is below it', (room) => {
    const own = files.filter((file) => roomOf(file) === room);
    const broken = own.flatMap((file) =>
      importsOf(file)
        .filter((imported) => !allowed(room, imported))
        .map((imported) => `${file} -> ${imported}`),
    );
    expect(broken).toEqual([]);
  });

  it('is about folders that exist', () => {
    for (const part of Object.keys(MAY_IMPORT)) {
      if (part === 'page') continue;
      expect(
        files.some((file) => file.startsWith(`${part}/`)),
        part,
      ).toBe(true);
    }
  });

  it('core does no I/O and has no clock', () => {
    const broken = files
      .filter((file) => file.startsWith('core/'))
      .filter((file) => {
        const text = readFileSync(join(SRC, file), 'utf8').replaceAll(
          /\/\*[\s\S]*?\*\/|\/\/.*/g,
          '',
        );
        return /Date\.now|new Date\(\)|Math\.random|process\.|node:(?!crypto)|\bawait\b/.test(text);
      });
    expect(broken).toEqual([]);
  });
});

describe('the folders of a part, apart from the files at its top,', () => {
  it.each(['cli', 'core/rules', 'engine', 'http', 'page', 'routing', 'store'])(
    'import each other in no circle: %s',
    (part) => {
      const inFolders = (file: string) => file.startsWith(`${part}/`) && dirname(file) !== part;
      const imported = new Map<string, Set<string>>();
      for (const file of sources.filter((it) => /\.[jt]s$/.test(it) && inFolders(it))) {
        const folder = dirname(file);
        const others = importsOf(file)
          .filter(inFolders)
          .map((it) => dirname(it));
        const known = imported.get(folder) ?? [];
        imported.set(folder, new Set([...known, ...others.filter((it) => it !== folder)]));
      }
      expect(imported.size).toBeGreaterThan(1);
      expect([...imported.keys()].filter((folder) => isReached(folder, imported))).toEqual([]);
    },
  );
});

/** Whether the imports of a folder lead back to it. */
function isReached(folder: string, imported: Map<string, Set<string>>): boolean {
  const reached = new Set(imported.get(folder));
  // A set that grows while it is walked is walked to its end.
  for (const next of reached) {
    for (const further of imported.get(next) ?? []) reached.add(further);
  }
  return reached.has(folder);
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path]) =>
    relative(SRC, join(SRC, dirname(file), path ?? '')),
  );
}

function roomOf(file: string): string | undefined {
  const rooms = Object.keys(MAY_IMPORT).filter((room) => file.startsWith(`${room}/`));
  return rooms.sort((a, b) => b.length - a.length)[0];
}

function allowed(room: string, imported: string): boolean {
  return (MAY_IMPORT[room] ?? []).some(
    (part) => imported === part || imported.startsWith(`${part}/`),
  );
}
