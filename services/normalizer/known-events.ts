import { createBatcher, createWriteBatcher } from '../shared/batcher.ts'
import type { Logger } from '../shared/logger.ts'
import type { DatabaseGuard } from '../shared/postgres/database-guard.ts'
import type { Refusals } from '../shared/postgres/in-halves.ts'
import type { KnownEvent, PublishedEvent, Sighting } from '../shared/postgres/published-events.ts'
import {
  asRowRefused,
  type BatchedStatement,
  type OnRefusedRow,
  RowRefusedError,
} from '../shared/postgres/refused-rows.ts'
import { createQueryOrNull } from './query-or-null.ts'

/**
 * Which events were published before, or wait in the spool, and whose workspaces have to queue
 * there. Never fails: while Postgres is away, or when the query fails, nothing is recognized, so a
 * provider's repeat may reach the customer twice (with the same `eventId`), but no call waits for a
 * table that only guards against repeats, nor is refused because of it.
 *
 * Concurrent questions share one query, and so do concurrent records. One that Postgres refuses for
 * what it is is left out alone.
 */
export interface KnownEvents {
  find(event: EventName): Promise<Sight>
  record(event: PublishedEvent): Promise<void>
}

export type EventName = Pick<PublishedEvent, 'eventId' | 'workspaceId'>

export interface Sight {
  readonly known: KnownEvent | null
  /**
   * The workspace has entries in the spool. Judged by a statement that began after the event came,
   * so that whatever was spooled and answered before is seen. Without an answer: if there was
   * anything in the spool when Postgres answered last.
   */
  readonly isQueued: boolean
}

type Step = 'lookup' | 'record'

export interface KnownEventsOptions {
  readonly find: (events: readonly EventName[]) => Promise<Sighting>
  readonly record: (events: readonly PublishedEvent[]) => Promise<void>
  /** Told for each event that was not looked up, or not recorded. */
  readonly onSkipped: (step: Step) => void
  readonly onRefused: OnRefusedRow
  readonly guard: DatabaseGuard
  readonly logger: Logger
}

const BATCH_MAX = 500

export function createKnownEvents(options: KnownEventsOptions): KnownEvents {
  const { guard, logger, onSkipped } = options
  const queryOrNull = createQueryOrNull({
    guard,
    event: 'known_events.query_failed',
    logger,
    isForCaller: (error) => asRowRefused(error) !== null,
  })
  let isSpoolUsed = false
  const lookups = createBatcher<EventName, Sight>(
    async (events) => {
      const seen = await queryOrNull(() => options.find(events))
      if (seen === null) {
        for (const _ of events) onSkipped('lookup')
        return events.map(() => ({ known: null, isQueued: isSpoolUsed }))
      }
      isSpoolUsed = seen.isSpoolUsed
      const known = new Map(seen.events.map((row) => [row.eventId, row]))
      return events.map(({ eventId, workspaceId }) => ({
        known: known.get(eventId) ?? null,
        isQueued: seen.queued.has(workspaceId),
      }))
    },
    { itemsMax: BATCH_MAX, refusals: refusalsOf('sight_events') },
  )
  const records = createWriteBatcher<PublishedEvent>(
    async (events) => {
      const done = await queryOrNull(async () => {
        await options.record(events)
        return true
      })
      if (done === null) for (const _ of events) onSkipped('record')
    },
    { itemsMax: BATCH_MAX, refusals: refusalsOf('record_events') },
  )

  function refusalsOf(statement: BatchedStatement): Refusals<EventName> {
    const { onRefused } = options
    return { statement, idsOf: ({ eventId, workspaceId }) => ({ eventId, workspaceId }), onRefused }
  }

  /** What is set aside is not recognized, as if Postgres were away for it alone. */
  async function orSkipped<T>(step: Step, answer: Promise<T>, otherwise: () => T): Promise<T> {
    try {
      return await answer
    } catch (error) {
      if (!(error instanceof RowRefusedError)) throw error
      onSkipped(step)
      return otherwise()
    }
  }

  return {
    find: (event) =>
      orSkipped('lookup', lookups.add(event), () => ({ known: null, isQueued: isSpoolUsed })),
    record: (event) => orSkipped('record', records.add(event), () => undefined),
  }
}
