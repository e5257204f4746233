import type { Kafka, KafkaMessage } from 'kafkajs'
import type { Logger } from '../logger.ts'
import { fetchedRecords } from './fetched-records.ts'
import { untilReadable } from './log-end.ts'
import { type LogRange, readRanges, requireAnswer } from './log-ranges.ts'
import { FETCH, LIST_OFFSETS } from './wire/api.ts'
import { createClusterLink } from './wire/cluster-link.ts'
import { CODE } from './wire/error-codes.ts'
import { survey } from './wire/survey.ts'

/**
 * Reads the log without a consumer group: one fetch, any offset, no position kept anywhere.
 * kafkajs 2.2.4 has no such call; a consumer of its own per lane would join a group each.
 */
export interface LogReader {
  /**
   * Records from `offset` on, at least one whole batch if there is any. `next` is the offset to go
   * on with, equal to `offset` at the end of the log. An offset that retention has removed goes on
   * at the first one that is left. A page without records may go on: behind markers, and records of
   * transactions that were aborted. Rejects when the broker cannot be asked, or when what lies at the
   * offset cannot be decoded.
   */
  read(partition: number, offset: number): Promise<LogPage>
  /**
   * The first record at or after a log time in milliseconds, by Kafka's time index; 0 asks for the
   * oldest that is left. Null: there is none that late. Rejects when the broker cannot be asked.
   */
  firstSince(partition: number, at: number): Promise<LogPoint | null>
  /**
   * Resolves when all that the leader has can be read, with the offset behind the last of it. A record
   * that it wrote while its replicas were away is in the log and cannot be seen before they have it,
   * too. Rejects while they are missing, and while the brokers do not agree on who leads.
   */
  settled(partition: number): Promise<number>
  /** Partitions of the topic. Rejects when the broker cannot be asked. */
  countPartitions(): Promise<number>
  /** First offset of the partition, and the one behind its last. */
  range(partition: number): Promise<LogRange>
  stop(): Promise<void>
}

export interface LogPage {
  readonly messages: readonly KafkaMessage[]
  readonly next: number
  /** What lay at the offset asked for has been deleted: the log begins at `next`. */
  readonly isCutOff: boolean
  /** Keys and values that the broker sent, also of records in front of the offset. */
  readonly bytes: number
}

/** A place in a partition and its log time in milliseconds since 1970. */
export interface LogPoint {
  readonly offset: number
  readonly at: number
}

export interface LogReaderOptions {
  readonly kafka: Kafka
  readonly topic: string
  readonly logger: Logger
  /** Bytes of one fetch; a larger batch comes whole all the same. */
  readonly pageBytes?: number
}

const PAGE_BYTES = 256 * 1024
const READ_COMMITTED = 1
/** A replica that is in sync gets what it lacks with its next fetch, after 0.5 s at most. */
const READABLE_WITHIN_MS = 3_000

export function createLogReader(options: LogReaderOptions): LogReader {
  const { topic, pageBytes = PAGE_BYTES } = options
  const link = createClusterLink({ ...options, topics: [topic] })

  async function fetchPage(partition: number, offset: number): Promise<LogPage> {
    const leader = await link.requireLeader(topic, partition)
    const wanted = { partition, fetchOffset: String(offset), maxBytes: pageBytes }
    const { responses } = await link.ask(leader, FETCH, {
      replicaId: -1,
      maxWaitTime: 0,
      minBytes: 0,
      maxBytes: pageBytes,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: [wanted] }],
    })
    const found = responses[0]?.partitions[0]
    if (!found) throw new Error(`no answer about ${topic}/${partition}`)
    if (found.errorCode === CODE.OFFSET_OUT_OF_RANGE) {
      const { low, high } = await rangeOf(partition)
      const next = offset < low || offset > high ? low : offset
      return { messages: [], next, isCutOff: offset < low, bytes: 0 }
    }
    await requireAnswer(link, found.errorCode, `reading ${topic}/${partition}`)
    const { messages, next } = fetchedRecords(offset, found)
    if (next === offset && found.unreadable !== null) {
      throw new Error(`${topic}/${partition}@${offset} cannot be read`, { cause: found.unreadable })
    }
    const sizes = found.batches.flatMap(({ records }) => records.map(sizeOf))
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    return { messages, next, isCutOff: false, bytes }
  }

  async function askFirstSince(partition: number, at: number): Promise<LogPoint | null> {
    const leader = await link.requireLeader(topic, partition)
    const wanted = { partition, timestamp: String(at) }
    const { responses } = await link.ask(leader, LIST_OFFSETS, {
      replicaId: -1,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: [wanted] }],
    })
    const found = responses[0]?.partitions[0]
    if (!found) throw new Error(`no answer about ${topic}/${partition}`)
    await requireAnswer(link, found.errorCode, `searching ${topic}/${partition}`)
    if (Number(found.offset) < 0) return null
    return { offset: Number(found.offset), at: Number(found.timestamp) }
  }

  async function untilSettled(partition: number): Promise<number> {
    const { requireLeader } = await survey(link, [topic])
    const leader = await requireLeader(topic, partition)
    return untilReadable(link, { topic, partition }, { ms: READABLE_WITHIN_MS, leader })
  }

  async function rangeOf(partition: number): Promise<LogRange> {
    const [range] = await readRanges(link, [{ topic, partition }])
    if (!range) throw new Error(`no range of ${topic}/${partition}`)
    return range
  }

  /** The leader may have moved, or its broker may hang: the caller tries again, at the new one. */
  async function looking<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      await link.refresh().catch(() => undefined)
      throw error
    }
  }

  return {
    read: (partition, offset) => looking(() => fetchPage(partition, offset)),
    firstSince: (partition, at) => looking(() => askFirstSince(partition, at)),
    settled: (partition) => looking(() => untilSettled(partition)),
    async countPartitions() {
      await link.requireLeader(topic, 0)
      return link.partitionsOf(topic) ?? 0
    },
    range: (partition) => looking(() => rangeOf(partition)),
    stop: async () => link.close(),
  }
}

function sizeOf({ key, value }: KafkaMessage): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
