/**
 * All checks of an account, in the order in which they are reported. They are pure functions of the
 * account, the routes and the settings.
 */
import { apiKey, balance, clock, publicKey } from './access.ts';
import { apiVersion, application, cost, reachable, timeouts, webhookUrl } from './applications.ts';
import { deliveries } from './deliveries.ts';
import type { CheckName, Finding, Seen } from './finding.ts';
import { attestation, transfer } from './moves.ts';
import { foreign, numbers, unrouted } from './numbers.ts';

export const CHECKS: Record<CheckName, (seen: Seen) => Finding[]> = {
  api_key: apiKey,
  clock,
  balance,
  public_key: publicKey,
  application,
  api_version: apiVersion,
  webhook_url: webhookUrl,
  reachable,
  timeouts,
  deliveries,
  numbers,
  unrouted,
  foreign,
  attestation,
  transfer,
  cost,
};

export function examine(seen: Seen, without: readonly CheckName[] = []): Finding[] {
  return Object.entries(CHECKS).flatMap(([name, check]) =>
    without.includes(name as CheckName) ? [] : check(seen),
  );
}
