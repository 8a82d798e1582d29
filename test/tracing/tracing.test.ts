import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../src/log/log.ts';
import { openTracing } from '../../src/tracing/tracing.ts';
import { aCall } from '../helpers/documents.ts';
import { webhook } from '../helpers/machine.ts';
import {
  type OtlpReceiver,
  type ReceivedSpan,
  startOtlpReceiver,
} from '../helpers/otlp-receiver.ts';
import { ownTime } from '../helpers/own-time.ts';
import { eventually, Referee } from '../helpers/referee-process.ts';
import { API_KEY, TelnyxStandIn, type TestCall } from '../helpers/telnyx-stand-in.ts';

describe('a traced server', () => {
  let collector: OtlpReceiver;
  let telnyx: TelnyxStandIn;
  let referee: Referee;
  beforeAll(async () => {
    collector = await startOtlpReceiver();
    telnyx = await new TelnyxStandIn().start();
    referee = await Referee.create(telnyx, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=one',
      OTEL_SERVICE_NAME: 'calls-of-acme',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
      OTEL_BSP_SCHEDULE_DELAY: '20',
    });
    await referee.start();
  });
  afterAll(async () => {
    expect(await referee.finish()).toEqual([]);
    await telnyx.stop();
    await collector[Symbol.asyncDispose]();
  });

  test('a call is one trace: webhooks, decision, commands, attempts and verdicts in one tree', async () => {
    const call = telnyx.call();
    await call.untilReferred();
    await call.fails(486);
    await call.next('refer', 2);
    await call.completes();
    await call.hangsUp();
    const spans = await traceOf(call);
    const [root] = spans.filter(({ parentSpanId }) => parentSpanId === null);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    expect(tree(spans, null)).toEqual([
      [
        'call',
        ['attempt refer', ['command refer'], ['verdict busy']],
        ['attempt refer', ['command refer'], ['verdict completed']],
        ['command answer'],
        ['webhook call.answered'],
        ['webhook call.hangup'],
        ['webhook call.initiated', ['decide']],
        ['webhook call.refer.completed'],
        ['webhook call.refer.failed'],
      ],
    ]);
    expect(root?.attributes).toMatchObject({
      'telnyx.call_control_id': call.id,
      'telnyx.call_session_id': call.sessionId,
      'referee.rule': 'support',
      'referee.ends': 'referred',
      'referee.attempts': 2,
    });
    const busy = spans.find(({ name }) => name === 'verdict busy');
    const failed = spans.find(({ name }) => name === 'webhook call.refer.failed');
    expect(busy?.links).toMatchObject([{ spanId: failed?.spanId, traceId: root?.traceId }]);
    expect(spans.find(({ name }) => name === 'decide')?.events).toMatchObject([{ name: 'rule' }]);
  });

  test('an attempt lasts until its verdict, and only the failed one is an error', async () => {
    const call = telnyx.call();
    await call.untilReferred();
    await call.fails(603);
    await call.next('refer', 2);
    await call.completes();
    await call.hangsUp();
    const spans = await traceOf(call);
    const attempts = spans.filter(({ name }) => name === 'attempt refer');
    expect(attempts.map(({ attributes }) => attributes)).toMatchObject([
      { 'referee.target': 'first', 'referee.verdict': 'not_allowed' },
      { 'referee.target': 'second', 'referee.verdict': 'completed' },
    ]);
    expect(attempts.map(({ status }) => status)).toEqual([2, 0]);
    expect(attempts[0]?.attributes['telnyx.sip_notify_response']).toBe(603);
    const [command] = spans.filter(({ parentSpanId }) => parentSpanId === attempts[0]?.spanId);
    expect(command).toMatchObject({ name: 'command refer', kind: 3 });
    for (const attempt of attempts) expect(attempt.endMs).toBeGreaterThan(attempt.startMs);
  });

  test('a command that Telnyx refuses says so on its span', async () => {
    telnyx.answer = ({ action }) =>
      action === 'answer'
        ? {
            status: 422,
            body: { errors: [{ code: '90099', title: 'No', detail: 'No to +14155550142.' }] },
          }
        : { status: 200, body: { data: { is_alive: true } } };
    const call = telnyx.call();
    await call.send('call.initiated');
    await call.next('answer');
    await call.next('hangup').catch(() => null);
    await call.hangsUp();
    telnyx.answer = () => ({ status: 200, body: { data: { result: 'ok' } } });
    const spans = await traceOf(call);
    const answer = spans.find(({ name }) => name === 'command answer');
    expect(answer).toMatchObject({
      status: 2,
      attributes: { 'referee.outcome': 'rejected', 'referee.telnyx_code': '90099' },
    });
    expect(answer?.statusMessage).toContain('rejected');
  }, 40_000);

  test('what a restart continues joins the trace of what was before it', async () => {
    const call = telnyx.call();
    await call.untilReferred();
    await eventually(
      () => spansOf(call).some(({ name }) => name === 'webhook call.answered'),
      'sent',
    );
    await referee.kill();
    await referee.start();
    await telnyx.deliverUntilTaken(
      call.event('call.refer.completed', { sip_notify_response: 200 }),
    );
    await call.hangsUp();
    const spans = await traceOf(call);
    const names = spans.map(({ name }) => name);
    expect(names).toContain('webhook call.initiated');
    expect(names).toContain('verdict completed');
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(
      spans.filter(({ parentSpanId }) => parentSpanId !== null && !ids.has(parentSpanId)),
    ).toEqual([]);
  });

  test('the service is named by the standard variables, and headers go along', () => {
    expect(collector.resource).toMatchObject({
      'service.name': 'calls-of-acme',
      'deployment.environment': 'test',
      'service.instance.id': expect.stringMatching(/^[\da-f-]{36}$/),
    });
    expect(collector.requests[0]).toMatchObject({
      path: '/v1/traces',
      contentType: 'application/json',
      headers: { 'x-tenant': 'one' },
    });
  });

  test('no number and no secret leaves us in a trace', async () => {
    const call = telnyx.call();
    await call.untilReferred();
    await call.completes();
    await call.hangsUp();
    const root = (await traceOf(call)).find(({ parentSpanId }) => parentSpanId === null);
    expect(root?.attributes['referee.from']).toMatch(/^\+14\*\*\*\d\d~[a-z]{10}$/);
    expect(collector.raw).not.toMatch(/1415555\d{4}|1415556\d{4}/);
    expect(collector.raw).not.toContain(API_KEY);
  });

  test('a stop sends what is still held', async () => {
    await referee.kill();
    const slow = await Referee.create(telnyx, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '600000',
    });
    await slow.start();
    const call = telnyx.call();
    await call.untilReferred();
    await call.completes();
    await call.hangsUp();
    expect(spansOf(call)).toEqual([]);
    slow.signal('SIGTERM');
    expect(await slow.exited()).toBe(0);
    expect(spansOf(call).map(({ name }) => name)).toContain('call');
    expect(await slow.finish()).toEqual([]);
  });

  function spansOf({ id }: TestCall): ReceivedSpan[] {
    return collector.spans.filter(({ attributes }) => attributes['telnyx.call_control_id'] === id);
  }

  /** All spans of an ended call, in the order in which they began. */
  async function traceOf(call: TestCall): Promise<ReceivedSpan[]> {
    await eventually(
      () => spansOf(call).some(({ name }) => name === 'call'),
      () => `the end of the call; came: ${spansOf(call).map(({ name }) => name)}`,
      20_000,
    );
    return spansOf(call).sort((a, b) => a.startMs - b.startMs);
  }
});

describe('without a collector', () => {
  const config = {
    apiKey: API_KEY,
    adminToken: null,
    database: { kind: 'sqlite' as const, path: 'referee.db' },
    proxy: null,
    logNumbers: 'masked' as const,
  };
  const silent = {
    log: createLog({ level: 'silent', numbers: 'masked', key: API_KEY }),
    instance: 'one',
  };

  test.each([
    ['no endpoint', {}],
    ['an empty one', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    [
      'the SDK switched off',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' },
    ],
    [
      'another exporter',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_EXPORTER: 'none' },
    ],
  ])('%s leaves tracing off', async (_, env) => {
    expect(await openTracing(env, config, silent)).toBeNull();
  });

  test('nothing of OpenTelemetry is loaded while tracing is off', () => {
    const source = (name: string) =>
      readFileSync(new URL(`../../src/${name}`, import.meta.url), 'utf8');
    for (const name of ['tracing/tracing.ts', 'tracing/spans.ts', 'tracing/ids.ts', 'compose.ts']) {
      expect(source(name), name).not.toMatch(/^import .*opentelemetry|^import .*\/otlp\.ts/m);
    }
  });

  test('a protocol we do not speak is one line in the log, and no reason not to route calls', async () => {
    const { log, lines } = keptLog();
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    };
    expect(await openTracing(env, config, { log, instance: 'one' })).toBeNull();
    expect(lines.join('')).toContain('Set http/protobuf or http/json');
  });

  test('a collector that is down is one line in the log, and holds no stop up', async () => {
    const { log, lines } = keptLog();
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_TIMEOUT: '50',
      OTEL_BSP_SCHEDULE_DELAY: '1',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1',
    };
    const tracing = await openTracing(env, config, { log, instance: 'one' });
    const call = aCall('v3:one');
    const event = webhook('call.answered');
    for (let n = 0; n < 5; n += 1) tracing?.observer.committed(event, null, call, []);
    await eventually(() => lines.length > 0, 'a line that says so');
    expect(lines.join('')).toContain('1 spans lost');
    using time = ownTime();
    await tracing?.stop(300);
    expect(time.passedMs()).toBeLessThan(2_000);
    expect(lines).toHaveLength(1);
    expect(process.env.OTEL_EXPORTER_OTLP_ENDPOINT).toBeUndefined();
  });

  test('the default protocol is protobuf, and a ratio keeps or drops whole calls', async () => {
    const collector = await startOtlpReceiver();
    onTestFinished(() => collector[Symbol.asyncDispose]());
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
    const half = { ...env, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' };
    const protobuf = await openTracing(env, config, silent);
    protobuf?.observer.committed(webhook('call.answered'), null, aCall('v3:one'), []);
    await protobuf?.stop(5_000);
    expect(collector.requests).toMatchObject([{ contentType: 'application/x-protobuf' }]);

    const sampled = await openTracing(
      { ...half, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      config,
      silent,
    );
    const ended = [{ kind: 'ended', ends: 'referred', how: 'hangup' }] as const;
    for (let n = 0; n < 100; n += 1) {
      const call = aCall(`v3:${n}`, { facts: { sessionId: `s${n}` } });
      sampled?.observer.committed(webhook('call.hangup', { callId: call.id }), null, call, [
        ...ended,
      ]);
    }
    await sampled?.stop(5_000);
    const perTrace = Map.groupBy(collector.spans, ({ traceId }) => traceId);
    expect(perTrace.size).toBeGreaterThan(25);
    expect(perTrace.size).toBeLessThan(75);
    expect([...perTrace.values()].every((spans) => spans.length === 2)).toBe(true);
  });
});

test('a span names no password, whichever setting has it', async () => {
  await using collector = await startOtlpReceiver();
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=collector-key-of-ours',
  };
  const config = {
    apiKey: API_KEY,
    adminToken: 'admin-token-of-many-characters',
    database: { kind: 'postgres' as const, url: 'postgres://referee:hunter22@db/referee' },
    proxy: { url: 'http://us:sesame33@proxy:3128', none: '' },
    logNumbers: 'masked' as const,
  };
  const log = createLog({ level: 'silent', numbers: 'masked', key: API_KEY });
  const tracing = await openTracing(env, config, { log, instance: 'one' });
  const secrets = [API_KEY, config.adminToken, 'hunter22', 'sesame33', 'collector-key-of-ours'];
  const error = new Error(`failed: ${secrets.join(' and ')}`);
  tracing?.observer.deadLetter(webhook('call.answered'), error);
  await tracing?.stop(5_000);
  expect(collector.raw).toContain('dead letter: failed: ');
  expect(collector.raw).not.toMatch(new RegExp(secrets.join('|')));
});

type Tree = [string, ...Tree[]];

function tree(spans: ReceivedSpan[], parent: string | null): Tree[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .map(({ name, spanId }): Tree => [name, ...tree(spans, spanId)])
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function keptLog() {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLog({ level: 'info', numbers: 'masked', key: API_KEY, destination }) };
}
