/**
 * Keeps connections to Telnyx open in quiet hours, so that the first command afterwards needs no
 * name lookup and no handshake. A load balancer usually closes a connection that was idle for 60 s,
 * so a small request is sent before that.
 */
import type { TelnyxClient } from '../../telnyx/client.ts';

export interface KeepWarm {
  start(): void;
  stop(): void;
}

export interface KeepWarmOptions {
  client: Pick<TelnyxClient, 'quietMs' | 'warm'>;
  /** 0: never. */
  everyMs: number;
}

export function createKeepWarm({ client, everyMs }: KeepWarmOptions): KeepWarm {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function look(): Promise<void> {
    const quietMs = client.quietMs();
    if (quietMs < everyMs) {
      arm(everyMs - quietMs);
      return;
    }
    await client.warm();
    arm(everyMs);
  }

  function arm(ms: number): void {
    // Rounded up: a timer that fires early would find nothing to do, and wait for 0 ms.
    if (!stopped) timer = setTimeout(look, Math.ceil(ms)).unref();
  }

  return {
    start() {
      if (everyMs > 0) arm(everyMs);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
