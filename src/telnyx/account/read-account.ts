/**
 * Reads everything in the account that the checks need. One part that cannot be read does not
 * affect the others.
 */
import type { Account, Reading, VoiceProfile } from '../../core/account/account.ts';
import { type AccountSettings, ourApplications } from '../../core/account/finding.ts';
import { CALL_EVENT_TYPES } from '../missed-webhooks.ts';
import type { AccountClient, Progress } from './client.ts';

const DELIVERIES_LOOKED_AT = 50;
/**
 * The list of deliveries also holds those of other Telnyx products. Starts of prompts are left out,
 * so that they take no place among the newest.
 */
const CALL_EVENTS = CALL_EVENT_TYPES.filter(
  (type) => !/^call\.(speak|playback)\.started$/.test(type),
);

export async function readAccount(
  client: AccountClient,
  settings: Pick<AccountSettings, 'connectionIds'>,
  onNumbers?: Progress,
): Promise<Omit<Account, 'reached'>> {
  const [balance, publicKey, applications, numbers, voices, deliveries] = await Promise.all([
    client.balance(),
    client.publicKey(),
    client.applications(),
    client.numbers(onNumbers),
    client.voices(),
    client.newestDeliveries({ eventTypes: CALL_EVENTS }, DELIVERIES_LOOKED_AT),
  ]);
  const ours = ourApplications({ account: { applications }, settings }) ?? [];
  const profileIds = new Set(ours.flatMap(({ profileId }) => profileId ?? []));
  const profiles = new Map<string, Reading<VoiceProfile>>();
  for (const id of profileIds) profiles.set(id, await client.profile(id));
  return {
    clockOffMs: clockReading(client.clockOffMs()),
    balance,
    publicKey,
    applications,
    numbers,
    voices,
    profiles,
    deliveries,
  };
}

function clockReading(offMs: number | null): Reading<number> {
  return offMs === null
    ? { end: 'unreachable', why: 'no answer from Telnyx had the time' }
    : { end: 'value', value: offMs };
}
