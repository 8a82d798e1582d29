/**
 * `npm test` runs the short form of a search by chance, and of cases whose input only has to be
 * large. PROPERTY_RUNS makes it as long as wanted, with the largest inputs: see CONTRIBUTING.md.
 */
const GIVEN = process.env.PROPERTY_RUNS;

export function runs(short: number): number {
  return Number(GIVEN ?? short);
}

export function size(short: number, largest: number): number {
  return GIVEN === undefined ? short : largest;
}
