import type { Pool } from 'pg'
import type { Logger } from '../../shared/logger.ts'
import { healthOf, updateConnectionHealth } from '../../shared/postgres/connection-health.ts'
import { markResent } from '../../shared/postgres/dead-letters.ts'
import {
  type DeliveryAttempt,
  insertAttempts,
  insertDeadLetters,
} from '../../shared/postgres/delivery-attempts.ts'
import {
  type ItemResult,
  inHalves,
  throwFailure,
  written,
} from '../../shared/postgres/in-halves.ts'
import type { BatchedStatement, OnRefusedRow } from '../../shared/postgres/refused-rows.ts'

/**
 * Attempts on their way to Postgres, in batches. `flush` is called before each commit of offsets:
 * what is committed has its attempts in the table, so a crash repeats an attempt rather than
 * hiding it. With Postgres away the attempts stay here and the commit waits; when the buffer is
 * full no new request is started, so memory stays bounded and nothing is delivered unrecorded.
 * An attempt that Postgres does not take for what it is, is counted and left out: kept, it would hold
 * up the commits of all workspaces.
 */
export class AttemptLog {
  readonly #pool: Pool
  readonly #logger: Logger
  readonly #capacity: number
  readonly #onRefused: OnRefusedRow
  #attempts: DeliveryAttempt[] = []
  #flushing: Promise<void> | null = null

  /** `capacity`: most attempts that wait for Postgres; about 300 bytes each. */
  constructor(pool: Pool, logger: Logger, capacity: number, onRefused: OnRefusedRow) {
    this.#pool = pool
    this.#logger = logger
    this.#capacity = capacity
    this.#onRefused = onRefused
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
    for (let done = 0; done < upTo; ) {
      const batch = this.#attempts.slice(0, Math.min(CHUNK, upTo - done))
      await this.#writeDead(batch)
      const results = await this.#inHalves('insert_attempts', batch, insertAttempts)
      // Written twice a row would show twice, so only what is not written stays.
      const left = batch.filter((_, index) => results[index]?.kind === 'failed')
      this.#attempts = [...left, ...this.#attempts.slice(batch.length)]
      throwFailure(results)
      done += batch.length
      await this.#updateHealth(batch)
    }
  }

  /** First, and not harmed by being done again: what of a batch fails is tried again with all of it. */
  async #writeDead(batch: readonly DeliveryAttempt[]): Promise<void> {
    const dead = batch.filter(({ deadLetter }) => deadLetter !== null)
    throwFailure(await this.#inHalves('insert_dead_letters', dead, insertDeadLetters))
    const resent = batch.filter(({ replay, outcome }) => replay && outcome === 'delivered')
    throwFailure(await this.#inHalves('mark_resent', resent, markResent))
  }

  #inHalves<Row extends { readonly workspaceId: string; readonly eventId?: string }>(
    statement: BatchedStatement,
    rows: readonly Row[],
    write: (pool: Pool, some: readonly Row[]) => Promise<void>,
  ): Promise<readonly ItemResult<undefined>[]> {
    const idsOf = ({ workspaceId, eventId }: Row) => ({ workspaceId, ...(eventId && { eventId }) })
    const refusals = { statement, idsOf, onRefused: this.#onRefused }
    return inHalves(
      rows,
      written((some) => write(this.#pool, some)),
      refusals,
    )
  }

  /** The tile's state is worth a warning, not a stop: the next attempt brings it up to date. */
  async #updateHealth(batch: readonly DeliveryAttempt[]): Promise<void> {
    const rows = healthOf(batch)
    const results = await this.#inHalves('connection_health', rows, updateConnectionHealth)
    const failure = results.find((result) => result.kind === 'failed')
    if (failure) this.#logger.warn({ err: failure.error }, 'connection_health.failed')
  }
}

/** Rows in one statement: enough to make the round trip cheap, little enough to stay under 1 MB. */
const CHUNK = 2_000
