/**
 * A lookup by the real server: the caller hears ringing meanwhile, and `kill -9` loses neither the
 * call nor the lookup.
 */
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Referee } from '../helpers/referee-process.ts';
import { TelnyxStandIn } from '../helpers/telnyx-stand-in.ts';

const GOLD = '+14155550190';
const IMPATIENT = '+14155550191';
const SECRET = 'crm-token-that-nobody-may-see';

let respond: (response: ServerResponse) => void = () => {};
const asked: IncomingMessage[] = [];
const crm = createServer((request, response) => {
  asked.push(request);
  respond(response);
});
let telnyx: TelnyxStandIn;
let referee: Referee;

beforeAll(async () => {
  await new Promise<void>((resolve) => crm.listen(0, '127.0.0.1', resolve));
  const { port } = crm.address() as AddressInfo;
  telnyx = await new TelnyxStandIn().start();
  referee = await Referee.create(telnyx, { CRM_TOKEN: SECRET });
  const lookup = (name: string, timeout: string) =>
    `  ${name}: { url: "http://127.0.0.1:${port}/${name}?n={from}", timeout: ${timeout}, headers: { Authorization: "Bearer \${CRM_TOKEN}" }, keep: ["$.tier", "$.agent"] }`;
  const rule = (to: string, name: string) =>
    `  - name: ${name} gold
    when: { to: "${to}", lookup: { ${name}: { tier: gold } } }
    do: [ { refer: ${name}-agent } ]
  - name: ${name} others
    when: { to: "${to}" }
    do: [ { refer: patient } ]`;
  await writeFile(
    join(referee.folder, 'routes', 'crm.yaml'),
    `targets:
  crm-agent: { sip: "sip:{lookup:crm.agent}@pbx.example.com", timeout: 25s }
  fast-agent: { sip: "sip:{lookup:fast.agent}@pbx.example.com", timeout: 25s }
lookups:
${lookup('crm', '5s')}
${lookup('fast', '200ms')}
rules:
${rule(GOLD, 'crm')}
${rule(IMPATIENT, 'fast')}
`,
  );
  await referee.start();
});

afterAll(async () => {
  const leaks = await referee.finish();
  await telnyx.stop();
  crm.closeAllConnections();
  crm.close();
  expect(telnyx.problems).toEqual([]);
  expect(leaks).toEqual([]);
  expect(referee.output).not.toContain(SECRET);
});

const isGold = (response: ServerResponse) => response.end('{"tier":"gold","agent":"204"}');

test('its answer decides, and is asked for once with the secret that is never written', async () => {
  respond = isGold;
  const call = telnyx.call({ to: GOLD });
  await call.send('call.initiated');
  await call.next('answer');
  await call.send('call.answered');
  const { body } = await call.next('refer');
  expect(body.sip_address).toBe('sip:204@pbx.example.com');
  expect(asked.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${SECRET}`]);
  await call.completes();
  await call.hangsUp();
  expect(await referee.ended(call.id)).toMatchObject({ rule: 'crm gold', ends: 'referred' });
});

test('callers who are looked up at once each get their own answer, in whatever order it comes', async () => {
  const waiting: ServerResponse[] = [];
  respond = (response) => void waiting.push(response);
  const first = asked.length;
  const calls = Array.from({ length: 6 }, (_, n) =>
    telnyx.call({ from: `+1415555030${n}`, to: GOLD }),
  );
  await Promise.all(calls.map((call) => call.send('call.initiated')));
  await vi.waitFor(() => expect(waiting).toHaveLength(calls.length), 4_000);
  for (const n of [...waiting.keys()].reverse()) {
    const caller = (asked[first + n]?.url ?? '').slice(-4);
    waiting[n]?.end(JSON.stringify({ tier: 'gold', agent: caller }));
  }
  await Promise.all(
    calls.map(async (call, n) => {
      await call.next('answer');
      await call.send('call.answered');
      const { body } = await call.next('refer');
      expect(body.sip_address).toBe(`sip:030${n}@pbx.example.com`);
      await call.completes();
      await call.hangsUp();
      await referee.ended(call.id);
    }),
  );
  expect(asked.length - first).toBe(calls.length);
});

test('killed while it is asked: asked again after the restart if there is time, and the call goes on', async () => {
  respond = () => {};
  const before = asked.length;
  const call = telnyx.call({ to: GOLD });
  expect(await call.send('call.initiated')).toBe(200);
  await vi.waitFor(() => expect(asked).toHaveLength(before + 1), 5_000);
  respond = isGold;
  await referee.kill();
  await referee.start();
  await call.next('answer', 1, 15_000);
  await call.send('call.answered');
  await call.next('refer');
  await call.completes();
  await call.hangsUp();
  // On a busy machine the restart may take longer than the lookup's timeout.
  const { rule, ends } = await referee.ended(call.id);
  expect(ends).toBe('referred');
  expect([
    ['crm gold', 2],
    ['crm others', 1],
  ]).toContainEqual([rule, asked.length - before]);
});

test('killed, and its time is over: nothing is asked again, and the rules decide without it', async () => {
  respond = () => {};
  const before = asked.length;
  const call = telnyx.call({ to: IMPATIENT });
  expect(await call.send('call.initiated')).toBe(200);
  await referee.kill();
  await referee.start();
  await call.next('answer', 1, 15_000);
  await call.send('call.answered');
  await call.next('refer');
  await call.completes();
  await call.hangsUp();
  expect(await referee.ended(call.id)).toMatchObject({ rule: 'fast others', ends: 'referred' });
  expect(asked.length - before).toBeLessThanOrEqual(1);
});
