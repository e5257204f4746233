import type { Clock } from '../../shared/clock.ts'
import type { LogReader } from '../../shared/kafka/log-reader.ts'
import { partitionOfKey } from '../../shared/kafka/partitioner.ts'
import type { LogRecord } from '../../shared/kafka/producer.ts'
import type { TopicPartition } from '../../shared/kafka/topic-partition.ts'
import type { Logger } from '../../shared/logger.ts'

/**
 * Which of these records are in the log, by key and value: they were handed to Kafka, which did
 * not answer, and written again they would reach the customer twice. What an encoder of another
 * version made of the same event is not found, and comes twice.
 */
export type FindInLog = (attempts: readonly Attempt[]) => Promise<Judgement>

/** Never rejects: a partition of which nothing can be said holds up its own records only. */
export interface Judgement {
  readonly found: ReadonlySet<LogRecord>
  /** Partitions, of whichever topic, that could not be judged, by why. */
  readonly unjudged: ReadonlyMap<number, unknown>
}

export interface Attempt {
  readonly record: LogRecord
  readonly attemptedAt: Date
}

/** Clocks of ours and of the brokers differ by less than this, in milliseconds. */
const CLOCKS_DIFFER_MS = 60_000
/**
 * So long after it was given up, a broker that runs has written a record or refused it. The customer
 * waits for it: twice as long, and a call that a change of leaders held up came more than 2 s late.
 */
const ARRIVES_WITHIN_MS = 1_000
/**
 * A broker that stood still finds the record and our question side by side, each on a connection of
 * its own. It may answer us first: so much later it has written the record, too.
 */
const CATCHES_UP_WITHIN_MS = 250
/** Of one partition. What lies behind is not looked at, and may come twice. */
const SCAN_BYTES_MAX = 64 * 1024 * 1024

export interface FindInLogOptions {
  /** For one judgement: this happens once per outage, and none has to survive it. */
  readonly openReader: (topic: string) => LogReader
  /** Of each topic; what the producer goes by. */
  readonly partitions: number
  /** Milliseconds for which a producer tries. */
  readonly publishTimeoutMs: number
  readonly clock: Clock
  readonly logger: Logger
}

export function createFindInLog(options: FindInLogOptions): FindInLog {
  const { openReader, partitions, publishTimeoutMs, clock, logger } = options

  /** A broker that was slow may still hold what was sent and given up; seldom is anybody that early. */
  async function untilArrived(attempts: readonly Attempt[]): Promise<void> {
    const inFlightMs = publishTimeoutMs + ARRIVES_WITHIN_MS
    const last = Math.max(...attempts.map(({ attemptedAt }) => attemptedAt.getTime()))
    const left = Math.min(last + inFlightMs - clock.now(), inFlightMs)
    if (left > 0) await clock.sleep(left)
  }

  /** Side by side with others, or one that does not answer would hold up the others. */
  async function judge(reader: LogReader, place: TopicPartition, attempts: readonly Attempt[]) {
    await reader.settled(place.partition)
    await clock.sleep(CATCHES_UP_WITHIN_MS)
    // What cannot be seen yet would be taken for missing, and written a second time.
    const end = await reader.settled(place.partition)
    const { found, isWhole } = await scan(reader, { ...place, end }, attempts)
    if (!isWhole) logger.warn(place, 'spool.scan_cut_short')
    return found
  }

  async function judgeTopic(topic: string, attempts: readonly Attempt[]): Promise<Judgement> {
    const groups = grouped(attempts, ({ record }) => partitionOfKey(record.key, partitions))
    const reader = openReader(topic)
    const unjudged = new Map<number, unknown>()
    const judging = [...groups].map(([partition, group]) =>
      judge(reader, { topic, partition }, group).catch((error: unknown) => {
        unjudged.set(partition, error)
        return []
      }),
    )
    const found = new Set((await Promise.all(judging)).flat())
    await reader.stop()
    return { found, unjudged }
  }

  return async (attempts) => {
    if (attempts.length === 0) return { found: new Set(), unjudged: new Map() }
    await untilArrived(attempts)
    const topics = grouped(attempts, ({ record }) => record.topic)
    const judged = await Promise.all([...topics].map(([topic, some]) => judgeTopic(topic, some)))
    return {
      found: new Set(judged.flatMap(({ found }) => [...found])),
      unjudged: new Map(judged.flatMap(({ unjudged }) => [...unjudged])),
    }
  }
}

/** Not whole when it was cut short. Rejects when the log ends before `end`: then its leader has moved. */
async function scan(
  reader: LogReader,
  { partition, end }: TopicPartition & { readonly end: number },
  attempts: readonly Attempt[],
): Promise<{ readonly found: readonly LogRecord[]; readonly isWhole: boolean }> {
  const found: LogRecord[] = []
  const since = Math.min(...attempts.map(({ attemptedAt }) => attemptedAt.getTime()))
  const wanted = new Map(attempts.map(({ record }) => [nameOf(record.key, record.value), record]))
  const start = await reader.firstSince(partition, since - CLOCKS_DIFFER_MS)
  // Nothing is that late, or nothing that can be seen: behind an open transaction there may be all of
  // it. The last record tells which.
  let offset = start?.offset ?? Math.max(end - 1, 0)
  let bytesLeft = SCAN_BYTES_MAX
  while (bytesLeft > 0) {
    const page = await reader.read(partition, offset)
    if (page.next === offset) {
      // The next leader may show less for a moment.
      if (offset < end) throw new Error(`partition ${partition} ends at ${offset}, not at ${end}`)
      return { found, isWhole: true }
    }
    for (const { key, value } of page.messages) {
      const record = value && wanted.get(nameOf(key?.toString() ?? '', value))
      if (record) found.push(record)
    }
    offset = page.next
    bytesLeft -= page.bytes
  }
  return { found, isWhole: false }
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
