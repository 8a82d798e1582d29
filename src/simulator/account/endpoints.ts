/** The account's endpoints. Authentication and limits have been checked before. */
import { type Answer, CUT, data, refused } from '../answer.ts';
import { CONNECTION_ID } from '../identity.ts';
import { type Leg, type PlacedLegs, secondsOf } from '../leg.ts';
import { badRequest, RESOURCE_NOT_FOUND } from '../refusal.ts';
import type { Application } from './account.ts';
import { callEvents } from './call-events.ts';
import { type DeliveryLog, matches } from './deliveries.ts';
import { createFaults, spoilt } from './faults.ts';
import { pageOf } from './pages.ts';
import {
  applications,
  connections,
  numberJson,
  numbers,
  type ShownAccount,
  shown,
  voiceJson,
} from './resources.ts';
import { createApplication, updateApplication, updateNumber, updateVoice } from './writes.ts';

export interface AccountWrite {
  method: string;
  path: string;
  body: unknown;
  status: number;
}

interface AccountEndpointsOptions extends ShownAccount {
  /** The public key of the webhooks' signatures. */
  publicKey: string;
  deliveries: DeliveryLog;
  calls: () => readonly PlacedLegs[];
  living: () => Leg[];
  /** Called when an application's URL was set through the API; its events go there from now on. */
  onUrl: (application: Application) => void;
  /** Handles POST /calls. */
  dial: (body: unknown) => Answer;
  pause: (ms: number) => Promise<void>;
}

export interface AccountEndpoints {
  /** True if the path is one of the account's endpoints. */
  knows(path: string): boolean;
  answer(method: string, url: string, body: unknown): Promise<Answer>;
  /** Every POST and PATCH received, including refused ones. */
  writes: AccountWrite[];
}

const PATH =
  /^(?:\/v2)?\/(balance|public_key|call_events|webhook_deliveries|call_control_applications|phone_numbers|outbound_voice_profiles|connections|calls)(?:\/([^/?]+))?(?:\/([^/?]+))?$/;
const WRITES_MAX = 1_000;

interface Asked {
  method: string;
  endpoint: string;
  id: string | null;
  path: string;
  query: URLSearchParams;
  body: unknown;
}

export function createAccountEndpoints(options: AccountEndpointsOptions): AccountEndpoints {
  const { account } = options;
  const faultOf = createFaults(account);
  const writes: AccountWrite[] = [];

  async function answer(method: string, url: string, body: unknown): Promise<Answer> {
    const asked = read(method, url, body);
    if (asked === null) return refused(RESOURCE_NOT_FOUND);
    const fault = faultOf(asked.endpoint, method);
    if (fault?.slow_secs !== undefined) await options.pause(fault.slow_secs * 1000);
    const given = fault === undefined ? null : spoilt(fault);
    const done = given ?? answerTo(asked, options);
    const answered = fault?.cut === 'after' ? CUT : done;
    if (method !== 'GET' && writes.length < WRITES_MAX) {
      writes.push({ method, path: asked.path, body, status: answered.status });
    }
    return withDate(answered, account.date_offset_secs);
  }

  return { knows: (path) => read('GET', path, null) !== null, answer, writes };
}

function read(method: string, url: string, body: unknown): Asked | null {
  const [path = '', query = ''] = url.split('?', 2);
  const match = PATH.exec(path);
  if (match === null) return null;
  const [, first = '', second, third] = match;
  // A single call does not belong to the account's endpoints.
  if (first === 'calls' && second !== undefined) return null;
  const isVoice = first === 'phone_numbers' && (third ?? second) === 'voice';
  const isActive = first === 'connections' && third === 'active_calls';
  return {
    method,
    endpoint: isVoice ? 'phone_numbers/voice' : isActive ? 'active_calls' : first,
    id: isVoice && third === undefined ? null : (second ?? null),
    path: path.startsWith('/v2') ? path : `/v2${path}`,
    query: new URLSearchParams(query),
    body,
  };
}

function answerTo(asked: Asked, options: AccountEndpointsOptions): Answer {
  const { account } = options;
  const { method, endpoint, id } = asked;
  if (method !== 'GET') return written(asked, options);
  const list = (items: readonly unknown[]): Answer => ({
    status: 200,
    body: pageOf(items, { form: account.pagination.lists, path: asked.path, query: asked.query }),
  });
  switch (endpoint) {
    case 'balance':
      return data(account.balance);
    case 'public_key':
      return publicKey(options);
    case 'call_control_applications':
      if (id === null) return list(applications(asked.query, options));
      return one(account.applications, id, (found) => shown(found, options));
    case 'phone_numbers':
      if (id === null) return list(numbers(account, asked.query).map(numberJson));
      return one(account.numbers, id, numberJson);
    case 'phone_numbers/voice':
      if (id === null) return list(numbers(account, asked.query).map(voiceJson));
      return one(account.numbers, id, voiceJson);
    case 'outbound_voice_profiles':
      if (id === null) return list(account.outbound_voice_profiles);
      return one(account.outbound_voice_profiles, id, (found) => found);
    case 'connections':
      if (id === null) return list(connections(options));
      return one(connections(options), id, (found) => found);
    case 'active_calls':
      return activeCalls(asked, options);
    case 'webhook_deliveries': {
      const all = [...options.deliveries.list(), ...account.webhook_deliveries];
      if (id === null) return list(all.filter((delivery) => matches(delivery, asked.query)));
      return one(all as { id: string }[], id, (found) => found);
    }
    case 'call_events':
      return list(callEvents(options.calls(), asked.query));
    default:
      return refused(RESOURCE_NOT_FOUND);
  }
}

function written(asked: Asked, options: AccountEndpointsOptions): Answer {
  const { account, onUrl } = options;
  const { method, endpoint, id, body } = asked;
  if (typeof body === 'symbol') {
    return refused(badRequest('The request body is not valid JSON.', undefined, 400));
  }
  if (method === 'POST' && endpoint === 'call_control_applications' && id === null) {
    const result = createApplication(account, body);
    if ('refusal' in result) return refused(result.refusal);
    onUrl(result.created);
    return data(result.created, 201);
  }
  if (method === 'POST' && endpoint === 'calls') return options.dial(body);
  if (method !== 'PATCH' || id === null) return { status: 404, body: '404 page not found' };
  if (endpoint === 'call_control_applications') {
    const application = account.applications.find((found) => found.id === id);
    if (application === undefined) return refused(RESOURCE_NOT_FOUND);
    const refusal = updateApplication(application, body);
    if (refusal !== null) return refused(refusal);
    onUrl(application);
    return data(shown(application, options));
  }
  const number = account.numbers.find((found) => found.id === id);
  if (number === undefined) return refused(RESOURCE_NOT_FOUND);
  const isVoice = endpoint === 'phone_numbers/voice';
  const refusal = isVoice ? updateVoice(number, body) : updateNumber(account, number, body);
  if (refusal !== null) return refused(refusal);
  return data(isVoice ? voiceJson(number) : numberJson(number));
}

function one<T extends { id: string }>(
  items: readonly T[],
  id: string,
  json: (item: T) => unknown,
): Answer {
  const found = items.find((item) => item.id === id);
  return found === undefined ? refused(RESOURCE_NOT_FOUND) : data(json(found));
}

function publicKey({ account, publicKey: own }: AccountEndpointsOptions): Answer {
  if (account.public_key === 'none') return refused(RESOURCE_NOT_FOUND);
  const shownKey = account.public_key === 'own' ? own : account.public_key;
  return data({ public: shownKey, record_type: 'public_key' });
}

/** The live legs. */
function activeCalls({ id, path, query }: Asked, options: AccountEndpointsOptions): Answer {
  const { account, living } = options;
  const known = id === CONNECTION_ID || connections(options).some((one) => one.id === id);
  if (!known) return refused(RESOURCE_NOT_FOUND);
  const legs = living()
    .filter((leg) => leg.call.connectionId === id)
    .map((leg) => ({
      call_control_id: leg.callControlId,
      call_duration: secondsOf(leg),
      call_leg_id: leg.callLegId,
      call_session_id: leg.call.sessionId,
      client_state: leg.clientState,
      record_type: 'call',
    }));
  return {
    status: 200,
    body: pageOf(legs, { form: account.pagination.active_calls, path, query }),
  };
}

function withDate(answer: Answer, offsetSecs: number): Answer {
  if (offsetSecs === 0 || answer === CUT) return answer;
  const date = new Date(Date.now() + offsetSecs * 1000).toUTCString();
  return { ...answer, headers: { ...answer.headers, date } };
}
