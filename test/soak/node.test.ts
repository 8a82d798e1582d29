import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../helpers/waiting.ts';
import { createNode } from './node.ts';

/** Logs that its store is away at its start, and whenever it is asked for /away. */
const PROGRAM = `import { createServer } from 'node:http';
const log = (line) => console.log(JSON.stringify(line));
const away = (event) => log({ level: 'error', event, err: { code: 'STORE_UNAVAILABLE' } });
away('store.unavailable');
away('sweep.failed');
let asked = 0;
createServer(({ url }, response) => {
  if (url === '/away') away('sweep.failed');
  else if (url === '/warm') log({ level: 'info', event: 'server.warm' });
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
  const ask = async (path: string) => (await fetch(`${node.url}${path}`)).arrayBuffer();
  // Its webhooks may make it ready before it is warm.
  await ask('/away');
  await ask('/warm');
  await waitFor(() => expect(node.logged.get('server.warm')).toBe(1));
  expect(node.errors).toEqual([]);
  expect(Object.fromEntries(node.logged)).toMatchObject({
    'store.unavailable': 1,
    'sweep.failed': 2,
  });
  await ask('/away');
  await waitFor(() => expect(node.errors).toEqual([expect.stringContaining('sweep.failed')]));
});
