import { DeadlineError, withinMs } from '../shared/deadline.ts'
import { ProduceError } from '../shared/kafka/produce-error.ts'
import type { Logger } from '../shared/logger.ts'
import { isDatabaseAway } from '../shared/postgres/pool.ts'
import type { UnavailableReason } from './act-on-verdicts.ts'
import { SpoolRefusedError } from './spool/spool.ts'

/**
 * Lets work in, as much as there is room for, and answers in time whatever happens to it.
 *
 * Work that misses the deadline goes on: a record that Kafka acknowledges late is remembered, and
 * the sender's repeat of it is recognized.
 */
export interface Door {
  pass<T>(work: () => Promise<T>): Promise<T | Unavailable>
}

export interface Unavailable {
  readonly kind: 'unavailable'
  readonly reason: UnavailableReason
}

export interface DoorOptions {
  /** Requests under way; beyond it memory would grow for as long as Kafka is away. */
  readonly inFlightMax: number
  readonly answerWithinMs: number
  readonly logger: Logger
}

export function createDoor({ inFlightMax, answerWithinMs, logger }: DoorOptions): Door {
  let inFlight = 0
  return {
    async pass(work) {
      if (inFlight >= inFlightMax) return { kind: 'unavailable', reason: 'overload' }
      inFlight += 1
      const running = work().finally(() => {
        inFlight -= 1
      })
      try {
        return await withinMs(answerWithinMs, running)
      } catch (error) {
        const reason = reasonOf(error)
        // What is away is reported by its owner, once; here every request would say it again.
        if (reason === 'bug') logger.error({ err: error }, 'request.failed')
        return { kind: 'unavailable', reason }
      }
    },
  }
}

const REFUSED = {
  full: 'spool_full',
  too_old: 'spool_too_old',
  postgres_away: 'kafka_and_postgres',
} as const

/** `bug`: nothing is away, the work itself failed. */
export function reasonOf(error: unknown): UnavailableReason {
  if (error instanceof SpoolRefusedError) return REFUSED[error.reason]
  if (error instanceof ProduceError) return 'kafka'
  if (error instanceof DeadlineError) return 'deadline'
  return isDatabaseAway(error) ? 'postgres' : 'bug'
}
