import { describe, expect, it, onTestFinished } from 'vitest'
import { createKafka } from '../../services/shared/kafka/client.ts'
import {
  type PartitionConsumer,
  type PartitionOwner,
  startPartitionConsumer,
} from '../../services/shared/kafka/partition-consumer.ts'
import { prepareTopics } from '../../services/shared/kafka/topics.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

const PARTITIONS = 6
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)
const SESSION_TIMEOUT_MS = 6_000

/** One member, and what the group has told it. */
class Member implements PartitionOwner {
  readonly owned = new Set<number>()
  /** Every partition that it was ever given or lost, in order: `+3`, `-3`. */
  readonly history: string[] = []
  /** Topic and partition of the records that reached it; nothing is committed, so some come again. */
  readonly received = new Set<string>()
  readonly #consumer: Promise<PartitionConsumer>

  constructor(start: (owner: PartitionOwner) => Promise<PartitionConsumer>) {
    this.#consumer = start(this)
  }

  assigned(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.history.push(`+${partition}`)
      this.owned.add(partition)
    }
  }

  revoked(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.history.push(`-${partition}`)
      this.owned.delete(partition)
    }
  }

  records(topic: string, partition: number, messages: readonly unknown[]): number {
    for (const _ of messages) this.received.add(`${topic}/${partition}`)
    return messages.length
  }

  async resumeAll(topics: readonly string[]): Promise<void> {
    const consumer = await this.#consumer
    for (const topic of topics)
      for (const partition of this.owned) consumer.resume(topic, partition)
  }

  async leave(): Promise<void> {
    this.owned.clear()
    await (await this.#consumer).stop()
  }

  async started(): Promise<this> {
    await this.#consumer
    return this
  }
}

/** A group over two topics; members join one after the other. */
async function aGroup() {
  const prefix = freshPrefix()
  const topics = [`${prefix}.one`, `${prefix}.two`]
  const config = kafkaConfigOf(testStack().env)
  const kafka = createKafka(config, 'assigner-test', quiet)
  const specs = topics.map((topic) => ({ topic, partitions: PARTITIONS, config: {} }))
  await prepareTopics(kafka, specs)
  const join = async () => {
    const member = new Member((owner) =>
      startPartitionConsumer({
        kafka: createKafka(config, 'assigner-test', quiet),
        groupId: prefix,
        topics,
        partitions: PARTITIONS,
        owner,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        logger: quiet,
      }),
    )
    onTestFinished(() => member.leave())
    return member.started()
  }
  return { kafka, topics, join }
}

function ownersOf(...members: readonly Member[]): number[] {
  return members.flatMap(({ owned }) => [...owned]).toSorted((a, b) => a - b)
}

describe('consumer group with our assigner', () => {
  it('moves half of the partitions to a second member and back, and the rest stays', async () => {
    const { join } = await aGroup()
    const first = await join()
    await eventually(() => expect(ownersOf(first)).toEqual(ALL))

    const second = await join()
    await eventually(() => {
      expect(ownersOf(first, second)).toEqual(ALL)
      expect(second.owned.size).toBe(PARTITIONS / 2)
    })
    const moved = [...second.owned].toSorted((a, b) => a - b)
    await second.leave()
    await eventually(() => expect(ownersOf(first)).toEqual(ALL))

    expect(first.history).toEqual([
      ...ALL.map((partition) => `+${partition}`),
      ...moved.map((partition) => `-${partition}`),
      ...moved.map((partition) => `+${partition}`),
    ])
  })

  it('gives a member the same partitions of both topics', async () => {
    const { kafka, topics, join } = await aGroup()
    const members = [await join(), await join()]
    await eventually(() => {
      expect(members.map(({ owned }) => owned.size)).toEqual([3, 3])
      expect(ownersOf(...members)).toEqual(ALL)
    })
    for (const member of members) await member.resumeAll(topics)
    const producer = kafka.producer()
    await producer.connect()
    onTestFinished(() => producer.disconnect())

    const messages = ALL.map((partition) => ({ partition, value: 'x' }))
    for (const topic of topics) await producer.send({ topic, messages })

    await eventually(() => {
      for (const { owned, received } of members) {
        const expected = topics.flatMap((topic) => [...owned].map((p) => `${topic}/${p}`))
        expect([...received].toSorted()).toEqual(expected.toSorted())
      }
    })
  })
})
