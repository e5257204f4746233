import { Socket } from 'node:net'
import pg from 'pg'
import type { Clock } from '../clock.ts'
import type { Secret } from '../config.ts'
import type { Logger } from '../logger.ts'

/**
 * `LISTEN` on a connection of its own, renewed for ever. What was notified while it was away is
 * lost, so `onGap` is told after each renewal: whoever caches has to look again.
 *
 * It is probed, since who only listens never writes and so never learns that the network has gone
 * silent: the system would tell after two hours, and until then a customer who moved or left would
 * get calls at the old address.
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
  /** For connecting and for each answer. Default: 5 s. */
  readonly answerWithinMs?: number
}

const RENEW_AFTER_MS = 1_000
const PROBE_EVERY_MS = 10_000
/** A server that is only busy has answered `select 1` by then. */
const ANSWER_WITHIN_MS = 5_000

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
  const { channel, clock, logger } = options
  while (!signal.aborted) {
    try {
      await listenOnce(options, signal)
    } catch (error) {
      if (!signal.aborted) logger.warn({ channel, err: error }, 'listener.lost')
    }
    await clock.sleep(RENEW_AFTER_MS, signal).catch(() => undefined)
  }
}

/** Until it is stopped. @throws when the connection is lost, or does not answer. */
async function listenOnce(options: ListenerOptions, stopping: AbortSignal): Promise<void> {
  const { channel, onNotification, onGap, clock } = options
  const socket = new Socket()
  const client = new pg.Client(clientConfig(options, socket))
  const lost = new AbortController()
  // Heard for as long as it lives: an error that nobody hears would end the process.
  client.on('error', (error) => lost.abort(error))
  client.on('end', () => lost.abort(new Error('the server ended the connection')))
  client.on('notification', ({ payload }) => onNotification(payload ?? ''))
  // Ends connecting, too, which may hang for as long as its limit says.
  stopping.addEventListener('abort', () => socket.destroy(), { once: true, signal: lost.signal })
  try {
    await client.connect()
    await client.query(`listen ${pg.escapeIdentifier(channel)}`)
    onGap()
    const over = AbortSignal.any([stopping, lost.signal])
    while (await passes(PROBE_EVERY_MS, clock, over)) await client.query('select 1')
    if (!stopping.aborted) throw lost.signal.reason
  } finally {
    // Not `client.end()`: it waits for the server to hang up, which a silent network never tells.
    socket.destroy()
  }
}

function clientConfig({ databaseUrl, answerWithinMs }: ListenerOptions, socket: Socket) {
  const limitMs = answerWithinMs ?? ANSWER_WITHIN_MS
  return {
    connectionString: databaseUrl.reveal(),
    stream: () => socket,
    connectionTimeoutMillis: limitMs,
    query_timeout: limitMs,
    keepAlive: true,
  } satisfies pg.ClientConfig
}

/** False: the signal came first. */
function passes(ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(ms, signal).then(
    () => true,
    () => false,
  )
}
