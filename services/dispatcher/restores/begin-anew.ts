import type { Pool } from 'pg'
import {
  type CommittedOffset,
  type GroupCoordinator,
  NOBODY,
  type OffsetCommit,
} from '../../shared/kafka/group-coordinator.ts'
import { readRanges } from '../../shared/kafka/log-ranges.ts'
import type { TopicNames } from '../../shared/kafka/topics.ts'
import type { ClusterLink } from '../../shared/kafka/wire/cluster-link.ts'
import { BrokerError, CODE } from '../../shared/kafka/wire/error-codes.ts'
import { findSequence } from '../../shared/postgres/sequence-positions.ts'
import { decodeMetadata, encodeMetadata } from '../lane/commit-metadata.ts'
import { everyPartition } from './settled-log.ts'

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
  // Asked once: the first commit tells the next one already.
  const epoch = topics.read.includes(options.names.events) ? await greatestEpoch(options) : null
  const places = () =>
    epoch === null ? startsOfLanes(options, topics) : startsOfLogs(options, { ...topics, epoch })
  return (
    (await isTaken(coordinator, await places())) && (await isTaken(coordinator, await places()))
  )
}

/** Of the calls' numbers until now. Each of both stores can be an older copy. */
async function greatestEpoch(options: BeginAnewOptions): Promise<number> {
  const committed = await committedOf(options)
  const sequence = await findSequence(options.pool, options.names.events, 0)
  return Math.max(sequence.epoch, ...committed.map(epochOf))
}

/**
 * Where lanes are left, their records hold places in the log that is gone, and would hide calls of the new
 * one as well: a commit beyond its end tells the dispatchers so. The numbers of the calls go on under a new
 * epoch, or the new log would give those of the one before again: it may be the longer one.
 */
async function startsOfLogs(
  options: BeginAnewOptions,
  { read, known, epoch }: NewTopics & { readonly epoch: number },
): Promise<readonly OffsetCommit[]> {
  const { events } = options.names
  const starts = await startsOf(options, read)
  const keepsLanes = known.some((topic) => topic !== events && !read.includes(topic))
  const hasLanes = starts.some(({ topic, isEmpty }) => topic !== events && !isEmpty)
  const isOtherLog = keepsLanes || hasLanes
  return starts.map(({ topic, partition, low }) => {
    if (topic !== events) return { topic, partition, offset: low, metadata: '' }
    // Whoever finds that it is another log adds one to what was committed of the one before.
    const place = isOtherLog ? unclean(BEHIND_EVERY_LOG, epoch) : unclean(low, epoch + 1)
    return { topic, partition, ...place }
  })
}

/**
 * The log is as it was, and lanes are gone. What is settled beyond a watermark may be so only because a
 * lane covered it: it is read again. What lies before the watermark is in no lane any more.
 */
async function startsOfLanes(
  options: BeginAnewOptions,
  { read }: NewTopics,
): Promise<readonly OffsetCommit[]> {
  const starts = await startsOf(options, read)
  const committed = await committedOf(options)
  return [
    ...starts.map(({ topic, partition, low }) => ({ topic, partition, offset: low, metadata: '' })),
    ...committed.flatMap(withoutBeyond),
  ]
}

/** Where the topics that were made anew begin. */
async function startsOf({ link, partitions }: BeginAnewOptions, topics: readonly string[]) {
  const all = topics.flatMap((topic) =>
    everyPartition(partitions).map((partition) => ({ topic, partition })),
  )
  const ranges = await readRanges(link, all)
  return all.map((one, index) => {
    const { low, high } = ranges[index] ?? { low: 0, high: 0 }
    return { ...one, low, isEmpty: low === high }
  })
}

function committedOf({ coordinator, names, partitions }: BeginAnewOptions) {
  return coordinator.committed([names.events], everyPartition(partitions))
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
