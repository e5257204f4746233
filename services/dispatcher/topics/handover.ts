import type { Clock } from '../../shared/clock.ts'
import type {
  CommittedOffset,
  LogRange,
  PartitionConsumer,
} from '../../shared/kafka/partition-consumer.ts'
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
  readonly signal: AbortSignal
}

const LOOK_AGAIN_MS = 200

/** Rejects when Kafka cannot be asked, or with an AbortError. */
export async function awaitHandover(
  partition: number,
  { consumer, eventsTopic, laneTopics, clock, graceMs, signal }: HandoverOptions,
): Promise<Handover> {
  const graceEndsAt = clock.now() + graceMs
  for (;;) {
    const isGraceOver = clock.now() >= graceEndsAt
    const committed = await consumer.committed([eventsTopic, ...laneTopics], [partition])
    signal.throwIfAborted()
    const events = committed.find(({ topic }) => topic === eventsTopic)
    if (isGraceOver || !events || isFree(events)) {
      const laneRanges = await consumer.ranges(laneTopics, partition)
      signal.throwIfAborted()
      return { partition, topics: committed.map(toStart), laneRanges }
    }
    await clock.sleep(LOOK_AGAIN_MS, signal)
  }
}

/** Nobody ever had it, or the last one left in good order. */
function isFree({ offset, metadata }: CommittedOffset): boolean {
  return offset === null || decodeMetadata(offset, metadata)?.clean === true
}

function toStart({ topic, offset, metadata }: CommittedOffset): TopicStart {
  const watermark = offset ?? 0
  const { settledBeyond = [] } = decodeMetadata(watermark, metadata) ?? {}
  return { topic, watermark, settledBeyond }
}
