import type { PoolClient } from 'pg'
import { inHalves, throwFailure, writeInHalves } from '../../shared/postgres/in-halves.ts'
import {
  findPublishedEvents,
  type KnownEvent,
  type PublishedEvent,
  recordPublishedEvents,
} from '../../shared/postgres/published-events.ts'
import type { OnRefusedRow } from '../../shared/postgres/refused-rows.ts'
import { withSavepoint } from '../../shared/postgres/savepoint.ts'

/**
 * The table of published events within the transaction of a drain. An event whose row Postgres does
 * not take goes into the log all the same: only its repeats are not recognized. Held back, it would
 * hold up the entries of all workspaces.
 */
export async function lookUpPublished(
  client: PoolClient,
  eventIds: readonly string[],
  onRefused: OnRefusedRow,
): Promise<readonly KnownEvent[]> {
  const found = await inHalves(
    eventIds,
    (some) =>
      withSavepoint(client, async () => {
        const rows = await findPublishedEvents(client, some)
        const known = new Map(rows.map((row) => [row.eventId, row]))
        return some.map((id) => known.get(id) ?? null)
      }),
    { statement: 'find_spooled', idsOf: (eventId) => ({ eventId }), onRefused },
  )
  throwFailure(found)
  return found.flatMap((one) => (one.kind === 'done' && one.result !== null ? [one.result] : []))
}

export async function recordPublished(
  client: PoolClient,
  events: readonly PublishedEvent[],
  onRefused: OnRefusedRow,
): Promise<void> {
  const write = (some: readonly PublishedEvent[]) =>
    withSavepoint(client, () => recordPublishedEvents(client, some))
  const idsOf = ({ eventId, workspaceId }: PublishedEvent) => ({ eventId, workspaceId })
  const refusals = { statement: 'record_spooled', idsOf, onRefused } as const
  await writeInHalves(events, write, refusals)
}
