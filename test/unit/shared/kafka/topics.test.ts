import type { Admin, ITopicConfig } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { TopicError } from '../../../../services/shared/kafka/topic-spec.ts'
import {
  ensureTopics,
  eventsTopic,
  rejectedTopic,
  topicNames,
} from '../../../../services/shared/kafka/topics.ts'

const names = topicNames('calls')
const specs = [eventsTopic(names, 12), rejectedTopic(names, 12)]

/** A cluster that has some topics; `refuses` is what it says to the creation of more. */
class FakeCluster {
  readonly partitions: Map<string, number>
  readonly created: ITopicConfig[] = []
  readonly #refuses: Error | null

  constructor(partitions: Readonly<Record<string, number>>, refuses: Error | null = null) {
    this.partitions = new Map(Object.entries(partitions))
    this.#refuses = refuses
  }

  async listTopics(): Promise<string[]> {
    return [...this.partitions.keys()]
  }

  async createTopics({ topics }: { topics: ITopicConfig[] }): Promise<boolean> {
    if (this.#refuses) throw this.#refuses
    for (const topic of topics) {
      this.created.push(topic)
      this.partitions.set(topic.topic, topic.numPartitions ?? 1)
    }
    return true
  }

  async fetchTopicMetadata({ topics }: { topics: string[] }) {
    return {
      topics: topics.map((name) => ({
        name,
        partitions: Array.from({ length: this.partitions.get(name) ?? 0 }),
      })),
    }
  }

  /** Partitions that hold something, by topic. */
  readonly written = new Map<string, readonly number[]>()

  async fetchTopicOffsets(topic: string) {
    const written = this.written.get(topic) ?? []
    return Array.from({ length: this.partitions.get(topic) ?? 0 }, (_, partition) => {
      const high = written.includes(partition) ? '7' : '0'
      return { partition, high, low: '0', offset: high }
    })
  }

  /** Four of the thirty methods that kafkajs has. */
  get admin(): Admin {
    return this as unknown as Admin
  }
}

describe('topics at the start of a service', () => {
  it('are created where they are missing, and only there', async () => {
    const cluster = new FakeCluster({ 'calls.events': 12 })

    await ensureTopics(cluster.admin, specs)

    expect(cluster.created).toMatchObject([
      { topic: 'calls.rejected', numPartitions: 12, replicationFactor: -1 },
    ])
  })

  it('get their time from the broker: "accepted at" has to come from one clock', async () => {
    const cluster = new FakeCluster({})

    await ensureTopics(cluster.admin, specs)

    for (const { configEntries } of cluster.created) {
      expect(configEntries).toContainEqual({
        name: 'message.timestamp.type',
        value: 'LogAppendTime',
      })
    }
  })

  it.each([6, 24])(
    'are refused with %i partitions and the sentence that mends it',
    async (found) => {
      const cluster = new FakeCluster({ 'calls.events': found, 'calls.rejected': 12 })

      const ensured = ensureTopics(cluster.admin, specs)

      await expect(ensured).rejects.toThrow(TopicError)
      await expect(ensured).rejects.toThrow(
        `Topic calls.events has ${found} partitions, TOPIC_PARTITIONS says 12: set TOPIC_PARTITIONS=${found} for all services. Do not add partitions`,
      )
    },
  )

  it('may have more partitions than are configured while nothing was ever written to those', async () => {
    const cluster = new FakeCluster({ 'calls.events': 24, 'calls.rejected': 12 })
    cluster.written.set('calls.events', [3, 11])
    await expect(ensureTopics(cluster.admin, specs)).resolves.toBeUndefined()

    cluster.written.set('calls.events', [3, 12])
    await expect(ensureTopics(cluster.admin, specs)).rejects.toThrow(TopicError)
  })

  it('that we may not create are named, with what to ask for and why it failed', async () => {
    const cluster = new FakeCluster({}, new Error('Cluster authorization failed'))

    const ensured = ensureTopics(cluster.admin, specs)

    await expect(ensured).rejects.toThrow(
      'Cannot create calls.events, calls.rejected: create them by hand with 12 partitions, or grant this client CREATE, or DESCRIBE if they exist',
    )
    await expect(ensured).rejects.toMatchObject({
      cause: { message: 'Cluster authorization failed' },
    })
  })

  it('take their names from the prefix', () => {
    expect(topicNames('staging.calls')).toMatchObject({
      events: 'staging.calls.events',
      rejected: 'staging.calls.rejected',
    })
  })
})
