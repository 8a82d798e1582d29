/** Connects the account watch with Telnyx and the live routes. */
import { failedSince } from '../core/account/deliveries.ts';
import { examine } from '../core/account/examine.ts';
import type { AccountSettings } from '../core/account/finding.ts';
import { routeFacts } from '../core/account/route-facts.ts';
import type { Log } from '../log/log.ts';
import type { Trouble } from '../log/troubles.ts';
import type { Routes } from '../routing/reload.ts';
import type { Store } from '../store/store.ts';
import { createAccountClient } from '../telnyx/account/client.ts';
import { readAccount } from '../telnyx/account/read-account.ts';
import type { ProxyAddress } from '../telnyx/transport.ts';
import { createAccountWatch } from './account-watch.ts';

export interface AccountServiceOptions {
  apiUrl: string;
  apiKey: string;
  proxy: ProxyAddress | null;
  publicKeys: readonly Buffer[];
  connectionIds: ReadonlySet<string> | null;
  database: { kind: Store['kind'] };
  accountCheckMinutes: number;
  routes: Routes;
  log: Log;
  /** Telnyx's list of deliveries contains webhooks that did not reach us since this time. */
  missed(since: number): void;
}

export interface AccountService {
  start(): void;
  troubles(): Trouble[];
  stop(): Promise<void>;
}

export function createAccountService(options: AccountServiceOptions): AccountService {
  const { apiUrl, apiKey, proxy, routes, log } = options;
  const client = createAccountClient({ apiUrl, apiKey, proxy });
  const settings: AccountSettings = {
    publicKeys: options.publicKeys.map((key) => key.toString('base64')),
    connectionIds: options.connectionIds,
    store: options.database.kind,
    url: null,
  };
  const watch = createAccountWatch({
    everyMs: options.accountCheckMinutes * 60_000,
    log,
    now: Date.now,
    async look() {
      const account = { ...(await readAccount(client, settings)), reached: new Map() };
      const facts = routeFacts(routes.current(), routes.exampleNumbers());
      const seen = { account, routes: facts, settings, now: Date.now() };
      // A proxy in front of us may have been away, which nothing that reaches us shows.
      const since = failedSince(seen);
      if (since !== null) options.missed(since);
      // Whether webhooks reach us can only be seen from outside, where Telnyx sends them from.
      return examine(seen, ['reachable']);
    },
  });
  return {
    start: watch.start,
    troubles: watch.troubles,
    async stop() {
      watch.stop();
      await client.close();
    },
  };
}
