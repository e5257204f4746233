import type { Clock } from '../../shared/clock.ts'
import type { PartitionConsumer } from '../../shared/kafka/partition-consumer.ts'
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
  readonly watermark: number
  readonly settledBeyond: readonly number[]
}

export interface HandoverOptions {
  readonly consumer: Pick<PartitionConsumer, 'committed'>
  readonly topic: string
  readonly clock: Clock
  /** Milliseconds: request timeout and a margin. */
  readonly graceMs: number
  readonly signal: AbortSignal
}

const LOOK_AGAIN_MS = 200

/** Rejects when Kafka cannot be asked, or with an AbortError. */
export async function awaitHandover(
  partition: number,
  { consumer, topic, clock, graceMs, signal }: HandoverOptions,
): Promise<Handover> {
  const graceEndsAt = clock.now() + graceMs
  for (;;) {
    const isGraceOver = clock.now() >= graceEndsAt
    const [committed] = await consumer.committed([topic], [partition])
    signal.throwIfAborted()
    const offset = committed?.offset ?? null
    const metadata = decodeMetadata(offset ?? 0, committed?.metadata ?? null)
    // Nobody ever had it, or the last one left in good order, or has had time enough to end.
    if (offset === null || metadata?.clean === true || isGraceOver) {
      return { partition, watermark: offset ?? 0, settledBeyond: metadata?.settledBeyond ?? [] }
    }
    await clock.sleep(LOOK_AGAIN_MS, signal)
  }
}
