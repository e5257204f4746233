import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

/**
 * Something that is tried again until it works, and fails for as long as a server is away: told when
 * it begins and when it is over. A line for each try would fill the log of an outage with what everybody
 * knows by then, and push out what explains it.
 */
export interface Trouble {
  /** A try has failed. Told if the one before had not, or if the error is another one by now. */
  met(error: unknown, facts?: object): void
  /** A try has succeeded. */
  over(): void
  /** Milliseconds since the first try failed; 0: the last one succeeded. */
  readonly forMs: number
}

export interface TroubleOptions {
  /** Names of the two lines. */
  readonly begins: string
  readonly ends: string
  readonly clock: Pick<Clock, 'elapsed'>
  readonly logger: Logger
}

/** Errors that alternate, of several brokers, are told so often at most. */
const TOLD_AGAIN_MS = 60_000

export function createTrouble({ begins, ends, clock, logger }: TroubleOptions): Trouble {
  let since: number | null = null
  let toldAt = 0
  let told = ''
  let tries = 0
  const forMs = () => (since === null ? 0 : Math.round(clock.elapsed() - since))
  return {
    get forMs() {
      return forMs()
    },
    met(error, facts = {}) {
      const now = clock.elapsed()
      const text = error instanceof Error ? error.message : String(error)
      tries += 1
      if (since !== null && (text === told || now - toldAt < TOLD_AGAIN_MS)) return
      since ??= now
      toldAt = now
      told = text
      logger.warn({ ...facts, err: error }, begins)
    },
    over() {
      if (since === null) return
      logger.info({ forMs: forMs(), tries }, ends)
      since = null
      tries = 0
    },
  }
}
