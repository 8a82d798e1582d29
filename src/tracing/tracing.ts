/**
 * One trace per call through OpenTelemetry's standard variables. Without an OTLP endpoint in the
 * environment nothing of OpenTelemetry is even loaded.
 */
import type { Config, Environment } from '../config/config.ts';
import type { Observer } from '../engine/engine.ts';
import { createCleaner } from '../log/fields.ts';
import type { Log } from '../log/log.ts';
import { createMasker } from '../log/mask.ts';
import { createSpans } from './spans.ts';

export interface Tracing {
  observer: Pick<Observer, 'committed' | 'deadLetter'>;
  /** Sends what is still held; resolves when that is done, or after `withinMs` whatever happens. */
  stop(withinMs: number): Promise<void>;
}

export interface TracingOptions {
  log: Log;
  /** `service.instance.id`. */
  instance: string;
}

/** A collector that is down fails every few seconds: one line a minute tells it. */
const FAILURE_EVERY_MS = 60_000;

/** Null where tracing is off. */
export async function openTracing(
  env: Environment,
  config: Pick<Config, 'apiKey' | 'adminToken' | 'logNumbers'>,
  { log, instance }: TracingOptions,
): Promise<Tracing | null> {
  if (!isAskedFor(env)) return null;
  const { openOtlp } = await import('./otlp.ts');
  // Secrets and full numbers leave us as little here as in the log.
  const clean = createCleaner({
    masker: config.logNumbers === 'masked' ? createMasker(config.apiKey) : null,
    secrets: [config.apiKey, ...(config.adminToken === null ? [] : [config.adminToken])],
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
