/**
 * A port for what is told its number before it starts: a server that is killed and started again, a
 * proxy, or an address where nobody listens. Nobody else takes it as long as this process lives,
 * also while nothing listens on it. Servers that can choose for themselves listen on 0.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below what systems choose from for 0 and for outgoing connections: Linux from 32768 on, others
 * from 49152. A port of theirs that is free now may be anybody's a moment later.
 */
const FIRST = 20_000;
const PAIRS = 6_000;

export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + 2 * randomInt(PAIRS);
    // The odd port beside it is held, so that no other call of this function chooses the same.
    const claim = await listenOn(port + 1);
    const trial = claim && (await listenOn(port));
    if (trial === null) claim?.close();
    else {
      claim?.unref();
      trial.close();
      await once(trial, 'close');
      return port;
    }
  }
}

/** Null if the port is taken. */
async function listenOn(port: number): Promise<Server | null> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
    throw error;
  }
}
