/** The store that a contract tests, and helpers for its tests. A test file runs one contract. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Outcome } from '../../../src/core/machine/command.ts';
import { type CommitUnit, loadKeys } from '../../../src/store/contract/calls.ts';
import type { Claim } from '../../../src/store/contract/outbox.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, type aChange, aCommand, aUnit } from '../../helpers/documents.ts';

export interface Opened {
  open(options?: { codeVersion?: number }): Promise<Store>;
  /** Stops whatever the database needs. */
  end(): Promise<void>;
}

export const LONG: Claim = { owner: 'replica-a', leaseMs: 60_000 };
export const SHORT: Claim = { owner: 'replica-a', leaseMs: 40 };
export const ACCEPTED: Outcome = { kind: 'accepted', status: 200, alive: null };
export const CUT = {
  kind: 'retry',
  status: null,
  detail: 'connection cut',
  afterMs: null,
  provenUnsent: false,
} satisfies Outcome;

export let opened: Opened;
export let store: Store;
export let count = 0;
/** Makes ids unique to this test, because the whole suite shares the database. */
export let run = '';

/** Opens the store once, and empties its outbox before each test. */
export function setScene(prepare: () => Promise<Opened>): void {
  beforeAll(async () => {
    opened = await prepare();
    store = await opened.open();
  });
  afterAll(async () => {
    await store.close();
    await opened.end();
  });
  beforeEach(async () => {
    count += 1;
    run = `t${count}`;
    // Removes whatever other tests left in the outbox or due.
    await store.releaseLeases(null);
    for (const { command } of await store.claim(LONG, 10_000)) {
      const found = await store.find(command.callId);
      if (!found) continue;
      const settle = [
        { commandId: command.id, owner: LONG.owner, outcome: ACCEPTED, retryAt: null },
      ];
      await store.commit(
        [aUnit({ ...found.call, deadlines: [] }, found.version, { settle })],
        null,
      );
    }
  });
}

export const load = (given: Parameters<typeof loadKeys>[0]) => store.load(loadKeys(given));
export const commit = (...units: CommitUnit[]) => store.commit(units, null);
export const versionOf = async (id: string) => (await store.find(id))?.version;

/** Stores a call with one command; gives its ids. */
export async function withCommand(
  action: 'answer' | 'hangup' = 'answer',
  claim: Claim | null = null,
) {
  const callId = `${run}-call`;
  const commandId = `${run}-${action}`;
  const found = await store.find(callId);
  const unit = aUnit(found?.call ?? aCall(callId), found?.version ?? 0, {
    commands: [aCommand(commandId, callId, action)],
  });
  return { callId, commandId, ...(await store.commit([unit], claim)) };
}

export async function settle(
  commandId: string,
  outcome: Outcome,
  retryAt: number | null,
  owner = LONG.owner,
) {
  return change({ settle: [{ commandId, owner, outcome, retryAt }] });
}

export async function change(given: Parameters<typeof aChange>[2]) {
  const found = await store.find(`${run}-call`);
  if (!found) throw new Error('no call');
  return commit(aUnit(found.call, found.version, given));
}

export async function claimIds(claim: Claim = LONG) {
  return (await store.claim(claim, 100)).map(({ command }) => command.id);
}
