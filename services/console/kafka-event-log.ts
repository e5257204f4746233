import type { Clock } from '../shared/clock.ts'
import type { KafkaConfig } from '../shared/config.ts'
import { withinMs } from '../shared/deadline.ts'
import { createKafka } from '../shared/kafka/client.ts'
import { createLogReader, type LogReader } from '../shared/kafka/log-reader.ts'
import { openSchemaBook } from '../shared/kafka/open-schema-book.ts'
import { partitionOfKey } from '../shared/kafka/partitioner.ts'
import { topicNames } from '../shared/kafka/topics.ts'
import type { Stoppable } from '../shared/lifecycle.ts'
import type { Logger } from '../shared/logger.ts'
import type { Queryable } from '../shared/postgres/pool.ts'
import { type EventLog, EventLogAwayError } from './event-log.ts'
import { LogScan, type ScanOptions } from './log-scan.ts'

/** The log in Kafka, read without a consumer group: nobody's position depends on who looks. */
export interface KafkaEventLogOptions extends ScanOptions {
  readonly reader: LogReader
  readonly topic: string
  /** `TOPIC_PARTITIONS`: a workspace's partition follows from it. */
  readonly partitions: number
  readonly clock: Clock
}

/** A page ends with the first of these, so that a request never scans without end. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024
const PAGE_MS_MAX = 700
const FIND_PAGE = 500
/** kafkajs itself tries for half a minute; nobody waits that long for a page. */
const ANSWER_WITHIN_MS = 3_000

/** Connects with the first question, so that the console serves everything else while Kafka is away. */
export function openEventLog(
  config: KafkaConfig,
  db: Queryable,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): EventLog & Stoppable {
  const kafka = createKafka(config, 'console', logger)
  const topic = topicNames(config.topicPrefix).events
  const reader = createLogReader({ kafka, topic, logger })
  const schemas = openSchemaBook(config.registry, topic, { db, logger })
  const typeOf = (id: number) => schemas.typeOf(id)
  const { partitions } = config
  const log = createKafkaEventLog({ reader, topic, partitions, typeOf, clock, logger })
  return { ...log, stop: () => reader.stop() }
}

export function createKafkaEventLog(options: KafkaEventLogOptions): EventLog {
  const { topic, partitions, clock } = options
  const partitionOf = (workspaceId: string) => partitionOfKey(workspaceId, partitions)
  const reader = guardedReader(options)

  const log: EventLog = {
    partitionOf,
    async end(workspaceId) {
      const partition = partitionOf(workspaceId)
      const { low, high } = await reader.range(partition)
      const last = high > low ? await reader.read(partition, high - 1) : null
      // The end of a transaction is none.
      const found = last?.messages[0]
      return { topic, offset: high, lastAt: found ? Number(found.timestamp) : null }
    },
    async offsetAt(partition, at) {
      return (await reader.firstSince(partition, at))?.offset ?? null
    },
    async oldestAt(partition) {
      return (await reader.firstSince(partition, 0))?.at ?? null
    },
    async page(workspaceId, { offset, until, limit }, signal) {
      const partition = partitionOf(workspaceId)
      const scan = new LogScan(options, { workspaceId, partition, until, limit }, offset)
      const endAt = clock.elapsed() + PAGE_MS_MAX
      const isPaid = () => scan.bytesRead >= PAGE_BYTES_MAX || clock.elapsed() >= endAt
      while (scan.isOpen && !isPaid() && !signal?.aborted) {
        await scan.take(await reader.read(partition, scan.offset))
      }
      return scan.page()
    },
    async find({ workspaceId, eventId }, { since, until }, budget) {
      let offset = await log.offsetAt(partitionOf(workspaceId), since)
      while (offset !== null) {
        if (budget.isUsedUp()) return { kind: 'unread' }
        const range = { offset, until, limit: FIND_PAGE }
        const page = await log.page(workspaceId, range, budget.signal)
        budget.spend(page.cost.bytesRead)
        const logged = page.events.find(({ event }) => event.eventId === eventId)
        if (logged) return { kind: 'found', logged }
        offset = page.nextOffset
      }
      return { kind: 'absent' }
    },
  }
  return log
}

type Questions = Pick<LogReader, 'read' | 'firstSince' | 'range'>

/** Answers soon or says that the log is away, whatever the reason; the cause is for our own log. */
function guardedReader({ reader, partitions }: KafkaEventLogOptions): Questions {
  let isChecked = false

  async function ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await withinMs(ANSWER_WITHIN_MS, checked().then(question))
    } catch (error) {
      throw new EventLogAwayError('The log does not answer.', { cause: error })
    }
  }

  /** With another number we would look for a workspace where it never was, and show nothing. */
  async function checked(): Promise<void> {
    if (isChecked) return
    const found = await reader.countPartitions()
    // Added by somebody and never used: everybody goes on with the number that is configured.
    const isGrownUnused = found > partitions && (await reader.range(partitions)).high === 0
    if (found !== partitions && !isGrownUnused) {
      throw new Error(`the log has ${found} partitions, TOPIC_PARTITIONS says ${partitions}`)
    }
    isChecked = true
  }

  return {
    read: (partition, offset) => ask(() => reader.read(partition, offset)),
    firstSince: (partition, at) => ask(() => reader.firstSince(partition, at)),
    range: (partition) => ask(() => reader.range(partition)),
  }
}
