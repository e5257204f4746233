import type { Admin, ITopicConfig } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import {
  ensureTopics,
  eventsTopic,
  rejectedTopic,
  TopicError,
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

  /** Three of the thirty methods that kafkajs has. */
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

  it.each([
    [6, 'run kafka-topics.sh --alter --topic calls.events --partitions 12'],
    [24, 'set TOPIC_PARTITIONS=24'],
  ])('are refused with %i partitions and the sentence that mends it', async (found, mend) => {
    const cluster = new FakeCluster({ 'calls.events': found, 'calls.rejected': 12 })

    const ensured = ensureTopics(cluster.admin, specs)

    await expect(ensured).rejects.toThrow(TopicError)
    await expect(ensured).rejects.toThrow(
      `Topic calls.events has ${found} partitions, TOPIC_PARTITIONS says 12: ${mend}. ` +
        'All topics need the same number, or a workspace would not have one owner.',
    )
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
