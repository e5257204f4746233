import { z } from 'zod'
import type { EventLog, LogPageOfWorkspace } from './event-log.ts'
import { cursorNumber, cursorTime } from './given.ts'
import { decodeCursor, encodeCursor } from './paging.ts'
import { invalidRequest } from './problem.ts'

/** Where a page of a workspace's calls begins, and the log time before which the list ends. */
export interface CallsPlace {
  /** Null: the log has nothing that late. */
  readonly offset: number | null
  /** Milliseconds since 1970; null: the end of the log. */
  readonly until: number | null
  /** Log time of the oldest record, when that is later than what was asked for; else null. */
  readonly availableFrom: number | null
}

export interface AskedCalls {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly cursor?: string | undefined
}

/**
 * Finds the place by the log's own index, or takes it from the cursor.
 *
 * @throws Problem 422 for a cursor of another workspace, or for times in the wrong order.
 */
export async function findPlace(
  log: EventLog,
  workspaceId: string,
  asked: AskedCalls,
): Promise<CallsPlace> {
  const partition = log.partitionOf(workspaceId)
  if (asked.cursor !== undefined) {
    const { o, u } = decodeCursor(asked.cursor, positionIn(workspaceId, partition))
    return { offset: o, until: u, availableFrom: null }
  }
  const since = asked.since === undefined ? 0 : Date.parse(asked.since)
  const until = asked.until === undefined ? null : Date.parse(asked.until)
  if (until !== null && until <= since) {
    throw invalidRequest([{ path: 'query.until', message: 'has to be later than since' }])
  }
  const [offset, oldest] = await Promise.all([
    log.offsetAt(partition, since),
    asked.since === undefined ? null : log.oldestAt(partition),
  ])
  const isBefore = oldest !== null && since < oldest
  return { offset, until, availableFrom: isBefore ? oldest : null }
}

/**
 * A cursor is an offset, so it points at the same record for ever; with the workspace, which another
 * one of the same partition could use it for.
 */
function positionIn(workspaceId: string, partition: number) {
  return z.strictObject({
    w: z.literal(workspaceId),
    p: z.literal(partition),
    o: cursorNumber,
    u: cursorTime.nullable(),
  })
}

export interface CallsCursors {
  readonly nextCursor: string | null
  readonly resumeCursor: string | null
}

export function cursorsOf(
  log: EventLog,
  workspaceId: string,
  { until }: Pick<CallsPlace, 'until'>,
  { nextOffset, endOffset }: Pick<LogPageOfWorkspace, 'nextOffset' | 'endOffset'>,
): CallsCursors {
  const p = log.partitionOf(workspaceId)
  const at = (o: number) => encodeCursor({ w: workspaceId, p, o, u: until })
  return {
    nextCursor: nextOffset === null ? null : at(nextOffset),
    resumeCursor: until === null ? at(endOffset) : null,
  }
}
