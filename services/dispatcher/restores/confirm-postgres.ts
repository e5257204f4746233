import type { Pool } from 'pg'
import type { KeptMark } from '../../shared/kafka/kept-mark.ts'
import type { LogReader } from '../../shared/kafka/log-reader.ts'
import { acceptDatabase, hasMark, newestMarkAt } from '../../shared/postgres/database-marks.ts'
import { addRestoredGap } from '../../shared/postgres/gaps.ts'
import { markAllAttempted } from '../../shared/postgres/spool.ts'
import { listTakers } from '../../shared/postgres/undelivered-calls.ts'
import { type EventsLog, type SettledLog, settledLogs } from './settled-log.ts'
import { listVanished } from './undelivered.ts'
import { CLOCKS_APART_MS, merged, toGap, type Vanished } from './vanished.ts'

export interface ConfirmPostgresOptions extends EventsLog {
  readonly pool: Pool
  readonly kept: Pick<KeptMark, 'read'>
  /** When the copy was taken, milliseconds since 1970. Default: when the last mark in it was made. */
  readonly since: number | null
}

export type ConfirmedPostgres =
  | { readonly result: 'nothing_to_confirm' }
  /** Nothing was done: no mark says when the copy was taken. */
  | { readonly result: 'since_unknown' }
  | {
      readonly result: 'confirmed'
      readonly since: number
      /** What waited in the copy, and is looked for in the log before it is written. */
      readonly spooled: number
      /** Each has a gap now: calls that were dealt with since then, nobody knows how. */
      readonly uncertain: readonly Vanished[]
    }

/**
 * The database is an older copy. In this order, so that after a crash it can be run again: what waits in
 * the spool may have been written since, what was settled in the log since may not have been delivered
 * (a gap, and what was skipped for it, are not in the copy); at last the mark, with which the services go on.
 */
export async function confirmPostgres(options: ConfirmPostgresOptions): Promise<ConfirmedPostgres> {
  const { pool, kept } = options
  const lost = await kept.read()
  const isNoticed = lost !== null && !(await hasMark(pool, lost))
  // Whoever says when the copy was taken knows more than the marks.
  if (!isNoticed && options.since === null) return { result: 'nothing_to_confirm' }
  const since = options.since ?? (await newestMarkAt(pool))
  if (since === null) return { result: 'since_unknown' }
  const spooled = await markAllAttempted(pool, since)
  const uncertain = await recordUncertain(options, since)
  await acceptDatabase(pool, lost)
  return { result: 'confirmed', since, spooled, uncertain }
}

async function recordUncertain(
  options: ConfirmPostgresOptions,
  since: number,
): Promise<readonly Vanished[]> {
  const { pool } = options
  const logs = await settledLogs(options)
  const takers = await listTakers(pool, since)
  const found = merged([
    ...(await waitedInCopy(pool, logs, since)),
    ...(await settledSince(options.reader, logs, since)),
  ])
  const uncertain = found.filter(({ workspaceId, last }) => {
    const from = takers.get(workspaceId)
    return from !== undefined && from <= Math.max(last, since)
  })
  for (const one of uncertain) await addRestoredGap(pool, one.workspaceId, toGap(one))
  return uncertain
}

/**
 * Calls of before the copy that it does not call delivered, and that were settled when the database was
 * lost: an endpoint that was away may have been suspended since, and the copy knows of no gap.
 */
function waitedInCopy(
  pool: Pool,
  logs: readonly SettledLog[],
  since: number,
): Promise<readonly Vanished[]> {
  const until = logs.map((log) => Math.min(since, log.until + CLOCKS_APART_MS))
  return listVanished({ pool, since: null, until })
}

/** Of each workspace: what lies in the log since then, before what the dispatchers have committed. */
async function settledSince(
  reader: Pick<LogReader, 'firstSince' | 'read'>,
  logs: readonly SettledLog[],
  since: number,
): Promise<readonly Vanished[]> {
  const found: Vanished[] = []
  for (const { partition, offset: until } of logs) {
    // A call of just before has its row after it, and does not count as waiting in the copy.
    const start = await reader.firstSince(partition, since - CLOCKS_APART_MS)
    if (start === null) continue
    found.push(...(await workspacesIn(reader, { partition, from: start.offset, until })))
  }
  return merged(found)
}

interface Stretch {
  readonly partition: number
  readonly from: number
  /** Exclusive. */
  readonly until: number
}

/** One for each page and workspace: an hour of a busy partition does not fit into memory. */
async function workspacesIn(
  reader: Pick<LogReader, 'read'>,
  { partition, from, until }: Stretch,
): Promise<readonly Vanished[]> {
  let found: readonly Vanished[] = []
  for (let next = from; next < until; ) {
    const page = await reader.read(partition, next)
    if (page.next === next) break
    next = page.next
    const settled = page.messages.filter(({ offset }) => Number(offset) < until)
    const seen = settled.map(({ key, timestamp }): Vanished => {
      const at = Number(timestamp)
      return { workspaceId: key?.toString() ?? '', calls: 1, first: at, last: at }
    })
    found = merged([...found, ...seen])
  }
  return found
}
