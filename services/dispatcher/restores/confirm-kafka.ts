import type { Pool } from 'pg'
import type { Clock } from '../../shared/clock.ts'
import type { GroupCoordinator } from '../../shared/kafka/group-coordinator.ts'
import type { KeptMark } from '../../shared/kafka/kept-mark.ts'
import { readTopicIds } from '../../shared/kafka/topic-ids.ts'
import type { TopicNames } from '../../shared/kafka/topics.ts'
import type { ClusterLink } from '../../shared/kafka/wire/cluster-link.ts'
import { failBackfills } from '../../shared/postgres/backfills.ts'
import { forgetLogEnds } from '../../shared/postgres/connections.ts'
import { hasMark } from '../../shared/postgres/database-marks.ts'
import {
  addDeletedGap,
  addRestoredGap,
  deleteMissedGaps,
  listWithMissedGaps,
} from '../../shared/postgres/gaps.ts'
import { forgetKeptPositions } from '../../shared/postgres/kept-requests.ts'
import {
  acceptTopics,
  compareTopics,
  forgetTopics,
  listKnownTopics,
} from '../../shared/postgres/known-topics.ts'
import { forgetPublished, listTakers } from '../../shared/postgres/undelivered-calls.ts'
import { beginAnew } from './begin-anew.ts'
import { byWorkspace, type EventsLog, oldestRecords, settledLogs } from './settled-log.ts'
import { listVanished, type UndeliveredOptions, undelivered } from './undelivered.ts'
import { CLOCKS_APART_MS, toGap, type Vanished } from './vanished.ts'

export interface ConfirmKafkaOptions extends EventsLog {
  readonly pool: Pool
  readonly link: ClusterLink
  readonly coordinator: Pick<GroupCoordinator, 'commit' | 'committed'>
  readonly names: TopicNames
  readonly topicPrefix: string
  /** Milliseconds since 1970: what was published before is left as it is. Null: all that is known. */
  readonly since: number | null
  /** The database was restored as well, from a copy of this time: nobody knows of calls since. Null: it was not. */
  readonly copiedAt: number | null
  readonly kept: Pick<KeptMark, 'read'>
  readonly clock: Pick<Clock, 'now'>
}

export type ConfirmedKafka =
  /** Calls that are gone all the same, of workspaces that have a gap for them: both were lost, and one was confirmed before. */
  | { readonly result: 'nothing_to_confirm'; readonly unknown: number }
  /** Nothing was done: the database is an older copy, and nobody said from when. */
  | { readonly result: 'postgres_restored' }
  /** Nothing was done: a dispatcher is in the group, and its commits would undo what is done here. */
  | { readonly result: 'dispatchers_running' }
  /** Nothing was done: these topics have to be made first. */
  | { readonly result: 'topics_missing'; readonly topics: readonly string[] }
  | ({ readonly result: 'confirmed'; readonly topics: readonly string[] } & Gone)

interface Gone {
  /** Each has a gap now. */
  readonly vanished: readonly Vanished[]
  /** Workspaces with a gap for all that came since the copy was taken. */
  readonly unknown: number
  /** Events whose repeats are taken again; null: they are in the log yet, and a back-fill brings them. */
  readonly forgotten: number | null
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
  const isOfDispatchers = (topic: string) => isRead(topic, names)
  const missing = unseen.filter(isOfDispatchers)
  if (missing.length > 0) return { result: 'topics_missing', topics: missing }
  if (changed.length === 0 && unseen.length === 0) {
    return { result: 'nothing_to_confirm', unknown: await recordUnknownBefore(options) }
  }
  if (await isOlderCopy(options)) return { result: 'postgres_restored' }
  const topics = { read: changed.filter(isOfDispatchers), known: known.filter(isOfDispatchers) }
  if (topics.read.length > 0 && !(await beginAnew(options, topics))) {
    return { result: 'dispatchers_running' }
  }
  const gone = await recordGone(options, topics.read)
  await forgetKeptPositions(pool)
  await forgetTopics(pool, unseen)
  await acceptTopics(pool, ids)
  return { result: 'confirmed', topics: changed, ...gone }
}

/** By its rows, calls since the copy was taken were never there: nobody would be told of them. */
async function isOlderCopy({ pool, kept, copiedAt }: ConfirmKafkaOptions): Promise<boolean> {
  const lost = copiedAt === null ? await kept.read() : null
  return lost !== null && !(await hasMark(pool, lost))
}

/** By the dispatchers, in their group. */
function isRead(topic: string, { events, catchUp, retry }: TopicNames): boolean {
  return topic === events || topic === catchUp || topic.startsWith(retry(''))
}

async function recordGone(options: ConfirmKafkaOptions, read: readonly string[]): Promise<Gone> {
  if (read.length === 0) return { vanished: [], unknown: 0, forgotten: 0 }
  await failBackfills(options.pool)
  return read.includes(options.names.events) ? recordLostLog(options) : recordLostLanes(options)
}

/** What was published before the oldest record of its partition was in the log that is gone. */
async function recordLostLog(options: ConfirmKafkaOptions): Promise<Gone> {
  const { pool, eventsTopic, since, clock } = options
  const now = clock.now()
  const until = (await oldestRecords(options)).map(({ at }) => at ?? now)
  // From then on nobody knows who misses what.
  const vanished = await recordGaps({ pool, since, until }, addDeletedGap)
  const unknown = await recordUnknown(options, until)
  const untilOf = byWorkspace(until)
  const missing = await listWithMissedGaps(pool)
  await deleteMissedGaps(pool, new Map(missing.map((id) => [id, untilOf(id)])))
  // By the places of the log before, calls of the new one would pass for older than the connection.
  await forgetLogEnds(pool, eventsTopic)
  let forgotten = 0
  for await (const calls of undelivered({ pool, since, until })) {
    const eventIds = calls.map(({ eventId }) => eventId)
    await forgetPublished(pool, eventIds)
    forgotten += eventIds.length
  }
  return { vanished, unknown, forgotten }
}

/** The log is as it was: what the dispatchers had settled of it and not delivered was in a lane. */
async function recordLostLanes(options: ConfirmKafkaOptions): Promise<Gone> {
  const { pool, since, clock } = options
  const now = clock.now()
  const settled = await settledLogs(options)
  const until = settled.map((one) => Math.min(one.until + CLOCKS_APART_MS, now))
  const vanished = await recordGaps({ pool, since, until }, addRestoredGap)
  return { vanished, unknown: 0, forgotten: null }
}

async function recordGaps(
  place: UndeliveredOptions,
  addGap: typeof addDeletedGap,
): Promise<readonly Vanished[]> {
  const vanished = await listVanished(place)
  const untilOf = byWorkspace(place.until)
  for (const one of vanished) {
    const { from, to } = toGap(one)
    await addGap(place.pool, one.workspaceId, { from, to: Math.min(to, untilOf(one.workspaceId)) })
  }
  return vanished
}

/** Kafka was confirmed before: tells nothing where the log is older than the copy. */
async function recordUnknownBefore(options: ConfirmKafkaOptions): Promise<number> {
  if (options.copiedAt === null) return 0
  const now = options.clock.now()
  const oldest = await oldestRecords(options)
  return recordUnknown(
    options,
    oldest.map(({ at, isNew }) => at ?? (isNew ? now : 0)),
  )
}

/** Both stores are gone for that time: each that was connected may miss calls of it. */
async function recordUnknown(
  { pool, copiedAt }: ConfirmKafkaOptions,
  until: readonly number[],
): Promise<number> {
  if (copiedAt === null) return 0
  const untilOf = byWorkspace(until)
  const takers = await listTakers(pool, copiedAt)
  const spans = [...takers]
    .map(([id, from]) => ({ id, from, to: untilOf(id) }))
    .filter(({ from, to }) => from < to)
  for (const { id, from, to } of spans) await addDeletedGap(pool, id, { from, to })
  return spans.length
}
