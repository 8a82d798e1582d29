import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../helpers/waiting.ts';
import { createNode } from './node.ts';

/** Logs that its store is away before it is ready, and whenever it is asked for /away. */
const PROGRAM = `import { createServer } from 'node:http';
const away = (event) => console.log(JSON.stringify({ level: 'error', event, err: { code: 'STORE_UNAVAILABLE' } }));
away('store.unavailable');
away('sweep.failed');
let asked = 0;
createServer(({ url }, response) => {
  if (url === '/away') away('sweep.failed');
  else asked += 1;
  response.writeHead(asked > 2 ? 200 : 503).end();
}).listen(Number(process.env.PORT), '127.0.0.1');
`;

test('an error that the store is away counts unless the service was starting', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'referee-node-'));
  const program = join(folder, 'program.mjs');
  await writeFile(program, PROGRAM);
  const node = await createNode('node', folder, {}, program);
  onTestFinished(async () => {
    await node.kill();
    await rm(folder, { recursive: true });
  });
  await node.start();
  expect(node.errors).toEqual([]);
  expect(Object.fromEntries(node.logged)).toEqual({ 'store.unavailable': 1, 'sweep.failed': 1 });
  await (await fetch(`${node.url}/away`)).arrayBuffer();
  await waitFor(() => expect(node.errors).toEqual([expect.stringContaining('sweep.failed')]));
});
