import type { Pool } from 'pg'
import type { GroupCoordinator } from '../../shared/kafka/group-coordinator.ts'
import type { KeptMark } from '../../shared/kafka/kept-mark.ts'
import type { LogReader } from '../../shared/kafka/log-reader.ts'
import { acceptDatabase, hasMark, newestMarkAt } from '../../shared/postgres/database-marks.ts'
import { addRestoredGap } from '../../shared/postgres/gaps.ts'
import { markAllAttempted } from '../../shared/postgres/spool.ts'
import type { Vanished } from '../../shared/postgres/vanished-calls.ts'
import { merged } from './vanished.ts'

export interface ConfirmPostgresOptions {
  readonly pool: Pool
  readonly kept: Pick<KeptMark, 'read'>
  /** Of the dispatchers' group. */
  readonly coordinator: Pick<GroupCoordinator, 'committed'>
  /** Of the events topic. */
  readonly reader: Pick<LogReader, 'firstSince' | 'read'>
  readonly eventsTopic: string
  readonly partitions: number
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
      /** Each has a gap now: calls since then that were dealt with, nobody knows how. */
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
  const uncertain: Vanished[] = []
  for (const one of await settledSince(options, since)) {
    const span = { from: Math.floor(one.first), to: Math.ceil(one.last) }
    if (await addRestoredGap(pool, one.workspaceId, span)) uncertain.push(one)
  }
  await acceptDatabase(pool, lost)
  return { result: 'confirmed', since, spooled, uncertain }
}

/** Of each workspace: what lies in the log since then, before what the dispatchers have committed. */
async function settledSince(
  { coordinator, reader, eventsTopic, partitions }: ConfirmPostgresOptions,
  since: number,
): Promise<readonly Vanished[]> {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const committed = await coordinator.committed([eventsTopic], all)
  const found: Vanished[] = []
  for (const { partition, offset } of committed) {
    const start = offset === null ? null : await reader.firstSince(partition, since)
    if (start === null || offset === null) continue
    found.push(...(await workspacesIn(reader, { partition, from: start.offset, until: offset })))
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
