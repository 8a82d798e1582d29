/**
 * The only file that knows OpenTelemetry: finished spans to an OTLP collector over HTTP, as the
 * standard variables say
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Loaded only
 * if tracing is on. It needs only the tracer and the two HTTP exporters: ten small packages of the
 * OpenTelemetry project, without gRPC, auto-instrumentation or patching.
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Environment } from '../config/env-file.ts';
import type { LogFields } from '../log/log.ts';
import type { Fields, FinishedSpan } from './span.ts';

export interface Sink {
  write(span: FinishedSpan): void;
  stop(withinMs: number): Promise<void>;
}

export interface OtlpOptions {
  instance: string;
  clean(fields: LogFields): Record<string, unknown>;
  onError(detail: string): void;
}

/** Null if the variables ask for something we do not support; `onError` has reported it. */
export function openOtlp(env: Environment, options: OtlpOptions): Sink | null {
  const { onError, clean } = options;
  const made = withProcessEnvironment(env, () => {
    const exporter = exporterFor(env, onError);
    return exporter === null ? null : { exporter, resource: resourceFor(options.instance) };
  });
  if (made === null) return null;
  // Our ids are derived, not random. They are set just before each span is created, which is
  // synchronous.
  const ids = { trace: '', span: '' };
  const provider = new TracerProvider({
    resource: made.resource,
    sampler: samplerFor(env),
    idGenerator: { generateTraceId: () => ids.trace, generateSpanId: () => ids.span },
    spanProcessors: [
      new BatchSpanProcessor({ exporter: watched(made.exporter, onError), ...batching(env) }),
    ],
  });
  const tracer = provider.getTracer('referee');

  return {
    write(span) {
      ids.trace = span.traceId;
      ids.span = span.spanId;
      const made = tracer.startSpan(
        span.name,
        {
          kind: KINDS[span.kind],
          startTime: span.startedAt,
          attributes: attributesOf(span.fields, clean),
          ...(span.causedBy === null ? {} : { links: [{ context: inTrace(span, span.causedBy) }] }),
        },
        span.parentSpanId === null
          ? ROOT_CONTEXT
          : trace.setSpanContext(ROOT_CONTEXT, inTrace(span, span.parentSpanId)),
      );
      for (const { name, fields } of span.events) {
        made.addEvent(name, attributesOf(fields, clean), span.endedAt);
      }
      if (span.failure !== null) {
        const message = String(clean({ detail: span.failure }).detail ?? '');
        made.setStatus({ code: SpanStatusCode.ERROR, message });
      }
      made.end(span.endedAt);
    },
    async stop(withinMs) {
      let late: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => {
        late = setTimeout(resolve, withinMs);
      });
      // Errors of the last batch have already been reported by `watched`.
      await Promise.race([provider.shutdown().catch(() => {}), over]);
      clearTimeout(late);
    },
  };
}

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

function inTrace({ traceId }: FinishedSpan, spanId: string) {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

/**
 * Cleans the fields under their names in the log, then renames them for a trace; nulls are left
 * out.
 */
function attributesOf(fields: Fields, clean: OtlpOptions['clean']) {
  const attributes: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(clean(fields))) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      attributes[OF_TELNYX.has(name) ? `telnyx.${name}` : `referee.${name}`] = value;
    }
  }
  return attributes;
}

const OF_TELNYX: ReadonlySet<string> = new Set([
  'call_control_id',
  'call_session_id',
  'event_id',
  'hangup_cause',
  'hangup_source',
  'sip_notify_response',
]);

function exporterFor(env: Environment, onError: OtlpOptions['onError']): SpanExporter | null {
  const protocol =
    env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf';
  switch (protocol) {
    case 'http/protobuf':
      return new ProtobufExporter();
    case 'http/json':
      return new JsonExporter();
    default:
      onError(
        `OTEL_EXPORTER_OTLP_PROTOCOL is "${protocol}": no traces are sent. Set http/protobuf or http/json, and the collector's HTTP port (4318).`,
      );
      return null;
  }
}

/** Reports failed exports, because the processor drops failed batches silently. */
function watched(exporter: SpanExporter, onError: OtlpOptions['onError']): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        // ExportResultCode.FAILED, copied so that we do not depend on its package for one constant.
        if (result.code === 1) onError(`${spans.length} spans lost: ${wordsOf(result.error)}`);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

function wordsOf(error: Error | undefined): string {
  if (error === undefined) return 'no reason given';
  return 'code' in error ? `${error.message} (${error.code})` : error.message;
}

function resourceFor(instance: string): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'referee', 'service.instance.id': instance }))
    .merge(detectResources({ detectors: [envDetector] }));
}

/**
 * All replicas derive the same trace id, so each can sample whole calls without a parent's
 * decision.
 */
function samplerFor(env: Environment): Sampler {
  switch ((env.OTEL_TRACES_SAMPLER ?? '').replace(/^parentbased_/, '')) {
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(numberOf(env.OTEL_TRACES_SAMPLER_ARG) ?? 1);
    default:
      return new AlwaysOnSampler();
  }
}

function batching(env: Environment) {
  const delay = numberOf(env.OTEL_BSP_SCHEDULE_DELAY);
  const queue = numberOf(env.OTEL_BSP_MAX_QUEUE_SIZE);
  const batch = numberOf(env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE);
  const timeout = numberOf(env.OTEL_BSP_EXPORT_TIMEOUT);
  return {
    ...(delay === null ? {} : { scheduledDelayMillis: delay }),
    ...(queue === null ? {} : { maxQueueSize: queue }),
    ...(batch === null ? {} : { maxExportBatchSize: batch }),
    ...(timeout === null ? {} : { exportTimeoutMillis: timeout }),
  };
}

function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

/**
 * The exporters and detectors read process.env themselves, so values from .env are added to it
 * meanwhile.
 */
function withProcessEnvironment<Made>(env: Environment, make: () => Made): Made {
  const before = { ...process.env };
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('OTEL_') && value !== undefined) process.env[name] = value;
  }
  try {
    return make();
  } finally {
    for (const name of Object.keys(process.env)) {
      if (name.startsWith('OTEL_') && before[name] === undefined) delete process.env[name];
    }
    Object.assign(process.env, before);
  }
}
