import type { Pool } from 'pg'
import {
  type CommittedOffset,
  type GroupCoordinator,
  NOBODY,
  type OffsetCommit,
} from '../../shared/kafka/group-coordinator.ts'
import { type LogRange, readRanges } from '../../shared/kafka/log-ranges.ts'
import type { TopicNames } from '../../shared/kafka/topics.ts'
import type { ClusterLink } from '../../shared/kafka/wire/cluster-link.ts'
import { BrokerError, CODE } from '../../shared/kafka/wire/error-codes.ts'
import { findSequence } from '../../shared/postgres/sequence-positions.ts'
import { decodeMetadata, encodeMetadata } from '../lane/commit-metadata.ts'

export interface BeginAnewOptions {
  readonly pool: Pool
  readonly link: ClusterLink
  /** Of the dispatchers' group. */
  readonly coordinator: Pick<GroupCoordinator, 'commit' | 'committed'>
  readonly names: TopicNames
  readonly partitions: number
}

/** Topics that the dispatchers read. */
export interface NewTopics {
  /** Those that were made anew. */
  readonly read: readonly string[]
  /** All that were known before. */
  readonly known: readonly string[]
}

/**
 * Has the dispatchers begin at the right places. False while the group has members. What was committed of
 * the logs before would hide calls of the new ones. It is done twice: until a dispatcher had noticed, it
 * may have written lanes into the new topics, and by the second time nobody is in the group.
 */
export async function beginAnew(options: BeginAnewOptions, topics: NewTopics): Promise<boolean> {
  const { coordinator } = options
  const epoch = await greatestEpoch(options)
  const places = () =>
    topics.read.includes(options.names.events)
      ? startsOfLogs(options, { ...topics, epoch })
      : startsOfLanes(options, topics)
  return (
    (await isTaken(coordinator, await places())) && (await isTaken(coordinator, await places()))
  )
}

/** Of the calls' numbers until now. Each of both stores can be an older copy. */
async function greatestEpoch({
  pool,
  coordinator,
  names,
  partitions,
}: BeginAnewOptions): Promise<number> {
  const committed = await coordinator.committed([names.events], everyPartition(partitions))
  const sequence = await findSequence(pool, names.events, 0)
  return Math.max(sequence.epoch, ...committed.map(epochOf))
}

/**
 * Where lanes are left, their records hold places in the log that is gone, and would hide calls of the new
 * one as well: a commit beyond its end tells the dispatchers so. The numbers of the calls go on under a new
 * epoch, or the new log would give those of the one before again: it may be the longer one.
 */
async function startsOfLogs(
  { link, names, partitions }: BeginAnewOptions,
  { read, known, epoch }: NewTopics & { readonly epoch: number },
): Promise<readonly OffsetCommit[]> {
  const all = partitionsOf(read, partitions)
  const ranges = await readRanges(link, all)
  const keepsLanes = known.some((topic) => topic !== names.events && !read.includes(topic))
  const hasLanes = all.some(({ topic }, index) => topic !== names.events && !isEmpty(ranges[index]))
  return all.map((one, index) => {
    const low = ranges[index]?.low ?? 0
    if (one.topic !== names.events) return { ...one, offset: low, metadata: '' }
    const isOtherLog = keepsLanes || hasLanes
    // Whoever finds that it is another log adds one to what was committed of the one before.
    return isOtherLog
      ? { ...one, ...unclean(BEHIND_EVERY_LOG, epoch) }
      : { ...one, ...unclean(low, epoch + 1) }
  })
}

/**
 * The log is as it was, and lanes are gone. What is settled beyond a watermark may be so only because a
 * lane covered it: it is read again. What lies before the watermark is in no lane any more.
 */
async function startsOfLanes(
  { link, coordinator, names, partitions }: BeginAnewOptions,
  { read }: NewTopics,
): Promise<readonly OffsetCommit[]> {
  const all = partitionsOf(read, partitions)
  const ranges = await readRanges(link, all)
  const starts = all.map((one, index) => ({
    ...one,
    offset: ranges[index]?.low ?? 0,
    metadata: '',
  }))
  const committed = await coordinator.committed([names.events], everyPartition(partitions))
  return [...starts, ...committed.flatMap(withoutBeyond)]
}

function withoutBeyond(committed: CommittedOffset): OffsetCommit[] {
  const { topic, partition, offset } = committed
  return offset === null ? [] : [{ topic, partition, ...unclean(offset, epochOf(committed)) }]
}

function epochOf({ offset, metadata }: CommittedOffset): number {
  return (offset === null ? null : decodeMetadata(offset, metadata))?.epoch ?? 0
}

/** Whoever opens the partition next waits until no request of the last owner can be under way. */
function unclean(offset: number, epoch: number): Pick<OffsetCommit, 'offset' | 'metadata'> {
  return { offset, metadata: encodeMetadata(offset, { clean: false, settledBeyond: [], epoch }) }
}

function partitionsOf(topics: readonly string[], count: number) {
  return topics.flatMap((topic) => everyPartition(count).map((partition) => ({ topic, partition })))
}

function everyPartition(count: number): readonly number[] {
  return Array.from({ length: count }, (_, partition) => partition)
}

function isEmpty(range: LogRange | undefined): boolean {
  return range === undefined || range.high === range.low
}

/** False: somebody is in the group. */
async function isTaken(
  coordinator: Pick<GroupCoordinator, 'commit'>,
  offsets: readonly OffsetCommit[],
): Promise<boolean> {
  try {
    await coordinator.commit(offsets, NOBODY)
    return true
  } catch (error) {
    if (error instanceof BrokerError && HAS_MEMBERS.has(error.code)) return false
    throw error
  }
}

const BEHIND_EVERY_LOG = Number.MAX_SAFE_INTEGER
const HAS_MEMBERS: ReadonlySet<number> = new Set([
  CODE.UNKNOWN_MEMBER_ID,
  CODE.ILLEGAL_GENERATION,
  CODE.REBALANCE_IN_PROGRESS,
])
