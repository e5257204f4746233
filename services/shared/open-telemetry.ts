import {
  type Context,
  diag,
  type Link,
  type Span as OpenTelemetrySpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import {
  ExportResultCode,
  parseTraceParent,
  setGlobalErrorHandler,
  TraceState,
} from '@opentelemetry/core'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base'
import type { TracingConfig } from './config.ts'
import { withinMs } from './deadline.ts'
import type { Logger } from './logger.ts'
import type { TraceContext } from './trace-context.ts'
import type { Span, SpanStart, Tracing } from './tracing.ts'
import { VERSION } from './user-agent.ts'

/**
 * OpenTelemetry's SDK behind our own port; only `tracing.ts` imports this file, and only when traces
 * are on. Where to send, sampling and limits come from the standard `OTEL_*` variables, which the
 * SDK reads by itself.
 *
 * A collector that is away costs spans, never a delivery: they wait in a queue of 2,048
 * (`OTEL_BSP_MAX_QUEUE_SIZE`), and what does not fit is dropped.
 */
export function startOpenTelemetry(
  config: TracingConfig,
  serviceName: string,
  logger: Logger,
): Tracing {
  logDiagnostics(logger)
  const provider = new BasicTracerProvider({
    resource: resourceOf(serviceName),
    spanProcessors: [new BatchSpanProcessor(reporting(createExporter(config), logger))],
  })
  const tracer = provider.getTracer('call-webhook', VERSION)
  return {
    start(name, { kind, parent, links = [], attributes }) {
      const span = tracer.startSpan(
        name,
        { kind: KINDS[kind], attributes: { ...attributes }, links: links.flatMap(linkTo) },
        contextOf(parent),
      )
      return wrap(span)
    },
    async stop() {
      try {
        await withinMs(FLUSH_WITHIN_MS, provider.shutdown())
      } catch (error) {
        logger.warn({ err: error }, 'traces.flush_failed')
      }
    },
  }
}

/** A part of `STOP_DEADLINE_MS`; a collector that hangs must not make an orderly stop a failed one. */
const FLUSH_WITHIN_MS = 2_000

const KINDS: Readonly<Record<SpanStart['kind'], SpanKind>> = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  client: SpanKind.CLIENT,
}

function wrap(span: OpenTelemetrySpan): Span {
  return {
    context: written(span),
    end(attributes, errorType) {
      span.setAttributes({ ...attributes })
      if (errorType !== undefined) {
        span.setAttribute('error.type', errorType)
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    },
  }
}

function written(span: OpenTelemetrySpan): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  const tracestate = traceState?.serialize() ?? ''
  return tracestate === '' ? { traceparent } : { traceparent, tracestate }
}

function contextOf(parent: TraceContext | undefined): Context {
  const spanContext = parent && parseTraceParent(parent.traceparent)
  if (!spanContext) return ROOT_CONTEXT
  const { tracestate } = parent
  const traceState = tracestate === undefined ? undefined : new TraceState(tracestate)
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...spanContext,
    isRemote: true,
    ...(traceState && { traceState }),
  })
}

function linkTo(traceparent: string): Link[] {
  const context = parseTraceParent(traceparent)
  return context ? [{ context }] : []
}

function resourceOf(serviceName: string): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': serviceName,
        'service.namespace': 'call-webhook',
        'service.version': VERSION,
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }))
}

function createExporter({ protocol }: TracingConfig): SpanExporter {
  return protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter()
}

/** Says once that spans are being lost, and once that they are not any more, and how many were. */
function reporting(exporter: SpanExporter, logger: Logger): SpanExporter {
  let lost = 0
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.code === ExportResultCode.FAILED) {
          if (lost === 0) logger.warn({ err: result.error }, 'traces.export_failed')
          lost += spans.length
        } else if (lost > 0) {
          logger.info({ lost }, 'traces.export_resumed')
          lost = 0
        }
        done(result)
      })
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  }
}

/** Texts of the SDK that are kept to be said once; there are fewer. */
const TEXTS_MAX = 100

/** What else the SDK has to say (a wrong variable, a full queue), each thing once. */
function logDiagnostics(logger: Logger): void {
  const said = new Set<string>()
  const warn = (detail: string): void => {
    const text = detail.replace(/\d+/g, '#')
    if (said.has(text) || said.size >= TEXTS_MAX) return
    said.add(text)
    logger.warn({ detail }, 'traces.warned')
  }
  const nothing = (): void => undefined
  diag.setLogger({ error: warn, warn, info: nothing, debug: nothing, verbose: nothing })
  // Exports that failed, which `reporting` tells.
  setGlobalErrorHandler(nothing)
}
