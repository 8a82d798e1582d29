import dns from 'node:dns';
import Fastify from 'fastify';
import { expect, onTestFinished, test, vi } from 'vitest';
import { listen } from '../../src/http/listening.ts';

test('localhost is one server, also where the name has two addresses', async () => {
  const real = dns.lookup;
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
    name: string,
    options: dns.LookupAllOptions,
    done: (error: Error | null, found: dns.LookupAddress[]) => void,
  ) => {
    if (name !== 'localhost') return real(name, options, done);
    return done(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]);
  }) as never);
  const server = Fastify();
  onTestFinished(async () => {
    lookup.mockRestore();
    await server.close();
  });
  const url = await listen(server, { host: 'localhost', port: 0, variable: 'PORT' });
  expect(server.addresses()).toMatchObject([{ address: '127.0.0.1' }]);
  expect((await fetch(url)).status).toBe(404);
});
