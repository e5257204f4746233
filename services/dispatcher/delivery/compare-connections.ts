import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { ConnectionCache } from './connection-cache.ts'
import type { FindChanged } from './open-connection.ts'

/**
 * Compares the cached connections with Postgres, whatever the notifications do: one that is lost
 * would leave a customer who disconnected with calls for as long as the process lives.
 */
export interface Comparing {
  stop(): Promise<void>
}

export interface ComparingOptions {
  readonly connections: Pick<ConnectionCache, 'compare'>
  readonly findChanged: FindChanged
  readonly clock: Clock
  readonly logger: Logger
}

/** With a comparison that fails (12 s) and one that succeeds, a change is known within a minute. */
const COMPARE_EVERY_MS = 30_000
const TRY_AGAIN_MS = 1_000

export function startComparing(options: ComparingOptions): Comparing {
  const stopping = new AbortController()
  const running = keepComparing(options, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

async function keepComparing(
  { connections, findChanged, clock, logger }: ComparingOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const isThrough = await connections.compare(findChanged).then(
      () => true,
      (error) => {
        logger.warn({ err: error }, 'connections.compare_failed')
        return false
      },
    )
    await clock.sleep(isThrough ? COMPARE_EVERY_MS : TRY_AGAIN_MS, signal).catch(() => undefined)
  }
}
