/**
 * Preloaded into a server with `--import`: it stops itself (SIGSTOP) once, when the first REFER has
 * been permitted and handed to undici, and before anything of it is written. A signal from outside
 * would hit this moment only by chance.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

const CREATED = 'undici:request:create';

function stopAtRefer(message: unknown): void {
  const { request } = message as { request: { path: string } };
  if (!request.path.endsWith('/refer')) return;
  unsubscribe(CREATED, stopAtRefer);
  process.kill(process.pid, 'SIGSTOP');
}

subscribe(CREATED, stopAtRefer);
