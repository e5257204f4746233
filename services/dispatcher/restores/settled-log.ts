import type { GroupCoordinator } from '../../shared/kafka/group-coordinator.ts'
import type { LogReader } from '../../shared/kafka/log-reader.ts'
import { partitionOfKey } from '../../shared/kafka/partitioner.ts'
import { decodeMetadata } from '../lane/commit-metadata.ts'

export interface EventsLog {
  /** Of the dispatchers' group. */
  readonly coordinator: Pick<GroupCoordinator, 'committed'>
  /** Of the events topic. */
  readonly reader: Pick<LogReader, 'firstSince' | 'read' | 'range'>
  readonly eventsTopic: string
  readonly partitions: number
}

/** How far the dispatchers are with one partition of the log. */
export interface SettledLog {
  readonly partition: number
  /** From this offset on nothing was dealt with. Of what lies before it some calls may still wait. */
  readonly offset: number
  /** Log time of the record there, milliseconds since 1970. `Infinity`: there is none. 0: nothing was dealt with. */
  readonly until: number
}

/** By partition. A commit behind the end of the log is of another one: of this one nothing was settled. */
export async function settledLogs(log: EventsLog): Promise<readonly SettledLog[]> {
  const { coordinator, reader, eventsTopic, partitions } = log
  const all = await coordinator.committed([eventsTopic], everyPartition(partitions))
  const settled = all.map(async ({ partition, offset: committed, metadata }) => {
    const { low, high } = await reader.range(partition)
    if (committed === null || committed > high) return { partition, offset: low, until: 0 }
    const { settledBeyond = [] } = decodeMetadata(committed, metadata) ?? {}
    const offset = Math.max(committed, (settledBeyond.at(-1) ?? -1) + 1)
    const next = await timeOfFirstFrom(reader, partition, offset)
    return { partition, offset, until: next ?? Number.POSITIVE_INFINITY }
  })
  return Promise.all(settled)
}

export interface OldestRecord {
  /** Log time in milliseconds since 1970; null: the partition is empty. */
  readonly at: number | null
  /** Nothing was ever written into it. */
  readonly isNew: boolean
}

/** By partition. */
export function oldestRecords({
  reader,
  partitions,
}: Pick<EventsLog, 'reader' | 'partitions'>): Promise<readonly OldestRecord[]> {
  const oldest = everyPartition(partitions).map(async (partition) => {
    const { high } = await reader.range(partition)
    return { at: (await reader.firstSince(partition, 0))?.at ?? null, isNew: high === 0 }
  })
  return Promise.all(oldest)
}

/** One time for each partition, asked for by a workspace. */
export function byWorkspace(times: readonly number[]): (workspaceId: string) => number {
  return (workspaceId) => times[partitionOfKey(workspaceId, times.length)] ?? 0
}

/** Passes over what is no record of anybody: the ends of transactions, and what was aborted. */
async function timeOfFirstFrom(
  reader: Pick<LogReader, 'read'>,
  partition: number,
  offset: number,
): Promise<number | null> {
  for (let next = offset; ; ) {
    const page = await reader.read(partition, next)
    const [first] = page.messages
    if (first) return Number(first.timestamp)
    if (page.next === next) return null
    next = page.next
  }
}

export function everyPartition(count: number): readonly number[] {
  return Array.from({ length: count }, (_, partition) => partition)
}
