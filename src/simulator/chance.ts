/**
 * Random numbers as a function: the same seed and key always give the same fraction. A generator
 * with state would depend on the order of calls, and the same seed would not give the same run.
 */
export function chance(seed: number, ...key: (string | number)[]): number {
  // FNV-1a over seed and key, then the finaliser of mulberry32 (public domain, Tommy Ettinger).
  let hash = 0x811c9dc5;
  for (const character of `${seed}|${key.join('|')}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  let mixed = (hash + 0x6d2b79f5) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
}
