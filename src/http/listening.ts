/** Makes a server listen, or reports why it cannot, naming the environment variable. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { CannotListen } from '../errors.ts';
import { HTTP_LIMITS } from './limits.ts';

export interface Listening {
  host: string;
  port: number;
  /** The environment variable that sets the port. */
  variable: 'PORT' | 'ADMIN_PORT';
}

/** Returns its URL, with the port that the system chose for 0. Rejects with CannotListen. */
export async function listen(server: FastifyInstance, where: Listening): Promise<string> {
  const { port } = where;
  // For this name Fastify would open a second server for ::1, which has none of our limits and
  // whose requests a stop would not wait for.
  const host = where.host === 'localhost' ? '127.0.0.1' : where.host;
  try {
    await server.listen({ host, port, backlog: HTTP_LIMITS.backlog });
  } catch (cause) {
    throw new CannotListen(problemOf(cause as NodeJS.ErrnoException, where), { cause });
  }
  const { port: bound } = server.server.address() as AddressInfo;
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${bound}`;
}

function problemOf(error: NodeJS.ErrnoException, { host, port, variable }: Listening): string {
  const what = `cannot listen on HOST=${host}, ${variable}=${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `${what}: another program has this port (${error.message}). Set ${variable} to a free one, or end that program.`;
    case 'EACCES':
      return `${what}: ports below 1024 need privileges (${error.message}). Set ${variable} to a higher one.`;
    case 'EADDRNOTAVAIL':
      return `${what}: this machine has no such address (${error.message}). Set HOST to an address of this machine, or to 0.0.0.0 for all of them.`;
  }
  if (error.syscall === 'getaddrinfo') {
    return `${what}: the name ${host} does not resolve (${error.message}). Set HOST to an address of this machine, or to 0.0.0.0 for all of them.`;
  }
  return `${what}: ${error.message}. Set HOST to an address of this machine.`;
}
