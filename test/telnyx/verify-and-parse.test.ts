import { beforeAll, expect, it } from 'vitest';
import { createVerifier, type Verifier } from '../../src/telnyx/signature.ts';
import { verifyAndParse } from '../../src/telnyx/verify-and-parse.ts';
import { incomingCall, signedHeaders, telnyxKey } from '../helpers/webhooks.ts';

const NOW = 1_779_233_415_500;
const key = telnyxKey();
let verifier: Verifier;

beforeAll(async () => {
  verifier = await createVerifier({
    publicKeys: [key.publicKey],
    engine: 'auto',
    toleranceSecs: 300,
  });
});

/** Reads a webhook signed half a second ago, without any transport. */
function read(body: string, { signedBy = key, arrives = body } = {}) {
  const headers = signedHeaders(signedBy, body, NOW);
  return verifyAndParse(verifier, { headers, body: Buffer.from(arrives), now: NOW });
}

it('reads a call, and when it was signed', async () => {
  expect(await read(incomingCall('v3:one'))).toMatchObject({
    kind: 'call',
    event: { callId: 'v3:one', type: 'call.initiated', receivedAt: NOW },
    signedAt: NOW - 500,
  });
});

it('sees an event of no call, and a signed body that is no event', async () => {
  const message = JSON.stringify({
    data: { event_type: 'message.received', id: 'm', payload: {} },
  });
  expect(await read(message)).toEqual({
    kind: 'not_a_call',
    type: 'message.received',
    signedAt: NOW - 500,
  });
  expect(await read('{}')).toMatchObject({ kind: 'not_telnyx', why: expect.any(String) });
});

it('parses nothing that our key’s holder did not sign', async () => {
  const body = incomingCall('v3:one');
  const refusals = [
    await read(body, { signedBy: telnyxKey() }),
    await read(body, { arrives: `${body} ` }),
    await read('no JSON', { signedBy: telnyxKey() }),
  ];
  for (const refusal of refusals) {
    expect(refusal).toMatchObject({ kind: 'refused', refusal: { reason: 'signature_wrong' } });
  }
});
