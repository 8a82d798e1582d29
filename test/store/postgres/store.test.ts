import { openStore } from '../../../src/store/open.ts';
import { freshDatabase } from '../../helpers/postgres.ts';
import { storeContract } from '../contract.ts';

storeContract('PostgreSQL', async () => {
  const { url, drop } = await freshDatabase();
  return {
    open: (options) => openStore({ kind: 'postgres', url }, options),
    end: drop,
  };
});
