import type { EventLog, LoggedEvent, LogTimes } from './event-log.ts'

/**
 * The first event of a workspace within a range, both times included, where a back-fill begins; null: there is none (any
 * more). Reads on through the events of others for as long as the range lasts.
 *
 * @throws EventLogAwayError
 */
export async function firstEvent(
  log: EventLog,
  workspaceId: string,
  { since, until }: LogTimes,
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
