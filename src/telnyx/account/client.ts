/**
 * The account's endpoints, typed: reads whose result says how they ended, and the writes that
 * `referee setup` needs.
 */
import type {
  Application,
  Balance,
  Delivery,
  NumberVoice,
  PhoneNumber,
  Reading,
  VoiceProfile,
} from '../../core/account/account.ts';
import type { FieldChange } from '../../core/account/change.ts';
import { type Fields, field } from '../fields.ts';
import { pathSegment } from '../request.ts';
import { type AskingOptions, createAsking, type Query } from './asking.ts';
import { type DeliveryFilter, deliveryQuery, readDelivery } from './deliveries.ts';
import { unreachable } from './reading.ts';
import {
  readApplication,
  readBalance,
  readDialled,
  readNumber,
  readProfile,
  readPublicKey,
  readVoice,
} from './resources.ts';

/** Items read so far, and the total if Telnyx gives one. */
export type Progress = (read: number, total: number | null) => void;

/** What is written to an application; a field left out stays as it is. */
interface ApplicationWrite {
  /** Both are required by Telnyx in every write, changed or not. */
  name: string;
  webhookUrl: string;
  fields: readonly Pick<FieldChange, 'field' | 'after'>[];
}

interface Dial {
  connectionId: string;
  from: string;
  to: string;
  /** Telnyx ends the call after this time, even if this process is gone by then. */
  timeLimitSecs: number;
}

export interface AccountClient {
  balance(): Promise<Reading<Balance>>;
  publicKey(): Promise<Reading<string>>;
  applications(): Promise<Reading<Application[]>>;
  application(id: string): Promise<Reading<Application>>;
  numbers(onProgress?: Progress): Promise<Reading<PhoneNumber[]>>;
  number(id: string): Promise<Reading<PhoneNumber>>;
  /** The voice settings of all numbers, by the number's id. */
  voices(onProgress?: Progress): Promise<Reading<ReadonlyMap<string, NumberVoice>>>;
  profile(id: string): Promise<Reading<VoiceProfile>>;
  /** All pages, newest first. */
  deliveries(filter: DeliveryFilter): Promise<Reading<Delivery[]>>;
  /** One page of at most `count`, newest first. */
  newestDeliveries(filter: DeliveryFilter, count: number): Promise<Reading<Delivery[]>>;
  createApplication(write: ApplicationWrite): Promise<Reading<Application>>;
  updateApplication(id: string, write: ApplicationWrite): Promise<Reading<Application>>;
  /** Assigns the number to a connection; null: to none. */
  assignNumber(id: string, connectionId: string | null): Promise<Reading<PhoneNumber>>;
  /** Places a call: phones ring, and it costs money. */
  dial(call: Dial): Promise<Reading<{ callId: string }>>;
  hangUp(callId: string): Promise<Reading<Fields>>;
  /** How far Telnyx's clock is ahead of ours, by the last answer; null before the first. */
  clockOffMs(): number | null;
  close(): Promise<void>;
}

/** Small pages, because a delivery has a request and an answer of 10 kB each for every attempt. */
const DELIVERIES_PAGE = '50';

export function createAccountClient(options: AskingOptions): AccountClient {
  const asking = createAsking(options);

  async function one<T>(path: string, read: (data: unknown) => T | null): Promise<Reading<T>> {
    return dataOf(await asking.get(path), path, read);
  }

  async function all<T>(
    path: string,
    read: (entry: unknown) => T | null,
    query: Query = {},
    onProgress?: Progress,
  ): Promise<Reading<T[]>> {
    return eachOf(await asking.list(path, query, onProgress), path, read);
  }

  async function written<T>(
    method: 'POST' | 'PATCH',
    path: string,
    body: Fields,
    read: (data: unknown) => T | null,
  ): Promise<Reading<T>> {
    return dataOf(await asking.write(method, path, body), path, read);
  }

  const newestFirst = (reading: Reading<Delivery[]>): Reading<Delivery[]> =>
    reading.end === 'value'
      ? { end: 'value', value: reading.value.toSorted((a, b) => startOf(b) - startOf(a)) }
      : reading;

  return {
    balance: () => one('/balance', readBalance),
    publicKey: () => one('/public_key', readPublicKey),
    applications: () => all('/call_control_applications', readApplication),
    application: (id) =>
      one(`/call_control_applications/${encodeURIComponent(id)}`, readApplication),
    numbers: (onProgress) => all('/phone_numbers', readNumber, {}, onProgress),
    number: (id) => one(`/phone_numbers/${encodeURIComponent(id)}`, readNumber),
    async voices(onProgress) {
      const reading = await all('/phone_numbers/voice', readVoice, {}, onProgress);
      return reading.end === 'value' ? { end: 'value', value: new Map(reading.value) } : reading;
    },
    profile: (id) => one(`/outbound_voice_profiles/${encodeURIComponent(id)}`, readProfile),
    async deliveries(filter) {
      const query = { ...deliveryQuery(filter), 'page[size]': DELIVERIES_PAGE };
      return newestFirst(await all('/webhook_deliveries', readDelivery, query));
    },
    async newestDeliveries(filter, count) {
      const query = { ...deliveryQuery(filter), 'page[size]': String(count) };
      const reading = await asking.get('/webhook_deliveries', query);
      if (reading.end !== 'value') return reading;
      const { data } = reading.value;
      if (!Array.isArray(data)) return unreadable('/webhook_deliveries');
      return newestFirst(
        eachOf({ end: 'value', value: data }, '/webhook_deliveries', readDelivery),
      );
    },
    createApplication: (write) =>
      written('POST', '/call_control_applications', applicationBody(write), readApplication),
    updateApplication: (id, write) =>
      written(
        'PATCH',
        `/call_control_applications/${encodeURIComponent(id)}`,
        applicationBody(write),
        readApplication,
      ),
    assignNumber: (id, connectionId) =>
      written(
        'PATCH',
        `/phone_numbers/${encodeURIComponent(id)}`,
        { connection_id: connectionId },
        readNumber,
      ),
    dial: ({ connectionId, from, to, timeLimitSecs }) =>
      written(
        'POST',
        '/calls',
        { connection_id: connectionId, from, to, time_limit_secs: timeLimitSecs },
        readDialled,
      ),
    hangUp: (callId) => asking.write('POST', `/calls/${pathSegment(callId)}/actions/hangup`, {}),
    clockOffMs: () => asking.clockOffMs(),
    close: () => asking.close(),
  };
}

function applicationBody({ name, webhookUrl, fields }: ApplicationWrite): Fields {
  return {
    ...Object.fromEntries(fields.map(({ field, after }) => [field, after])),
    application_name: name,
    webhook_event_url: webhookUrl,
  };
}

function dataOf<T>(
  reading: Reading<Fields>,
  path: string,
  read: (data: unknown) => T | null,
): Reading<T> {
  if (reading.end !== 'value') return reading;
  const value = read(field(reading.value, 'data'));
  return value === null ? unreadable(path) : { end: 'value', value };
}

/**
 * If one entry cannot be read, the whole list counts as unreadable: a partial list would look
 * complete.
 */
function eachOf<T>(
  reading: Reading<unknown[]>,
  path: string,
  read: (entry: unknown) => T | null,
): Reading<T[]> {
  if (reading.end !== 'value') return reading;
  const items = reading.value.map(read);
  return items.includes(null) ? unreadable(path) : { end: 'value', value: items as T[] };
}

function unreadable(path: string) {
  return unreachable(`${path} gave an undocumented answer`);
}

function startOf({ startedAt }: Delivery): number {
  return startedAt ?? 0;
}
