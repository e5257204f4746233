import type { TracingConfig } from './config.ts'
import type { Logger } from './logger.ts'
import type { TraceContext } from './trace-context.ts'

/**
 * Spans of our own, and nothing that instruments libraries by itself: what a span tells is listed
 * where it begins, so that no number, name, body or secret can get into one.
 */
export interface Tracing {
  start(name: string, span: SpanStart): Span
  /** Sends what is left, for 2 s at most: what the collector has not taken by then is dropped. */
  stop(): Promise<void>
}

export interface SpanStart {
  readonly kind: 'server' | 'producer' | 'client'
  /** Absent: a trace of its own. */
  readonly parent: TraceContext | undefined
  /** Other spans that it has to do with: `traceparent`s. */
  readonly links?: readonly string[]
  readonly attributes: Attributes
}

export interface Span {
  /** What travels on; also that of a span that is not sampled, so that the next one is not either. */
  readonly context: TraceContext
  /** Told once. `errorType` is a word of a closed set; absent when all went well. */
  end(attributes: Attributes, errorType?: string): void
}

/** Of undefined ones nothing is told. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * Null when traces are off: whoever gets it then does nothing for them, and OpenTelemetry's SDK is
 * not even loaded.
 */
export async function startTracing(
  config: TracingConfig,
  serviceName: string,
  logger: Logger,
): Promise<Tracing | null> {
  if (!config.isOn) return null
  const { startOpenTelemetry } = await import('./open-telemetry.ts')
  return startOpenTelemetry(config, serviceName, logger)
}
