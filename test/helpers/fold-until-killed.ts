/** A process that adds ended calls to the hourly sums until it is killed. */
import { openStore } from '../../src/store/open.ts';

const [, , url = ''] = process.argv;
const store = await openStore(
  url.startsWith('sqlite:')
    ? { kind: 'sqlite', path: url.slice('sqlite:'.length) }
    : { kind: 'postgres', url },
);
process.stdout.write('open\n');
while ((await store.fold(100)) > 0);
await store.close();
