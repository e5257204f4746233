import type { Kafka } from 'kafkajs'
import { createLogReader, type LogReader } from '../../shared/kafka/log-reader.ts'
import { partitionOfKey } from '../../shared/kafka/partitioner.ts'
import type { LogRecord } from '../../shared/kafka/producer.ts'
import type { Logger } from '../../shared/logger.ts'

/**
 * Which of these records are in the log, by key and value: they were handed to Kafka, which did
 * not answer, and written again they would reach the customer twice. What an encoder of another
 * version made of the same event is not found, and comes twice.
 */
export type FindInLog = (attempts: readonly Attempt[]) => Promise<ReadonlySet<LogRecord>>

export interface Attempt {
  readonly record: LogRecord
  readonly attemptedAt: Date
}

/** Clocks of ours and of the brokers differ by less than this, in milliseconds. */
const CLOCKS_DIFFER_MS = 60_000
/** Of one partition. What lies behind is not looked at, and may come twice. */
const SCAN_BYTES_MAX = 64 * 1024 * 1024

export function createFindInLog({
  kafka,
  partitions,
  logger,
}: {
  readonly kafka: Kafka
  /** Of each topic; what the producer goes by. */
  readonly partitions: number
  readonly logger: Logger
}): FindInLog {
  return async (attempts) => {
    const found = new Set<LogRecord>()
    const topics = grouped(attempts, ({ record }) => record.topic)
    for (const [topic, ofTopic] of topics) {
      // One of its own: this happens once per outage, and none has to survive it.
      const reader = createLogReader({ kafka, topic, pageBytes: 1024 * 1024, logger })
      try {
        const groups = grouped(ofTopic, ({ record }) => partitionOfKey(record.key, partitions))
        // What cannot be seen yet would be taken for missing, and written a second time.
        await Promise.all([...groups.keys()].map((partition) => reader.settled(partition)))
        for (const [partition, group] of groups) {
          const isWhole = await scan(reader, partition, group, found)
          if (!isWhole) logger.warn({ topic, partition }, 'spool.scan_cut_short')
        }
      } finally {
        await reader.stop()
      }
    }
    return found
  }
}

/** False when the end was not reached. */
async function scan(
  reader: LogReader,
  partition: number,
  attempts: readonly Attempt[],
  found: Set<LogRecord>,
): Promise<boolean> {
  const since = Math.min(...attempts.map(({ attemptedAt }) => attemptedAt.getTime()))
  const wanted = new Map(attempts.map(({ record }) => [nameOf(record.key, record.value), record]))
  const start = await reader.firstSince(partition, since - CLOCKS_DIFFER_MS)
  if (start === null) return true
  let offset = start.offset
  let bytesLeft = SCAN_BYTES_MAX
  while (bytesLeft > 0) {
    const page = await reader.read(partition, offset)
    if (page.next === offset) return true
    for (const { key, value } of page.messages) {
      const record = value && wanted.get(nameOf(key?.toString() ?? '', value))
      if (record) found.add(record)
    }
    offset = page.next
    bytesLeft -= page.bytes
  }
  return false
}

function nameOf(key: string, value: Buffer): string {
  return `${key}\0${value.toString('latin1')}`
}

function grouped<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
