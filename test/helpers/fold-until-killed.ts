/** A process that folds ended calls into the hourly sums until somebody kills it. */
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
