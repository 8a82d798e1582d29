/**
 * A part of a whole, rounded to thousandths; null if there is no whole. It is 0 or 1 only if that
 * is exact: one caller of ten thousand who was lost must not read as none.
 */
export function rateOf(part: number, whole: number): number | null {
  if (whole === 0) return null;
  const rounded = Math.round((part / whole) * 1_000) / 1_000;
  if (rounded === 0 && part > 0) return 0.001;
  return rounded === 1 && part < whole ? 0.999 : rounded;
}
