import type { EventLog, LoggedEvent, LogTimes } from './event-log.ts'
import type { ScanBudget } from './log-scans.ts'

export type FirstEvent =
  | { readonly kind: 'found'; readonly event: LoggedEvent }
  /** There is none (any more). */
  | { readonly kind: 'none' }
  /** The budget has ended before the range; there is none before this log time, in milliseconds. */
  | { readonly kind: 'unread'; readonly reachedAt: number }

/**
 * The first event of a workspace within a range, both times included, where a back-fill begins. Reads on through the
 * events of others for as long as the range and the budget last.
 *
 * @throws EventLogAwayError
 */
export async function firstEvent(
  log: EventLog,
  workspaceId: string,
  { since, until }: LogTimes,
  budget: ScanBudget,
): Promise<FirstEvent> {
  let reachedAt = since
  let offset = await log.offsetAt(log.partitionOf(workspaceId), since)
  while (offset !== null) {
    if (budget.isUsedUp()) return { kind: 'unread', reachedAt }
    const range = { offset, until: until + 1, limit: 1 }
    const page = await log.page(workspaceId, range, budget.signal)
    budget.spend(page.cost.bytesRead)
    const [event] = page.events
    if (event) return { kind: 'found', event }
    // Not back: the clocks of producers and brokers differ, and whoever repeats has to come further.
    reachedAt = Math.max(reachedAt, page.reachedAt ?? reachedAt)
    offset = page.nextOffset
  }
  return { kind: 'none' }
}
