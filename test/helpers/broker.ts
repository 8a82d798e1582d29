/**
 * Something that all suites share although each worker is a process of its own: made when the first
 * of them asks, so that runs without it need not wait. A globalSetup opens the broker.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Broker {
  /** For `askBroker`, in a worker. */
  url: string;
  /** Resolves when nothing is being made any more. */
  close(): Promise<void>;
}

/** `make` is called at most once; what it resolves with is the answer to everybody. */
export async function openBroker(make: () => Promise<string>): Promise<Broker> {
  let made: Promise<string> | null = null;
  const server = createServer((_, response) => {
    made ??= make();
    made.then(
      (answer) => response.end(answer),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.close();
      await made?.catch(() => null);
    },
  };
}

/** Rejects with the error of what could not be made. */
export async function askBroker(url: string): Promise<string> {
  const answer = await fetch(url);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}
