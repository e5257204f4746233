import type { Pool } from 'pg'
import type { Clock } from '../../shared/clock.ts'
import {
  type GroupCoordinator,
  NOBODY,
  type OffsetCommit,
} from '../../shared/kafka/group-coordinator.ts'
import { type LogRange, readRanges } from '../../shared/kafka/log-ranges.ts'
import type { LogReader } from '../../shared/kafka/log-reader.ts'
import { readTopicIds } from '../../shared/kafka/topic-ids.ts'
import type { TopicNames } from '../../shared/kafka/topics.ts'
import type { ClusterLink } from '../../shared/kafka/wire/cluster-link.ts'
import { BrokerError, CODE } from '../../shared/kafka/wire/error-codes.ts'
import { forgetLogEnds } from '../../shared/postgres/connections.ts'
import { addDeletedGap } from '../../shared/postgres/gaps.ts'
import { forgetKeptPositions } from '../../shared/postgres/kept-requests.ts'
import {
  acceptTopics,
  compareTopics,
  forgetTopics,
  listKnownTopics,
} from '../../shared/postgres/known-topics.ts'
import {
  findVanished,
  forgetVanished,
  oldestPublishedAt,
  type PublishedSpan,
  type Vanished,
} from '../../shared/postgres/vanished-calls.ts'
import { merged, spansOf, toGap } from './vanished.ts'

export interface ConfirmKafkaOptions {
  readonly pool: Pool
  readonly link: ClusterLink
  /** Of the dispatchers' group. */
  readonly coordinator: Pick<GroupCoordinator, 'commit' | 'committed'>
  /** Of the events topic. */
  readonly reader: Pick<LogReader, 'firstSince' | 'read'>
  readonly names: TopicNames
  readonly topicPrefix: string
  readonly partitions: number
  /** Milliseconds since 1970: what was published before is left as it is. Default: all that is known. */
  readonly since: number | null
  readonly clock: Pick<Clock, 'now'>
}

export type ConfirmedKafka =
  | { readonly result: 'nothing_to_confirm' }
  /** Nothing was done: a dispatcher is in the group, and its commits would undo what is done here. */
  | { readonly result: 'dispatchers_running' }
  /** Nothing was done: these topics have to be made first. */
  | { readonly result: 'topics_missing'; readonly topics: readonly string[] }
  | {
      readonly result: 'confirmed'
      readonly topics: readonly string[]
      /** Each has a gap now. */
      readonly vanished: readonly Vanished[]
      /** Events whose repeats are taken again. */
      readonly forgotten: number
    }

/**
 * Topics were made anew. In this order, so that after a crash it can be run again: offsets of the logs that
 * are gone, gaps for what vanished with them, what is known as published; at last the ids, with which the
 * services go on.
 */
export async function confirmKafka(options: ConfirmKafkaOptions): Promise<ConfirmedKafka> {
  const { pool, link, names, topicPrefix } = options
  const known = await listKnownTopics(pool, `${topicPrefix}.`)
  const ids = await readTopicIds(link, known)
  const changed = await compareTopics(pool, ids)
  // A topic that this user may not see may have changed as well: its id is taken down anew.
  const unseen = known.filter((topic) => !ids.has(topic))
  const missing = unseen.filter((topic) => isRead(topic, names))
  if (missing.length > 0) return { result: 'topics_missing', topics: missing }
  if (changed.length === 0 && unseen.length === 0) return { result: 'nothing_to_confirm' }
  const read = changed.filter((topic) => isRead(topic, names))
  const until = await endOfWhatIsGone(options, read.includes(names.events))
  if (read.length > 0 && !(await beginAnew(options, { read, known }))) {
    return { result: 'dispatchers_running' }
  }
  const spans = spansOf({
    from: Math.max(options.since ?? 0, (await oldestPublishedAt(pool)) ?? until),
    until: read.length > 0 ? until : 0,
  })
  const vanished = await recordGaps(pool, spans)
  const forgotten = await forgetAll(pool, spans)
  await forgetKeptPositions(pool)
  // By the places of the log before, calls of the new one would pass for older than the connection.
  if (read.includes(names.events)) await forgetLogEnds(pool, names.events)
  await forgetTopics(pool, unseen)
  await acceptTopics(pool, ids)
  return { result: 'confirmed', topics: changed, vanished, forgotten }
}

/** By the dispatchers, in their group. */
function isRead(topic: string, { events, catchUp, retry }: TopicNames): boolean {
  return topic === events || topic === catchUp || topic.startsWith(retry(''))
}

/**
 * What is in the log that is there was published later than this, or is still to be read there. A log that
 * was made anew begins with its first record; where only lanes are gone it is what nobody has settled.
 */
async function endOfWhatIsGone(
  { reader, coordinator, names, partitions, clock }: ConfirmKafkaOptions,
  isOtherLog: boolean,
): Promise<number> {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const committed = isOtherLog ? [] : await coordinator.committed([names.events], all)
  const times = all.map(async (partition) => {
    const offset = committed[partition]?.offset ?? null
    if (offset === null) return (await reader.firstSince(partition, 0))?.at ?? null
    const [next] = (await reader.read(partition, offset)).messages
    return next ? Number(next.timestamp) : null
  })
  const found = (await Promise.all(times)).flatMap((at) => at ?? [])
  return Math.min(clock.now(), ...found)
}

/**
 * False while the group has members. What was committed of the logs before would hide calls of the new ones.
 * Where lanes are left, their records hold places in the log that is gone, and would hide calls of the new
 * one as well: a commit that lies behind the end of it tells the dispatchers so.
 */
async function beginAnew(
  { link, coordinator, names, partitions }: ConfirmKafkaOptions,
  { read, known }: { readonly read: readonly string[]; readonly known: readonly string[] },
): Promise<boolean> {
  const keepsLanes = known.some((topic) => isRead(topic, names) && !read.includes(topic))
  const all = read.flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
  async function places(): Promise<readonly OffsetCommit[]> {
    const ranges = await readRanges(link, all)
    const hasLanes = all.some(
      ({ topic }, index) => topic !== names.events && !isEmpty(ranges[index]),
    )
    return all.map((one, index) => {
      const isOtherLog = one.topic === names.events && (keepsLanes || hasLanes)
      const offset = isOtherLog ? BEHIND_EVERY_LOG : (ranges[index]?.low ?? 0)
      return { ...one, offset, metadata: '' }
    })
  }
  // Again once nobody is in the group: until it had noticed, a dispatcher wrote lanes into the new topics.
  return (
    (await isTaken(coordinator, await places())) && (await isTaken(coordinator, await places()))
  )
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

/** Before anything is forgotten: from then on nobody knows who misses what. */
async function recordGaps(
  pool: Pool,
  spans: readonly PublishedSpan[],
): Promise<readonly Vanished[]> {
  const found: Vanished[] = []
  for (const span of spans) found.push(...(await findVanished(pool, span)))
  const vanished = merged(found)
  for (const one of vanished) await addDeletedGap(pool, one.workspaceId, toGap(one))
  return vanished
}

async function forgetAll(pool: Pool, spans: readonly PublishedSpan[]): Promise<number> {
  let forgotten = 0
  for (const span of spans) forgotten += await forgetVanished(pool, span)
  return forgotten
}
