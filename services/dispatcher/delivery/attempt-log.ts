import type { Pool } from 'pg'
import type { Logger } from '../../shared/logger.ts'
import { healthOf, updateConnectionHealth } from '../../shared/postgres/connection-health.ts'
import { markResent } from '../../shared/postgres/dead-letters.ts'
import {
  type DeliveryAttempt,
  insertAttempts,
  insertDeadLetters,
} from '../../shared/postgres/delivery-attempts.ts'

/**
 * Attempts on their way to Postgres, in batches. `flush` is called before each commit of offsets:
 * what is committed has its attempts in the table, so a crash repeats an attempt rather than
 * hiding it. With Postgres away the attempts stay here and the commit waits; when the buffer is
 * full no new request is started, so memory stays bounded and nothing is delivered unrecorded.
 */
export class AttemptLog {
  readonly #pool: Pool
  readonly #logger: Logger
  readonly #capacity: number
  #attempts: DeliveryAttempt[] = []
  #flushing: Promise<void> | null = null

  /** `capacity`: most attempts that wait for Postgres; about 300 bytes each. */
  constructor(pool: Pool, logger: Logger, capacity: number) {
    this.#pool = pool
    this.#logger = logger
    this.#capacity = capacity
  }

  get isFull(): boolean {
    return this.#attempts.length >= this.#capacity
  }

  get waiting(): number {
    return this.#attempts.length
  }

  add(attempt: DeliveryAttempt): void {
    this.#attempts.push(attempt)
  }

  /** Writes everything that was added before the call. Rejects when Postgres does not take it. */
  async flush(): Promise<void> {
    while (this.#flushing) await this.#flushing.catch(() => undefined)
    this.#flushing = this.#write()
    try {
      await this.#flushing
    } finally {
      this.#flushing = null
    }
  }

  async #write(): Promise<void> {
    const upTo = this.#attempts.length
    for (let written = 0; written < upTo; ) {
      const batch = this.#attempts.slice(0, Math.min(CHUNK, upTo - written))
      await insertAttempts(this.#pool, batch)
      const dead = batch.filter(({ deadLetter }) => deadLetter !== null)
      if (dead.length > 0) await insertDeadLetters(this.#pool, dead)
      const resent = batch.filter(({ replay, outcome }) => replay && outcome === 'delivered')
      if (resent.length > 0) await markResent(this.#pool, resent)
      this.#attempts = this.#attempts.slice(batch.length)
      written += batch.length
      await this.#updateHealth(batch)
    }
  }

  /** The tile's state is worth a warning, not a stop: the next attempt brings it up to date. */
  async #updateHealth(batch: readonly DeliveryAttempt[]): Promise<void> {
    try {
      await updateConnectionHealth(this.#pool, healthOf(batch))
    } catch (error) {
      this.#logger.warn({ err: error }, 'connection_health.failed')
    }
  }
}

/** Rows in one statement: enough to make the round trip cheap, little enough to stay under 1 MB. */
const CHUNK = 2_000
