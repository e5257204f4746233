import { createBatcher, createWriteBatcher } from '../shared/batcher.ts'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import type { KnownEvent, PublishedEvent } from '../shared/postgres/published-events.ts'
import { createUnlessAway } from './unless-away.ts'

/**
 * Which events were published before. Never fails: while Postgres is away nothing is recognized,
 * so a provider's repeat may reach the customer twice (with the same `eventId`), but no call waits
 * for a table that only guards against repeats.
 *
 * Concurrent questions share one query, and so do concurrent records.
 */
export interface KnownEvents {
  find(eventId: string): Promise<KnownEvent | null>
  record(event: PublishedEvent): Promise<void>
}

export interface KnownEventsOptions {
  readonly find: (eventIds: readonly string[]) => Promise<readonly KnownEvent[]>
  readonly record: (events: readonly PublishedEvent[]) => Promise<void>
  /** Told for each event that was not looked up, or not recorded. */
  readonly onSkipped: (step: 'lookup' | 'record') => void
  readonly clock: Clock
  readonly logger: Logger
}

const BATCH_MAX = 500

export function createKnownEvents(options: KnownEventsOptions): KnownEvents {
  const { clock, logger, onSkipped } = options
  const unlessAway = createUnlessAway({ event: 'known_events.unavailable', clock, logger })
  const lookups = createBatcher<string, KnownEvent | null>(
    async (ids) => {
      const rows = await unlessAway(() => options.find([...new Set(ids)]))
      if (rows === null) for (const _ of ids) onSkipped('lookup')
      const known = new Map(rows?.map((row) => [row.eventId, row]))
      return ids.map((id) => known.get(id) ?? null)
    },
    { itemsMax: BATCH_MAX },
  )
  const records = createWriteBatcher<PublishedEvent>(
    async (events) => {
      const done = await unlessAway(async () => {
        await options.record(events)
        return true
      })
      if (done === null) for (const _ of events) onSkipped('record')
    },
    { itemsMax: BATCH_MAX },
  )
  return { find: (eventId) => lookups.add(eventId), record: (event) => records.add(event) }
}
