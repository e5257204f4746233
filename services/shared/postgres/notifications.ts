import pg from 'pg'
import type { Clock } from '../clock.ts'
import type { Secret } from '../config.ts'
import type { Logger } from '../logger.ts'

/**
 * `LISTEN` on a connection of its own, renewed for ever. What was notified while it was away is
 * lost, so `onGap` is told after each renewal: whoever caches has to look again.
 */
export interface Listener {
  stop(): Promise<void>
}

export interface ListenerOptions {
  readonly databaseUrl: Secret
  readonly channel: string
  readonly onNotification: (payload: string) => void
  readonly onGap: () => void
  readonly clock: Clock
  readonly logger: Logger
}

const RENEW_AFTER_MS = 1_000

export function startListener(options: ListenerOptions): Listener {
  const stopping = new AbortController()
  const running = keepListening(options, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

async function keepListening(options: ListenerOptions, signal: AbortSignal): Promise<void> {
  const { channel, clock, logger, onGap } = options
  while (!signal.aborted) {
    try {
      await listenOnce(options, signal, onGap)
    } catch (error) {
      if (!signal.aborted) logger.warn({ channel, err: error }, 'listener.lost')
    }
    await clock.sleep(RENEW_AFTER_MS, signal).catch(() => undefined)
  }
}

async function listenOnce(
  { databaseUrl, channel, onNotification }: ListenerOptions,
  signal: AbortSignal,
  onListening: () => void,
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl.reveal(), keepAlive: true })
  const ended = new Promise<void>((resolve, reject) => {
    client.once('error', reject)
    client.once('end', resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  // Without a handler from the start, an error between here and the await would end the process.
  ended.catch(() => undefined)
  client.on('notification', ({ payload }) => onNotification(payload ?? ''))
  try {
    await client.connect()
    await client.query(`listen ${pg.escapeIdentifier(channel)}`)
    onListening()
    await ended
  } finally {
    await client.end().catch(() => undefined)
  }
}
