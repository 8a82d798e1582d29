import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../../src/store/open.ts';
import { storeContract } from '../contract.ts';

storeContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'referee-store-'));
  const path = join(folder, 'made', 'on', 'the', 'way', 'referee.db');
  return {
    open: (options) => openStore({ kind: 'sqlite', path }, options),
    end: () => rm(folder, { recursive: true }),
  };
});
