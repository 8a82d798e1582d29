import { expect, test } from 'vitest';
import { unfitness } from '../../../src/store/postgres/migrate.ts';

const fit = { version: 15, encoding: 'UTF8', clientEncoding: 'UTF8', readOnly: false };

test.each([
  [{}, null],
  [{ version: 18 }, null],
  [{ version: 14 }, /is version 14: PostgreSQL 15 or newer/],
  [{ version: 9 }, /is version 9/],
  [{ encoding: 'LATIN1' }, /ENCODING 'UTF8'/],
  [{ encoding: 'SQL_ASCII' }, /ENCODING 'UTF8'/],
  [{ clientEncoding: 'LATIN1' }, /client_encoding LATIN1/],
  [{ readOnly: true }, /must name the primary/],
])('a server with %j is fit, or says why not', (facts, words) => {
  const said = unfitness({ ...fit, ...facts });
  if (words === null) expect(said).toBeNull();
  else expect(said).toMatch(words);
});
