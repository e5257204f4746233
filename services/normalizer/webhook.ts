import type { TraceContext } from '../shared/trace-context.ts'

/** A request to `/hooks/{provider}/{token}[/{eventPath}]`, as it came over the wire. */
export interface Webhook {
  readonly provider: string
  /** The source's credential: never logged, never kept. */
  readonly token: string
  readonly eventPath: string
  readonly method: 'GET' | 'POST'
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Without the question mark. */
  readonly query: string
  readonly body: Buffer
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  /** Of the span of this request, when traces are on. */
  readonly trace?: TraceContext | undefined
}
