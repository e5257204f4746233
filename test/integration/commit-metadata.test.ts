import { describe, expect, it, onTestFinished } from 'vitest'
import {
  decodeMetadata,
  encodeMetadata,
  METADATA_CHARS_MAX,
  WINDOW_MAX,
} from '../../services/dispatcher/lane/commit-metadata.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import {
  type PartitionConsumer,
  startPartitionConsumer,
} from '../../services/shared/kafka/partition-consumer.ts'
import { prepareTopics } from '../../services/shared/kafka/topics.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

/** A member of a group of its own that owns the single partition of a topic of its own. */
async function aMember(): Promise<{ consumer: PartitionConsumer; topic: string }> {
  const topic = freshPrefix()
  const kafka = createKafka(kafkaConfigOf(testStack().env), 'metadata-test', quiet)
  await prepareTopics(kafka, [{ topic, partitions: 1, config: {} }])
  const consumer = await startPartitionConsumer({
    kafka,
    groupId: topic,
    topics: [topic],
    partitions: 1,
    owner: { assigned() {}, revoked() {}, records: () => 0 },
    sessionTimeoutMs: 6_000,
    logger: quiet,
  })
  onTestFinished(() => consumer.stop())
  await eventually(() => expect(consumer.isMember).toBe(true))
  return { consumer, topic }
}

describe('commit metadata in a broker', () => {
  it('is absent for a partition that nobody ever had', async () => {
    const { consumer, topic } = await aMember()

    expect(await consumer.committed([topic], [0])).toMatchObject([{ offset: null }])
  })

  it('comes back with the widest window at its worst', async () => {
    const { consumer, topic } = await aMember()
    const offset = 1_000
    const settledBeyond = Array.from(
      { length: WINDOW_MAX / 2 },
      (_, index) => offset + 2 * index + 1,
    )
    const metadata = encodeMetadata(offset, { clean: true, settledBeyond })

    await consumer.commit([{ topic, partition: 0, offset, metadata }])
    const [committed] = await consumer.committed([topic], [0])

    expect(committed).toEqual({ topic, partition: 0, offset, metadata })
    expect(decodeMetadata(offset, committed?.metadata ?? null)).toEqual({
      clean: true,
      settledBeyond,
    })
  })

  it('may have exactly as many characters as we count on, and not one more', async () => {
    const { consumer, topic } = await aMember()
    const commit = (length: number) =>
      consumer.commit([{ topic, partition: 0, offset: 7, metadata: 'A'.repeat(length) }])

    await commit(METADATA_CHARS_MAX)
    await expect(commit(METADATA_CHARS_MAX + 1)).rejects.toMatchObject({
      type: 'OFFSET_METADATA_TOO_LARGE',
    })

    const [committed] = await consumer.committed([topic], [0])
    expect(committed?.metadata).toHaveLength(METADATA_CHARS_MAX)
  })
})

describe('a commit while the broker is away', () => {
  const { stopServer, startServer } = testStack()

  it('is refused, and taken once it is back', async () => {
    const { consumer, topic } = await aMember()
    const commit = () => consumer.commit([{ topic, partition: 0, offset: 7, metadata: '' }])
    await stopServer('kafka', 'SIGKILL')
    const refused: boolean[] = []
    try {
      await eventually(() => expect(consumer.failure).not.toBeNull(), 40_000)
      // It asks for the coordinator, connects and waits in turn.
      for (const until = Date.now() + 5_000; Date.now() < until; await systemClock.sleep(200)) {
        refused.push(await commit().then(no, yes))
      }
    } finally {
      await startServer('kafka')
    }

    expect(refused).not.toContain(false)
    await eventually(commit, 40_000)
  }, 120_000)
})

const yes = () => true
const no = () => false
