import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import type { ConsoleApp } from './console-app.ts'

/**
 * What a client may keep of the server: a connection that sends slowly, or does not read, is ended,
 * and there is only so many of them. Else a single machine that opens connections and says nothing
 * would keep everybody from the page.
 */
export interface ConsoleLimits {
  /** Milliseconds within which a request has to be there as a whole, its body included. */
  readonly receiveWithinMs: number
  /** Milliseconds between two looks at who is too slow: the time above is exceeded by so much. */
  readonly checkEveryMs: number
  /** Milliseconds without a byte in either direction. Longer than the heartbeat of a stream. */
  readonly idleMs: number
  /** Of this process, open streams included. */
  readonly connectionsMax: number
  /** Pings and test events of one workspace, together. */
  readonly pingsPerMinute: number
}

export const LIMITS: ConsoleLimits = {
  receiveWithinMs: 10_000,
  checkEveryMs: 2_000,
  idleMs: 60_000,
  // About 30 KB each, buffers of the kernel included.
  connectionsMax: 2_000,
  pingsPerMinute: 30,
}

/** For `fastify(…)`. */
export function httpOptions({ receiveWithinMs, checkEveryMs, idleMs }: ConsoleLimits) {
  return {
    requestTimeout: receiveWithinMs,
    connectionTimeout: idleMs,
    // Node looks every 30 s by itself, which would let a slow sender stay for 40.
    http: { connectionsCheckingInterval: checkEveryMs, headersTimeout: receiveWithinMs },
  }
}

const TELL_EVERY_MS = 60_000

/** Beyond it new connections are closed at once, which the log says once a minute. */
export function limitConnections(
  app: ConsoleApp,
  { connectionsMax }: Pick<ConsoleLimits, 'connectionsMax'>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): void {
  let toldAt = Number.NEGATIVE_INFINITY
  app.server.maxConnections = connectionsMax
  app.server.on('drop', () => {
    if (clock.elapsed() - toldAt < TELL_EVERY_MS) return
    toldAt = clock.elapsed()
    logger.warn({ connectionsMax }, 'connections.full')
  })
}
