/** The house's one import rule: downwards only, and never sideways in the middle row. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../src');

/** What each part may import of ours; everybody may import what the root shares. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: ['core'],
  routing: ['core', 'routing'],
  telnyx: ['core', 'telnyx'],
  store: ['core', 'store'],
  simulator: ['core', 'simulator'],
  page: ['page'],
  engine: ['core', 'routing', 'telnyx', 'store', 'engine'],
  http: ['core', 'routing', 'telnyx', 'store', 'engine', 'http'],
};
/** What all parts share: the error family, what is logged and counted, and a map for what lives briefly. */
const SHARED = /^(errors|log|log-events|metrics|mask|troubles|brief-map)\.ts$/;
const SHARES: readonly string[] = ['routing', 'telnyx', 'store', 'engine', 'http', 'simulator'];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

describe('the import rule', () => {
  it.each(Object.keys(MAY_IMPORT))('%s imports only what is below it', (part) => {
    const own = files.filter((file) => file.startsWith(`${part}/`));
    const broken = own.flatMap((file) =>
      importsOf(file)
        .filter((imported) => !allowed(part, imported))
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

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path]) =>
    relative(SRC, join(SRC, dirname(file), path ?? '')),
  );
}

function allowed(part: string, imported: string): boolean {
  const folder = imported.includes('/') ? (imported.split('/')[0] ?? '') : '';
  if (folder !== '') return (MAY_IMPORT[part] ?? []).includes(folder);
  return SHARES.includes(part) && SHARED.test(imported);
}
