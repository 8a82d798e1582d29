/**
 * One trace per call through OpenTelemetry's standard variables. Without an OTLP endpoint in the
 * environment, OpenTelemetry is not even loaded.
 */
import type { Config } from '../config/config.ts';
import type { Environment } from '../config/env-file.ts';
import { type SecretSettings, secretsOf } from '../config/secrets.ts';
import type { Observer } from '../engine/engine.ts';
import { createCleaner } from '../log/fields.ts';
import type { Log } from '../log/log.ts';
import { createMasker } from '../log/mask.ts';
import { createSpans } from './spans.ts';

export interface Tracing {
  observer: Pick<Observer, 'committed' | 'deadLetter'>;
  /** Sends the spans still held. Resolves when that is done, or after `withinMs` at the latest. */
  stop(withinMs: number): Promise<void>;
}

export interface TracingOptions {
  log: Log;
  /** `service.instance.id`. */
  instance: string;
}

/**
 * If the collector is down, exports fail every few seconds, but only one line per minute is logged.
 */
const FAILURE_EVERY_MS = 60_000;

/** Null if tracing is off. */
export async function openTracing(
  env: Environment,
  config: SecretSettings & Pick<Config, 'logNumbers'>,
  { log, instance }: TracingOptions,
): Promise<Tracing | null> {
  if (!isAskedFor(env)) return null;
  const { openOtlp } = await import('./otlp.ts');
  // Spans contain no secrets and no full numbers, like the log.
  const clean = createCleaner({
    masker: config.logNumbers === 'masked' ? createMasker(config.apiKey) : null,
    secrets: secretsOf(config, env),
  });
  let toldAt = Number.NEGATIVE_INFINITY;
  const sink = openOtlp(env, {
    instance,
    clean: (fields) => clean(fields, 'info'),
    onError(detail) {
      const at = performance.now();
      if (at - toldAt < FAILURE_EVERY_MS) return;
      toldAt = at;
      log.emit('tracing.failed', { detail });
    },
  });
  if (sink === null) return null;
  return { observer: createSpans(sink.write, Date.now), stop: sink.stop };
}

function isAskedFor(env: Environment): boolean {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined || endpoint === '') return false;
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return false;
  return ['', 'otlp'].includes(env.OTEL_TRACES_EXPORTER ?? '');
}
