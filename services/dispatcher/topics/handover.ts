import type { Clock } from '../../shared/clock.ts'
import type { CommittedOffset } from '../../shared/kafka/group-coordinator.ts'
import type { LogRange } from '../../shared/kafka/log-ranges.ts'
import type { PartitionConsumer } from '../../shared/kafka/partition-consumer.ts'
import type { LostRecords } from '../../shared/kafka/partition-fetcher.ts'
import { decodeMetadata } from '../lane/commit-metadata.ts'

/**
 * Waits until nobody else can have a request open for a partition that we were given.
 *
 * The owner before leaves a *clean marker* in the commit metadata once its last request has ended.
 * Where there is none (it was killed, or cut off) a grace longer than one request may take has to
 * pass. Without it two requests of one workspace could be open at once and overtake each other.
 */
export interface Handover {
  readonly partition: number
  readonly topics: readonly TopicStart[]
  /** What each lane topic held at this moment; to be read before the first delivery. */
  readonly laneRanges: ReadonlyMap<string, LogRange>
  /** Committed offsets that the log does not hold (any more). */
  readonly lost: readonly LostRecords[]
  /** The events topic was made anew: offsets in lane records are those of another log. */
  readonly isOtherLog: boolean
  /** Of the numbers that customers get, as it is committed; see `sequenceOf`. */
  readonly epoch: number
  /** The offset behind the last record of the events topic. */
  readonly logEnd: number
}

/** Where to begin in one topic, as its last commit says. */
export interface TopicStart {
  readonly topic: string
  readonly watermark: number
  readonly settledBeyond: readonly number[]
}

export interface HandoverOptions {
  readonly consumer: Pick<PartitionConsumer, 'committed' | 'ranges'>
  readonly eventsTopic: string
  readonly laneTopics: readonly string[]
  readonly clock: Clock
  /** Milliseconds: request timeout and a margin. */
  readonly graceMs: number
  /** Logs that were seen to go back: what is committed there is of another log, whatever it says. */
  readonly wentBack?: readonly LostRecords[]
  readonly signal: AbortSignal
}

const LOOK_AGAIN_MS = 200

/** Rejects when Kafka cannot be asked, or with an AbortError. */
export async function awaitHandover(
  partition: number,
  { consumer, eventsTopic, laneTopics, clock, graceMs, wentBack = [], signal }: HandoverOptions,
): Promise<Handover> {
  const graceEndsAt = clock.elapsed() + graceMs
  for (;;) {
    const isGraceOver = clock.elapsed() >= graceEndsAt
    const committed = await consumer.committed([eventsTopic, ...laneTopics], [partition])
    signal.throwIfAborted()
    const events = committed.find(({ topic }) => topic === eventsTopic)
    if (isGraceOver || !events || isFree(events)) {
      const ranges = await consumer.ranges([eventsTopic, ...laneTopics], partition)
      signal.throwIfAborted()
      return handoverOf(partition, { committed, ranges, wentBack, eventsTopic })
    }
    await clock.sleep(LOOK_AGAIN_MS, signal)
  }
}

/** Nobody ever had it, or the last one left in good order. */
function isFree({ offset, metadata }: CommittedOffset): boolean {
  return offset === null || decodeMetadata(offset, metadata)?.clean === true
}

interface Found {
  readonly committed: readonly CommittedOffset[]
  readonly ranges: ReadonlyMap<string, LogRange>
  readonly wentBack: readonly LostRecords[]
  readonly eventsTopic: string
}

function handoverOf(
  partition: number,
  { committed, ranges, wentBack, eventsTopic }: Found,
): Handover {
  const seen = new Map(wentBack.map(({ topic, from }) => [topic, from]))
  const starts = committed.map((found) =>
    // By now the new log may be longer than what was committed of the one before.
    seen.has(found.topic)
      ? fromTheStart(found.topic, ranges.get(found.topic))
      : toStart(found, ranges.get(found.topic)),
  )
  const lost = committed.flatMap(({ topic, offset }, index): LostRecords[] => {
    const to = starts[index]?.watermark ?? 0
    const from = seen.get(topic) ?? offset
    return from === null || from === to ? [] : [{ topic, partition, from, to }]
  })
  const laneRanges = new Map([...ranges].filter(([topic]) => topic !== eventsTopic))
  const isOtherLog = lost.some(({ topic, from, to }) => topic === eventsTopic && to < from)
  const events = committed.find(({ topic }) => topic === eventsTopic)
  const { epoch = 0 } = (events && decodeMetadata(events.offset ?? 0, events.metadata)) ?? {}
  const logEnd = ranges.get(eventsTopic)?.high ?? 0
  return { partition, topics: starts, laneRanges, lost, isOtherLog, epoch, logEnd }
}

function fromTheStart(topic: string, { low }: LogRange = { low: 0, high: 0 }): TopicStart {
  return { topic, watermark: low, settledBeyond: [] }
}

/**
 * Where to begin in a log that holds `range`. What was deleted unread is passed over; a log that ends
 * before the commit is another one, made anew under the same name, and is read from its start.
 */
function toStart(
  { topic, offset, metadata }: CommittedOffset,
  range: LogRange = { low: 0, high: Number.POSITIVE_INFINITY },
): TopicStart {
  const committed = offset ?? range.low
  if (committed > range.high) return fromTheStart(topic, range)
  const watermark = Math.max(committed, range.low)
  const { settledBeyond = [] } = decodeMetadata(committed, metadata) ?? {}
  return { topic, watermark, settledBeyond: settledBeyond.filter((one) => one >= watermark) }
}
