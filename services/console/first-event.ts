import type { EventLog, LoggedEvent } from './event-log.ts'

/** Log times in milliseconds since 1970, both included. */
export interface TimeRange {
  readonly since: number
  readonly until: number
}

/**
 * The first event of a workspace within a range, where a back-fill begins; null: there is none (any
 * more). Reads on through the events of others for as long as the range lasts.
 *
 * @throws EventLogAwayError
 */
export async function firstEvent(
  log: EventLog,
  workspaceId: string,
  { since, until }: TimeRange,
): Promise<LoggedEvent | null> {
  let offset = await log.offsetAt(log.partitionOf(workspaceId), since)
  while (offset !== null) {
    const page = await log.page(workspaceId, { offset, until: until + 1, limit: 1 })
    const [first] = page.events
    if (first) return first
    offset = page.nextOffset
  }
  return null
}
